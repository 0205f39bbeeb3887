//! The batches that come out of a barrier.

use std::{panic::AssertUnwindSafe, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch, RecordBatchOptions},
        compute::{BatchCoalescer, cast},
    },
    common::Result,
    execution::SendableRecordBatchStream,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties,
        metrics::{ExecutionPlanMetricsSet, MetricBuilder},
        stream::RecordBatchStreamAdapter,
    },
};
use futures::{FutureExt, Stream, StreamExt, future, stream};

use super::Shape;
use crate::secure::reown::reown;

/// Rows of each batch but the last in the deterministic mode.
const CUT: usize = 8_192;

/// The stream of one of the barrier's partitions: every so-manieth hidden one after the other.
pub(super) fn open(
    shape: &Arc<Shape>,
    inner: &Arc<dyn ExecutionPlan>,
    partition: usize,
    metrics: &ExecutionPlanMetricsSet,
) -> SendableRecordBatchStream {
    let hidden = (partition..inner.output_partitioning().partition_count()).step_by(shape.partitions);
    let rows = MetricBuilder::new(metrics).output_rows(partition);
    let inner = inner.clone();
    let batches = {
        let shape = shape.clone();
        stream::iter(hidden).flat_map(move |hidden| run(&shape, &inner, hidden))
    };
    let batches = batches.inspect(move |batch| {
        if let Ok(batch) = batch {
            rows.add(batch.num_rows());
        }
    });
    let schema = shape.schema.clone();
    if shape.deterministic {
        return Box::pin(RecordBatchStreamAdapter::new(schema, recut(shape.clone(), batches)));
    }
    Box::pin(RecordBatchStreamAdapter::new(schema, batches))
}

/// One hidden partition, its failures scrubbed, its batches made the barrier's own.
fn run(
    shape: &Arc<Shape>,
    inner: &Arc<dyn ExecutionPlan>,
    hidden: usize,
) -> impl Stream<Item = Result<RecordBatch>> + Send + use<> {
    let (shape, inner) = (shape.clone(), inner.clone());
    let operator = inner.name().to_owned();
    let opened = {
        let shape = shape.clone();
        async move { inner.execute(hidden, shape.task.clone()) }
    };
    let batches = opened
        .map(|opened| match opened {
            Ok(batches) => batches.left_stream(),
            Err(error) => stream::once(future::ready(Err(error))).right_stream(),
        })
        .flatten_stream();
    let batches = {
        let shape = shape.clone();
        batches.map(move |batch| batch.and_then(|batch| own(&shape, &batch)))
    };
    AssertUnwindSafe(batches).catch_unwind().map(move |batch| match batch {
        Ok(batch) => batch.map_err(|error| shape.witness.scrub(&error, &operator)),
        Err(panic) => Err(shape.witness.scrub_panic(panic, &operator)),
    })
}

/// The batch under the barrier's schema, with buffers that hold its values and nothing else.
fn own(shape: &Shape, batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(shape.schema.fields())
        .zip(&shape.copied)
        .map(|((column, field), copied)| {
            let column: ArrayRef = if *copied { reown(column)? } else { column.clone() };
            // The metadata of nested fields is a part of their type.
            Ok(if column.data_type() == field.data_type() { column } else { cast(&column, field.data_type())? })
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(shape.schema.clone(), columns, &options)?)
}

/// Cuts a stream anew, so that nothing of the layout below is left in it.
fn recut(
    shape: Arc<Shape>,
    batches: impl Stream<Item = Result<RecordBatch>> + Send + 'static,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    let coalescer = BatchCoalescer::new(shape.schema.clone(), CUT);
    let state = Recut { shape, coalescer, batches: Box::pin(batches), uncounted: 0, is_done: false };
    stream::unfold(state, |mut state| async move { state.next().await.map(|batch| (batch, state)) })
}

struct Recut<S> {
    shape: Arc<Shape>,
    coalescer: BatchCoalescer,
    batches: std::pin::Pin<Box<S>>,
    /// Rows without columns wait here: the coalescer knows rows by their columns.
    uncounted: usize,
    is_done: bool,
}

impl<S: Stream<Item = Result<RecordBatch>>> Recut<S> {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready() {
                return Some(batch);
            }
            if self.is_done {
                return None;
            }
            match self.batches.next().await {
                Some(Ok(batch)) if batch.num_columns() == 0 => self.uncounted += batch.num_rows(),
                Some(Ok(batch)) => {
                    if let Err(error) = self.coalescer.push_batch(batch) {
                        return Some(self.fail(error.into()));
                    }
                }
                Some(Err(error)) => {
                    self.is_done = true;
                    return Some(Err(error));
                }
                None => {
                    self.is_done = true;
                    if let Err(error) = self.coalescer.finish_buffered_batch() {
                        return Some(self.fail(error.into()));
                    }
                }
            }
        }
    }

    fn ready(&mut self) -> Option<Result<RecordBatch>> {
        if self.uncounted >= CUT || (self.is_done && self.uncounted > 0) {
            let rows = self.uncounted.min(CUT);
            self.uncounted -= rows;
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let batch = RecordBatch::try_new_with_options(self.shape.schema.clone(), Vec::new(), &options);
            return Some(batch.map_err(|error| self.shape.witness.scrub(&error.into(), "recut")));
        }
        self.coalescer.next_completed_batch().map(Ok)
    }

    fn fail(&mut self, error: datafusion::common::DataFusionError) -> Result<RecordBatch> {
        self.is_done = true;
        Err(self.shape.witness.scrub(&error, "recut"))
    }
}
