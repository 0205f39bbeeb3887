-- Four domains in one query: does the wind delay some makers' aircraft more than others'?
-- Aircraft are joined by tail number, which need not be visible for that: its hash joins as well.
SELECT
    planes.manufacturer,
    CASE
        WHEN hourly.wind_speed < 8 THEN '1 light (under 8 mph)'
        WHEN hourly.wind_speed < 19 THEN '2 breeze (8 to 18 mph)'
        ELSE '3 strong (19 mph and more)'
    END AS wind,
    count(*) AS departures,
    count(DISTINCT airlines.name) AS airlines,
    round(avg(flights.dep_delay), 2) AS average_delay_minutes
FROM operations.departures.flights
JOIN fleet.aircraft.planes ON planes.tailnum = flights.tailnum
JOIN weather.observations.hourly ON hourly.origin = flights.origin AND hourly.time_hour = flights.time_hour
JOIN network.reference.airlines ON airlines.carrier = flights.carrier
WHERE flights.dep_delay IS NOT NULL
  AND hourly.wind_speed < 200
GROUP BY planes.manufacturer, wind
HAVING count(*) >= 1000
ORDER BY planes.manufacturer, wind
