-- How late does each airline leave, and how much does it cancel?
SELECT
    airlines.name AS airline,
    count(*) AS departures,
    round(avg(flights.dep_delay), 1) AS average_delay_minutes,
    round(100.0 * count(*) FILTER (WHERE flights.dep_time IS NULL) / count(*), 1) AS cancelled_percent
FROM operations.departures.flights
JOIN network.reference.airlines ON airlines.carrier = flights.carrier
GROUP BY airlines.name
ORDER BY average_delay_minutes DESC
