//! The rows of one query on their way to the caller.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use datafusion::arrow::{array::RecordBatch, datatypes::SchemaRef};
use futures::Stream;

use crate::Result;

/// The batches of one query. Dropping it before its end cancels the query.
pub struct QueryStream {
    schema: SchemaRef,
}

impl QueryStream {
    /// The schema of every batch.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Stream for QueryStream {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}
