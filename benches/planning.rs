//! What planning costs: parse, resolve, decide, load, secure, plan, verify; beside DataFusion's own planning.
//!
//! `cargo bench -p meshgate-benches --bench planning`

#![allow(missing_docs, clippy::expect_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use meshgate_benches::{Peer, USERS, flights_mesh, sql_of};
use meshgate_query::{Config, MaskKey, QueryRequest};

fn planning(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mesh = runtime.block_on(flights_mesh());
    let config = Config::for_machine(MaskKey::new("a key for benchmarks alone"));
    let (engine, _) = mesh.engine_with(config.clone());
    let (_, sql) = sql_of()[2];
    let mut group = criterion.benchmark_group("plan a join of two domains");
    let peer = runtime.block_on(Peer::new(&mesh, USERS[0], &config));
    group.bench_function("plain DataFusion", |bencher| bencher.iter(|| runtime.block_on(peer.plan(sql))));
    for user in USERS {
        let principal = mesh.principal(user.name);
        group.bench_function(format!("governed: {}", user.restriction), |bencher| {
            bencher.iter(|| {
                let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
                runtime.block_on(engine.plan(&principal, request)).expect("a plan")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, planning);
criterion_main!(benches);
