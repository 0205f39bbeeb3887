"""Ask a meshgate from Python: one statement over three domains, as three users.

    cargo run -- demo                      # in another terminal: builds and serves the demo mesh
    pip install adbc-driver-flightsql pyarrow
    python examples/quickstart.py [grpc://127.0.0.1:32010]
"""

import sys

from adbc_driver_flightsql import dbapi

URI = sys.argv[1] if len(sys.argv) > 1 else "grpc://127.0.0.1:32010"

# Names are domain.product.table. Flights and airports are Delta tables, planes and weather Iceberg tables, each
# owned by a domain of its own.
DELAYS = """
SELECT p.manufacturer, count(*) AS flights, round(avg(f.dep_delay), 1) AS minutes_late
FROM operations.departures.flights AS f
JOIN fleet.aircraft.planes AS p ON f.tailnum = p.tailnum
JOIN weather.observations.hourly AS w ON f.origin = w.origin AND f.time_hour = w.time_hour
WHERE w.wind_speed >= 20
GROUP BY p.manufacturer
ORDER BY flights DESC
LIMIT 3
"""

TAIL_NUMBER = "SELECT min(tailnum) AS a_tail_number FROM fleet.aircraft.planes"


def ask(user, sql):
    credentials = {"username": user, "password": "demo"}
    with dbapi.connect(URI, db_kwargs=credentials, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetch_arrow_table().to_pylist()


for user, why in [
    ("owner", "sees everything"),
    ("analyst", "sees tail numbers as hashes, and can still join on them"),
    ("desk", "sees the flights of its own station alone"),
]:
    print(f"{user} {why}:")
    for row in ask(user, DELAYS):
        print(f"  {row['manufacturer']}: {row['flights']} flights, {row['minutes_late']} minutes late")
    print(f"  a tail number: {ask(user, TAIL_NUMBER)[0]['a_tail_number']}")
