//! The rows of one query on their way to the caller.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use datafusion::{
    arrow::{array::RecordBatch, compute::cast, datatypes::SchemaRef, record_batch::RecordBatchOptions},
    execution::TaskContext,
    physical_plan::{ExecutionPlan, execute_stream},
};
use futures::{Stream, StreamExt};
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, Sleep},
};

use crate::{
    QueryError, Result,
    explain::Analysis,
    message::Telling,
    recording::{OpenRecord, Running},
    runtime::{CpuRuntime, TaskScope, contained},
};

/// Batches that wait between the engine's threads and the caller's.
const WAITING_BATCHES: usize = 2;

/// The batches of one query. Dropping it before its end cancels the query.
pub struct QueryStream {
    schema: SchemaRef,
    events: mpsc::Receiver<Event>,
    record: OpenRecord<Running>,
    query_id: String,
    deadline: Option<Pin<Box<Sleep>>>,
    ended: bool,
    /// What runs the plan, and whatever must live as long.
    task: Option<TaskScope>,
    _engine: Arc<dyn std::any::Any + Send + Sync>,
}

enum Event {
    Batch(RecordBatch),
    End,
    Failed(QueryError),
}

/// What a query answers with, once admitted.
pub(crate) enum Work {
    /// The plan's rows.
    Plan(Arc<dyn ExecutionPlan>),
    /// The plan's own counters, after it ran.
    Analyze(Arc<dyn ExecutionPlan>, Analysis),
    /// Rows that planning already made.
    Batch(RecordBatch),
}

/// A plan on its way to the threads that run it.
pub(crate) struct Execution {
    pub(crate) work: Work,
    pub(crate) schema: SchemaRef,
    pub(crate) context: Arc<TaskContext>,
    pub(crate) telling: Telling,
    pub(crate) place: Option<OwnedSemaphorePermit>,
    pub(crate) deadline: Option<std::time::Instant>,
    pub(crate) record: OpenRecord<Running>,
}

impl Execution {
    /// Starts it. `engine` is kept alive until the stream is gone.
    pub(crate) fn start(self, cpu: &CpuRuntime, engine: Arc<dyn std::any::Any + Send + Sync>) -> QueryStream {
        let (sender, events) = mpsc::channel(WAITING_BATCHES);
        let Self { work, schema, context, telling, place, deadline, record } = self;
        let (answered, query_id) = (schema.clone(), telling.query_id.clone());
        let task = cpu.spawn(async move {
            let _place = place;
            let ended = contained(run(work, &answered, context, &telling, &sender)).await;
            let last = ended.map_or_else(Event::Failed, |()| Event::End);
            // The caller may be gone.
            let _ = sender.send(last).await;
        });
        QueryStream {
            schema,
            events,
            record,
            query_id,
            deadline: deadline.map(|deadline| Box::pin(tokio::time::sleep_until(Instant::from_std(deadline)))),
            ended: false,
            task,
            _engine: engine,
        }
    }
}

/// Runs `work` to its end, or until the receiver is gone.
async fn run(
    work: Work,
    schema: &SchemaRef,
    context: Arc<TaskContext>,
    telling: &Telling,
    sender: &mpsc::Sender<Event>,
) -> Result<()> {
    let (plan, analysis) = match work {
        Work::Batch(batch) => {
            let _ = sender.send(Event::Batch(conform(batch, schema)?)).await;
            return Ok(());
        }
        Work::Plan(plan) => (plan, None),
        Work::Analyze(plan, analysis) => (plan, Some(analysis)),
    };
    let mut batches = execute_stream(plan.clone(), context).map_err(|error| telling.running(&error))?;
    while let Some(batch) = batches.next().await {
        let batch = batch.map_err(|error| telling.running(&error))?;
        if analysis.is_some() || batch.num_rows() == 0 {
            continue;
        }
        if sender.send(Event::Batch(conform(batch, schema)?)).await.is_err() {
            return Ok(());
        }
    }
    if let Some(analysis) = analysis {
        let _ = sender.send(Event::Batch(analysis.rows(&plan)?)).await;
    }
    Ok(())
}

/// The batch under the schema that was announced: the plan may promise more (no NULL), or hold a type otherwise.
fn conform(batch: RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(column.clone()),
            false => cast(column, field.data_type()),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| QueryError::Internal)?;
    RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(|_| QueryError::Internal)
}

impl QueryStream {
    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Ends the query: its task first, so that nothing of it runs when the record is written.
    fn end(&mut self) {
        self.ended = true;
        self.task = None;
        self.events.close();
    }

    fn fail(&mut self, error: QueryError) -> Poll<Option<Result<RecordBatch>>> {
        self.end();
        self.record.fail_running(&error);
        Poll::Ready(Some(Err(error.identified(&self.query_id))))
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let late = self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(context).is_ready());
        if late {
            return self.fail(QueryError::DeadlineExceeded);
        }
        match std::task::ready!(self.events.poll_recv(context)) {
            Some(Event::Batch(batch)) => {
                self.record.sent(&batch);
                Poll::Ready(Some(Ok(batch)))
            }
            Some(Event::End) => {
                self.end();
                self.record.finish();
                Poll::Ready(None)
            }
            Some(Event::Failed(error)) => self.fail(error),
            // The task is gone without a word, as when the engine's threads stop: never a short answer.
            None => self.fail(QueryError::Internal),
        }
    }
}

impl std::fmt::Debug for QueryStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("QueryStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}
