-- The ten windiest days, by the strongest gust at any of the three airports.
SELECT
    date_trunc('day', time_hour) AS day,
    round(max(wind_gust), 1) AS strongest_gust_mph,
    round(sum(precip) / count(DISTINCT origin), 2) AS inches_of_rain_an_airport
FROM weather.observations.hourly
WHERE wind_speed < 200
GROUP BY date_trunc('day', time_hour)
ORDER BY strongest_gust_mph DESC NULLS LAST, day
LIMIT 10
