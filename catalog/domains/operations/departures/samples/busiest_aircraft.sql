-- Which aircraft left most often? Tail numbers show as they are, hashed or not at all, by who asks.
SELECT flights.tailnum, planes.manufacturer, planes.model, count(*) AS departures
FROM operations.departures.flights
JOIN fleet.aircraft.planes ON planes.tailnum = flights.tailnum
GROUP BY flights.tailnum, planes.manufacturer, planes.model
ORDER BY departures DESC, flights.tailnum
LIMIT 5
