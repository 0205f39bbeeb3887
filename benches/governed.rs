//! A governed query against DataFusion alone on the same Parquet: wall time as a ratio, query by query.
//!
//! `cargo bench -p meshgate-benches --bench governed` measures; `cargo test` runs one round and compares the values.

#![allow(clippy::print_stdout, clippy::expect_used)]

use std::time::{Duration, Instant};

use datafusion::arrow::record_batch::RecordBatch;
use futures::TryStreamExt;
use meshgate_benches::{Peer, USERS, flights_mesh, sorted_rows, sql_of};
use meshgate_query::{Config, MaskKey, QueryEngine, QueryRequest};
use meshgate_testkit::TestMesh;

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 15 } else { 1 };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(measure(rounds));
}

async fn measure(rounds: usize) {
    let mesh = flights_mesh().await;
    let config = Config::for_machine(MaskKey::new("a key for benchmarks alone"));
    let (engine, _) = mesh.engine_with(config.clone());
    println!("DataFusion {}, {} partitions, load {}", datafusion::DATAFUSION_VERSION, config.target_partitions, load());
    println!("{:<10} {:<16} {:>12} {:>12} {:>7}", "query", "restriction", "plain ms", "governed ms", "ratio");
    for user in USERS {
        let peer = Peer::new(&mesh, user, &config).await;
        for (name, sql) in sql_of() {
            let (mut plain, mut governed) = (Duration::MAX, Duration::MAX);
            for round in 0..rounds {
                let start = Instant::now();
                let expected = peer.query(sql).await;
                plain = plain.min(start.elapsed());
                let start = Instant::now();
                let answer = ask(&mesh, &engine, user.name, sql).await;
                governed = governed.min(start.elapsed());
                if round == 0 {
                    assert_eq!(sorted_rows(&expected), sorted_rows(&answer), "`{name}` as {}", user.name);
                }
            }
            let ratio = governed.as_secs_f64() / plain.as_secs_f64();
            let (plain, governed) = (plain.as_secs_f64() * 1e3, governed.as_secs_f64() * 1e3);
            println!("{name:<10} {:<16} {plain:>12.2} {governed:>12.2} {ratio:>7.2}", user.restriction);
        }
    }
}

async fn ask(mesh: &TestMesh, engine: &QueryEngine, user: &str, sql: &str) -> Vec<RecordBatch> {
    let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let planned = engine.plan(&mesh.principal(user), request).await.expect("a plan");
    planned.execute().await.expect("a stream").try_collect().await.expect("rows")
}

/// The load average of the last minute, where the system tells.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
