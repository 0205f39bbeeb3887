//! nycflights13 as a mesh of Parquet folders, and the users whose cost is measured.

use datafusion::{arrow::record_batch::RecordBatch, prelude::SessionContext};
use meshgate_testkit::{MeshBuilder, TableBuilder, TestMesh, UserBuilder};

/// A user of the mesh, and the view that shows the peer just what that user may see.
#[derive(Debug, Clone, Copy)]
pub struct User {
    /// Who asks the gateway.
    pub name: &'static str,
    /// What restricts them.
    pub restriction: &'static str,
    /// The same restriction by hand, for the peer.
    pub flights: &'static str,
}

/// From no restriction to a row filter.
pub const USERS: [User; 3] = [
    User { name: "owner", restriction: "none", flights: "SELECT * FROM flights" },
    User { name: "outsider", restriction: "a column denied", flights: "SELECT * EXCEPT (tailnum) FROM flights" },
    User {
        name: "desk",
        restriction: "a row filter",
        flights: "SELECT * EXCEPT (tailnum) FROM flights WHERE origin = 'JFK'",
    },
];

const GOVERNANCE: &str = r#"
    @id("restricted-for-readers-alone")
    forbid (principal, action == Action::"select", resource)
    when { resource.classification == "restricted" } unless { principal in Role::"restricted_reader" };
"#;

const OPERATIONS: &str = r#"
    @id("all-read")
    permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"operations");
    @id("all-rows")
    permit (principal in Group::"everyone", action == Action::"read_rows", resource in Domain::"operations");
    @id("own-station") @row_filter("origin = principal.station")
    permit (principal in Group::"desks", action == Action::"read_rows", resource in Domain::"operations");
"#;

const WEATHER: &str = r#"
    @id("weather-is-public")
    permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"weather");
"#;

/// Flights in twelve files, weather in one, behind policies.
pub async fn flights_mesh() -> TestMesh {
    let flights = read("flights.parquet").await;
    let months = 1..=12;
    let by_month = futures::future::join_all(months.map(|month| month_of(&flights, month))).await;
    let flights = TableBuilder::new("operations.departures.flights", by_month).classified("tailnum", "restricted");
    let weather = TableBuilder::new("weather.observations.hourly", read("weather.parquet").await);
    MeshBuilder::new()
        .table(flights)
        .table(weather)
        .with_user(UserBuilder::new("owner", &["everyone"]).role("restricted_reader"))
        .user("outsider", &["everyone"])
        .with_user(UserBuilder::new("desk", &["desks"]).attribute("station", "JFK"))
        .governance_policy(GOVERNANCE)
        .domain_policy("operations", OPERATIONS)
        .domain_policy("weather", WEATHER)
        .build()
        .await
}

/// The queries: a scan that aggregates, a selective filter, a join of two domains with a top list, bulk rows.
pub fn sql_of() -> [(&'static str, &'static str); 4] {
    [
        (
            "aggregate",
            "SELECT carrier, count(*) AS flights, avg(dep_delay) AS late, max(arr_delay) AS latest \
             FROM operations.departures.flights GROUP BY carrier ORDER BY carrier",
        ),
        (
            "filter",
            "SELECT flight, dep_delay FROM operations.departures.flights \
             WHERE month = 6 AND day = 13 AND dep_delay > 120 ORDER BY dep_delay DESC, flight",
        ),
        (
            "join",
            "SELECT f.carrier, count(*) AS flights, avg(f.dep_delay) AS late \
             FROM operations.departures.flights f \
             JOIN weather.observations.hourly w ON f.origin = w.origin AND f.time_hour = w.time_hour \
             WHERE w.wind_speed > 25.0 GROUP BY f.carrier ORDER BY late DESC, f.carrier LIMIT 10",
        ),
        (
            "bulk",
            "SELECT year, month, day, dep_time, dep_delay, arr_delay, carrier, flight, origin, dest, distance, time_hour \
             FROM operations.departures.flights",
        ),
    ]
}

async fn read(file: &str) -> Vec<RecordBatch> {
    let path = format!("{}/../examples/nycflights13/{file}", env!("CARGO_MANIFEST_DIR"));
    let context = SessionContext::new();
    let frame = context.read_parquet(path, Default::default()).await.expect("the example data");
    let schema = frame.schema().inner().clone();
    let batches = frame.collect().await.expect("the example data's rows");
    vec![datafusion::arrow::compute::concat_batches(&schema, &batches).expect("one batch")]
}

async fn month_of(flights: &[RecordBatch], month: i32) -> RecordBatch {
    let context = SessionContext::new();
    let all = context.read_batches(flights.to_vec()).expect("flights");
    let all = all.filter(datafusion::prelude::col("month").eq(datafusion::prelude::lit(month))).expect("a month");
    let schema = all.schema().inner().clone();
    let batches = all.collect().await.expect("a month's rows");
    datafusion::arrow::compute::concat_batches(&schema, &batches).expect("one batch")
}
