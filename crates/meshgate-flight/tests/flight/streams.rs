//! Streams that end before their time.

use std::time::{Duration, Instant};

use arrow_flight::{Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, Ticket};
use futures::{StreamExt, TryStreamExt};
use meshgate_query::Outcome;
use prost::Message;
use tonic::{Code, Request};

use crate::gateway::{Gateway, answer, ticket, with_header};

/// More rows than anybody waits for.
const ENDLESS: &str = "SELECT a.n, b.n AS m FROM fleet.cars.numbers a, fleet.cars.numbers b, fleet.cars.numbers c";

async fn endless(gateway: &Gateway) -> (String, arrow_flight::FlightInfo) {
    let mut ann = gateway.client("ann").await;
    let info = ann.execute(ENDLESS.to_owned(), None).await.unwrap();
    (format!("Bearer {}", ann.token().unwrap()), info)
}

fn get(token: &str, ticket: Ticket) -> Request<Ticket> {
    with_header(ticket, "authorization", token)
}

async fn outcome(gateway: &Gateway) -> Outcome {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if let Some(record) = gateway.mesh.records().into_iter().find(|record| record.sql == ENDLESS) {
            return record.outcome;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the query still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_ends_its_query() {
    let gateway = Gateway::start().await;
    let (token, info) = endless(&gateway).await;
    let mut raw = gateway.raw().await;
    let mut stream = raw.do_get(get(&token, ticket(&info))).await.unwrap().into_inner();
    for _ in 0..3 {
        stream.message().await.unwrap().unwrap();
    }
    drop(stream);
    let start = Instant::now();
    assert_eq!(outcome(&gateway).await, Outcome::Cancelled);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    // The whole connection, too.
    let mut raw = gateway.raw().await;
    let mut stream = raw.do_get(get(&token, ticket(&info))).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    drop((stream, raw));
    answer(&mut gateway.client("ann").await, "SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_waited_for() {
    let gateway = Gateway::start().await;
    let (token, info) = endless(&gateway).await;
    let mut raw = gateway.raw().await;
    let mut stream = raw.do_get(get(&token, ticket(&info))).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(gateway.mesh.records().iter().all(|record| record.sql != ENDLESS), "it waits");
    for _ in 0..50 {
        stream.message().await.unwrap().unwrap();
    }
    drop(stream);
    assert_eq!(outcome(&gateway).await, Outcome::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_cancelled_by_its_info() {
    let gateway = Gateway::start().await;
    let (token, info) = endless(&gateway).await;
    let mut raw = gateway.raw().await;
    let mut stream = raw.do_get(get(&token, ticket(&info))).await.unwrap().into_inner();
    stream.message().await.unwrap().unwrap();
    let cancel = async || {
        let body = CancelFlightInfoRequest::new(info.clone()).encode_to_vec();
        let request = with_header(Action::new("CancelFlightInfo", body), "authorization", &token);
        let results: Vec<_> =
            gateway.raw().await.do_action(request).await.unwrap().into_inner().try_collect().await.unwrap();
        CancelFlightInfoResult::decode(results[0].body.clone()).unwrap().status()
    };
    assert_eq!(cancel().await, CancelStatus::Cancelled);
    let last = stream.filter_map(async |message| message.err()).boxed().next().await.unwrap();
    assert_eq!(last.code(), Code::Cancelled);
    assert_eq!(outcome(&gateway).await, Outcome::Cancelled);
    assert_eq!(cancel().await, CancelStatus::NotCancellable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_holds_across_the_stream() {
    let gateway = Gateway::start().await;
    let (token, info) = endless(&gateway).await;
    let mut request = get(&token, ticket(&info));
    request.metadata_mut().insert("grpc-timeout", "700m".parse().unwrap());
    let start = Instant::now();
    let stream = gateway.raw().await.do_get(request).await.unwrap().into_inner();
    let last = stream.filter_map(async |message| message.err()).boxed().next().await.unwrap();
    assert!(matches!(last.code(), Code::DeadlineExceeded | Code::Cancelled), "{last:?}");
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_ne!(outcome(&gateway).await, Outcome::Finished);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_when_it_is_told_to() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    answer(&mut client, "SELECT 1").await.unwrap();
    let start = Instant::now();
    // The client's connection is open and idle.
    gateway.stop().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
