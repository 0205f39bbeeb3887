use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow_flight::{decode::FlightRecordBatchStream, error::FlightError};
use bytes::Bytes;
use datafusion::arrow::{
    array::{ArrayRef, Int64Array, StringArray, StringViewArray},
    compute::concat_batches,
};
use futures::TryStreamExt;
use proptest::prelude::*;
use tonic::Code;

use super::*;
use crate::{running::Running, wire::wire_schema};

fn answer(batches: Batches, like: &RecordBatch) -> Answer {
    Answer { schema: wire_schema(&like.schema()), batches, deadline: None, running: Running::default().anonymous() }
}

fn numbers(count: i64) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn views(values: &[String]) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringViewArray::from_iter_values(values));
    RecordBatch::try_from_iter([("text", column)]).unwrap()
}

async fn messages(batches: Vec<RecordBatch>) -> Vec<FlightData> {
    let like = batches[0].clone();
    flight_data(answer(stream::iter(batches.into_iter().map(Ok)).boxed(), &like)).try_collect().await.unwrap()
}

async fn decoded(messages: Vec<FlightData>) -> RecordBatch {
    let mut stream =
        FlightRecordBatchStream::new_from_flight_data(stream::iter(messages.into_iter().map(Ok::<_, FlightError>)));
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await.unwrap() {
        batches.push(batch);
    }
    concat_batches(stream.schema().unwrap(), &batches).unwrap()
}

#[tokio::test]
async fn small_batches_are_gathered() {
    let messages = messages(vec![numbers(8192); 64]).await;
    // 64 batches of 64 KiB: the schema, and messages of 1 to 2 MiB.
    assert!(messages.len() <= 6, "{} messages", messages.len());
    assert_eq!(decoded(messages).await.num_rows(), 64 * 8192);
}

#[tokio::test]
async fn large_batches_are_cut() {
    let messages = messages(vec![numbers(2_000_000)]).await;
    assert!(messages.iter().all(|message| message.data_body.len() <= LONGEST_BODY));
    assert_eq!(decoded(messages).await, numbers(2_000_000).with_schema(wire_schema(&numbers(1).schema())).unwrap());
}

#[tokio::test]
async fn rows_of_uneven_size_still_fit() {
    let mut values = vec![String::new(); 5_000];
    values[..5].fill("x".repeat(1 << 20));
    let messages = messages(vec![views(&values)]).await;
    assert!(messages.iter().all(|message| message.data_body.len() <= LONGEST_BODY));
    assert_eq!(decoded(messages).await.num_rows(), 5_000);
}

#[tokio::test]
async fn a_slice_of_views_leaves_its_neighbours_here() {
    let mut values = vec!["hidden ".repeat(1_000); 1_000];
    values.push("a visible text that does not stand in the view itself".to_owned());
    let messages = messages(vec![views(&values).slice(1_000, 1)]).await;
    let sent: usize = messages.iter().map(|message| message.data_body.len()).sum();
    assert!(sent < 1_000, "{sent} bytes");
    assert!(!messages.iter().any(|message| message.data_body.windows(6).any(|window| window == b"hidden")));
}

#[tokio::test]
async fn no_rows_are_a_schema_alone() {
    let like = numbers(1);
    let messages: Vec<_> = flight_data(answer(stream::empty().boxed(), &like)).try_collect().await.unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!(decoded(messages).await.num_rows(), 0);
}

#[tokio::test]
async fn an_error_follows_the_rows_before_it() {
    let batches = stream::iter([Ok(numbers(2_000_000)), Err(Status::unavailable("gone"))]).boxed();
    let mut stream = flight_data(answer(batches, &numbers(1)));
    let mut received = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => received += 1,
            Err(status) => break status,
        }
    };
    assert!(received > 1);
    assert_eq!(error.code(), Code::Unavailable);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_panic_is_an_error_and_no_end() {
    let batches = stream::once(async { panic!("secret") }).boxed();
    let last = flight_data(answer(batches, &numbers(1))).collect::<Vec<_>>().await.pop().unwrap();
    assert_eq!(last.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn silence_is_filled_with_empty_batches() {
    let late = stream::once(async {
        tokio::time::sleep(KEEP_ALIVE * 5 / 2).await;
        Ok(numbers(3))
    });
    let messages: Vec<_> = flight_data(answer(late.boxed(), &numbers(1))).try_collect().await.unwrap();
    // The schema, two signs of life, the rows.
    assert_eq!(messages.len(), 4);
    assert_eq!(decoded(messages).await.num_rows(), 3);
}

#[tokio::test]
async fn rows_do_not_wait_long_for_company() {
    let slow = stream::iter([Ok(numbers(3))]).chain(stream::once(async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(numbers(4))
    }));
    let mut stream = flight_data(answer(slow.boxed(), &numbers(1)));
    let start = Instant::now();
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn the_deadline_holds_in_mid_stream() {
    let mut answer = answer(stream::pending().boxed(), &numbers(1));
    answer.deadline = Some(Instant::now() + KEEP_ALIVE * 3 / 2);
    let messages: Vec<_> = flight_data(answer).collect().await;
    assert_eq!(messages.last().unwrap().as_ref().unwrap_err().code(), Code::DeadlineExceeded);
}

struct Flag(Arc<AtomicBool>);

impl Drop for Flag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn endless(flag: Flag) -> Batches {
    stream::repeat_with(move || {
        let _ = &flag;
        Ok(numbers(100_000))
    })
    .boxed()
}

#[tokio::test]
async fn a_dropped_stream_drops_the_query() {
    let dropped = Arc::new(AtomicBool::new(false));
    let mut stream = flight_data(answer(endless(Flag(dropped.clone())), &numbers(1)));
    stream.next().await.unwrap().unwrap();
    drop(stream);
    for _ in 0..100 {
        if dropped.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the query still runs");
}

#[tokio::test]
async fn a_cancelled_query_ends_its_stream() {
    let running = Running::default();
    let id = Bytes::from_static(b"id");
    let dropped = Arc::new(AtomicBool::new(false));
    let mut answer = answer(endless(Flag(dropped.clone())), &numbers(1));
    answer.running = running.begin(id.clone());
    let mut stream = flight_data(answer);
    stream.next().await.unwrap().unwrap();
    assert!(running.cancel(&id));
    let last = stream.collect::<Vec<_>>().await.pop().unwrap();
    assert_eq!(last.unwrap_err().code(), Code::Cancelled);
    assert!(dropped.load(Ordering::SeqCst));
}

proptest! {
    #[test]
    fn every_row_arrives_once_and_in_order(sizes in prop::collection::vec(0usize..3_000, 1..20), length in 0usize..600) {
        let total: usize = sizes.iter().sum();
        let all: Vec<String> = (0..total).map(|row| format!("{row:0length$}")).collect();
        let mut rest = all.as_slice();
        let mut batches = Vec::new();
        for size in sizes {
            let (now, later) = rest.split_at(size);
            batches.push(views(now));
            rest = later;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let received = runtime.block_on(async { decoded(messages(batches).await).await });
        let expected: ArrayRef = Arc::new(StringArray::from(all));
        prop_assert_eq!(received.column(0), &expected);
    }
}
