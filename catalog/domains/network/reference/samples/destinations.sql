-- Where do flights from New York City go most?
SELECT airports.name, airports.faa, count(*) AS departures
FROM network.reference.airports
JOIN operations.departures.flights ON flights.dest = airports.faa
GROUP BY airports.name, airports.faa
ORDER BY departures DESC
LIMIT 10
