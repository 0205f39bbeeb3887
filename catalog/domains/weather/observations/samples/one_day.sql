-- One day at one airport. Only that day's file is read.
SELECT time_hour, temp, wind_speed, precip, visib
FROM weather.observations.hourly
WHERE origin = 'JFK'
  AND time_hour >= TIMESTAMP '2013-02-09T00:00:00Z'
  AND time_hour < TIMESTAMP '2013-02-10T00:00:00Z'
ORDER BY time_hour
