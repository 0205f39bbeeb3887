-- Who built the fleet, and how old is it?
SELECT
    manufacturer,
    count(*) AS aircraft,
    min(year) AS oldest,
    max(year) AS newest,
    round(avg(seats), 0) AS average_seats
FROM fleet.aircraft.planes
GROUP BY manufacturer
ORDER BY aircraft DESC, manufacturer
LIMIT 10
