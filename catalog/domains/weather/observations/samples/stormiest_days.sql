-- The ten windiest days, by the strongest gust at any of the three airports.
SELECT
    date_trunc('day', time_hour) AS day,
    max(wind_gust) AS strongest_gust_mph,
    round(sum(precip), 2) AS precipitation_inches
FROM weather.observations.hourly
WHERE wind_speed < 200
GROUP BY date_trunc('day', time_hour)
ORDER BY strongest_gust_mph DESC NULLS LAST, day
LIMIT 10
