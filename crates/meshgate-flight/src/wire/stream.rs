//! The stream of one answer: encoded in a task of its own, behind a bounded channel, alive in silence, gone with its
//! client.

use std::{pin::Pin, time::Duration};

use arrow_flight::{FlightData, SchemaAsIpc};
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::SchemaRef,
    error::ArrowError,
    ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions},
};
use futures::{Stream, StreamExt, stream};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::batch::{Gathering, cast_to, pieces};
use crate::{
    running::RunningQuery,
    status::{encoding, guarded},
};

/// Messages that wait for a slow client: with those in flight, what an answer holds.
const QUEUE: usize = 3;
/// No message's body is longer, unless one row is: clients decode 4 MiB.
const LONGEST_BODY: usize = 7 << 19;
/// Silence after which an empty batch tells proxies and clients that the query lives.
const KEEP_ALIVE: Duration = if cfg!(test) { Duration::from_millis(200) } else { Duration::from_secs(5) };
/// How long rows may wait for company.
const LONGEST_GATHERING: Duration = Duration::from_millis(50);

/// The batches of an answer.
pub(crate) type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch, Status>> + Send>>;

/// An answer about to be sent.
pub(crate) struct Answer {
    /// The wire schema.
    pub(crate) schema: SchemaRef,
    /// Batches with the same columns, before their cast to the wire schema.
    pub(crate) batches: Batches,
    /// When the caller's patience ends.
    pub(crate) deadline: Option<Instant>,
    /// The query's place among those that can be cancelled.
    pub(crate) running: RunningQuery,
}

/// The messages of an answer. Dropping the stream ends the query.
pub(crate) fn flight_data(answer: Answer) -> Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>> {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let task = AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(status) = guarded(send_all(answer, &sender)).await {
            // Without a receiver there is nobody left to tell.
            let _ = sender.send(Err(status)).await;
        }
    }));
    stream::unfold((receiver, task), |(mut receiver, task)| async {
        receiver.recv().await.map(|message| (message, (receiver, task)))
    })
    .boxed()
}

async fn send_all(answer: Answer, sender: &Sender<Result<FlightData, Status>>) -> Result<(), Status> {
    let Answer { schema, mut batches, deadline, running } = answer;
    let sending = async {
        let mut encoder = Encoder::new(schema.clone());
        let mut gathering = Gathering::new(schema.clone());
        if sender.send(Ok(encoder.schema())).await.is_err() {
            return Ok(());
        }
        loop {
            let patience = if gathering.is_empty() { KEEP_ALIVE } else { LONGEST_GATHERING };
            let mut ready = Vec::new();
            let next = timeout(patience, batches.next()).await;
            let ended = matches!(next, Ok(None));
            match next {
                Ok(Some(batch)) => {
                    for piece in pieces(&batch?) {
                        let piece = cast_to(&piece, &schema).map_err(broken_promise)?;
                        ready.extend(gathering.push(piece).map_err(encoding)?);
                    }
                }
                Err(_) if gathering.is_empty() => ready.push(RecordBatch::new_empty(schema.clone())),
                Ok(None) | Err(_) => ready.extend(gathering.take().map_err(encoding)?),
            }
            for batch in ready {
                for message in encoder.encode(&batch).map_err(encoding)? {
                    if sender.send(Ok(message)).await.is_err() {
                        return Ok(());
                    }
                }
            }
            if ended {
                return Ok(());
            }
        }
    };
    tokio::select! {
        biased;
        reason = running.ended() => Err(reason),
        () = sender.closed() => Ok(()),
        () = passed(deadline) => Err(Status::deadline_exceeded("the query ran longer than its deadline")),
        outcome = sending => outcome,
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// A column that was promised without NULLs, or of a type, that it no longer has.
fn broken_promise(_: ArrowError) -> Status {
    Status::failed_precondition("the answer's columns have changed since the query was described; run it again")
}

/// Record batches to Flight messages.
struct Encoder {
    schema: SchemaRef,
    generator: IpcDataGenerator,
    dictionaries: DictionaryTracker,
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl Encoder {
    fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            generator: IpcDataGenerator::default(),
            dictionaries: DictionaryTracker::new(false),
            options: IpcWriteOptions::default(),
            context: IpcWriteContext::default(),
        }
    }

    fn schema(&self) -> FlightData {
        SchemaAsIpc::new(&self.schema, &self.options).into()
    }

    /// One message, or more of fewer rows where rows of uneven size made it too long.
    fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<FlightData>, ArrowError> {
        let (dictionaries, encoded) =
            self.generator.encode(batch, &mut self.dictionaries, &self.options, &mut self.context)?;
        let message = FlightData::from(encoded);
        let rows = batch.num_rows();
        if message.data_body.len() > LONGEST_BODY && rows > 1 {
            let mut messages = self.encode(&batch.slice(0, rows / 2))?;
            messages.extend(self.encode(&batch.slice(rows / 2, rows - rows / 2))?);
            return Ok(messages);
        }
        Ok(dictionaries.into_iter().map(FlightData::from).chain([message]).collect())
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
