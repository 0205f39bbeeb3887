-- Four domains in one query: does wind (mph) delay some makers' aircraft more than others'? Delays are minutes.
-- Aircraft are joined by tail number, which need not be visible for that: its hash joins as well.
SELECT
    planes.manufacturer,
    count(*) AS departures,
    count(DISTINCT airlines.name) AS airlines,
    round(avg(flights.dep_delay) FILTER (WHERE hourly.wind_speed < 8), 2) AS delay_in_light_wind,
    round(avg(flights.dep_delay) FILTER (WHERE hourly.wind_speed >= 8 AND hourly.wind_speed < 19), 2) AS delay_in_breeze,
    round(avg(flights.dep_delay) FILTER (WHERE hourly.wind_speed >= 19), 2) AS delay_in_strong_wind
FROM operations.departures.flights
JOIN fleet.aircraft.planes ON planes.tailnum = flights.tailnum
JOIN weather.observations.hourly ON hourly.origin = flights.origin AND hourly.time_hour = flights.time_hour
JOIN network.reference.airlines ON airlines.carrier = flights.carrier
WHERE flights.dep_delay IS NOT NULL
  AND hourly.wind_speed < 200
GROUP BY planes.manufacturer
HAVING count(*) >= 5000
ORDER BY planes.manufacturer
