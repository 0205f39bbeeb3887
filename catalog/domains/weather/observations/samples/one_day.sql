-- One day at one airport. Only that day's file is read.
SELECT time_hour, temp, round(wind_speed, 1) AS wind_mph, precip, visib
FROM weather.observations.hourly
WHERE origin = 'JFK'
  AND time_hour >= TIMESTAMP '2013-02-09T00:00:00Z'
  AND time_hour < TIMESTAMP '2013-02-10T00:00:00Z'
ORDER BY time_hour
