//! How to connect to the demo, ready to paste.

use std::{net::SocketAddr, path::Path};

use super::Demo;

/// What a person is told once the demo accepts connections. `program` is how the binary was called.
pub(crate) fn welcome(demo: &Demo, address: SocketAddr, program: &Path) -> String {
    let (program, catalog) = (program.display(), demo.catalog());
    let catalog = catalog.display();
    format!(
        r#"
The demo mesh is served on {address}.
Users: owner, analyst, desk, newcomer. Password of each: demo.

Python: pip install adbc-driver-flightsql pyarrow

  from adbc_driver_flightsql import dbapi
  user = {{"username": "analyst", "password": "demo"}}
  with dbapi.connect("grpc://{address}", db_kwargs=user, autocommit=True) as connection:
      with connection.cursor() as cursor:
          cursor.execute("SELECT origin, count(*) AS departures FROM operations.departures.flights GROUP BY origin")
          print(cursor.fetch_arrow_table())

JDBC (DBeaver and others, driver org.apache.arrow:flight-sql-jdbc-driver; start Java with
--add-opens=java.base/java.nio=ALL-UNNAMED -Duser.timezone=UTC):

  jdbc:arrow-flight-sql://{address}/?useEncryption=false&user=analyst&password=demo

Command line, without the server:

  {program} query --catalog '{catalog}' --as desk 'SELECT origin, count(*) FROM operations.departures.flights GROUP BY 1'

Queries to paste, as owner, as analyst, as desk:

  SELECT tailnum, manufacturer, seats FROM fleet.aircraft.planes ORDER BY seats DESC LIMIT 5;

  SELECT a.name, round(avg(f.dep_delay), 1) AS minutes_late
  FROM operations.departures.flights f JOIN network.reference.airlines a ON a.carrier = f.carrier
  GROUP BY a.name ORDER BY 2 DESC;

  SELECT p.manufacturer, round(avg(f.dep_delay), 1) AS minutes_late, count(*) AS departures
  FROM operations.departures.flights f
  JOIN fleet.aircraft.planes p ON p.tailnum = f.tailnum
  JOIN weather.observations.hourly w ON w.origin = f.origin AND w.time_hour = f.time_hour
  WHERE w.wind_speed BETWEEN 20 AND 200
  GROUP BY p.manufacturer ORDER BY departures DESC LIMIT 5;

More of them: {catalog}/domains/*/*/samples/*.sql
Edit a policy in {catalog} and ask again. Ctrl-C ends the demo.

"#
    )
}
