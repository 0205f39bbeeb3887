//! The queries that stream now, by the id in their ticket: for cancelling, and for the end of the gateway.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// The queries that stream now.
#[derive(Clone, Default)]
pub(crate) struct Running {
    queries: Arc<Mutex<HashMap<Bytes, Query>>>,
    shutdown: CancellationToken,
}

struct Query {
    token: CancellationToken,
    /// A ticket may be redeemed more than once.
    streams: usize,
}

impl Running {
    /// A stream of the query of that id begins.
    pub(crate) fn begin(&self, id: Bytes) -> RunningQuery {
        let mut queries = self.queries();
        let query =
            queries.entry(id.clone()).or_insert_with(|| Query { token: self.shutdown.child_token(), streams: 0 });
        query.streams += 1;
        RunningQuery { id, token: query.token.clone(), running: self.clone() }
    }

    /// A stream that nobody asks to cancel.
    pub(crate) fn anonymous(&self) -> RunningQuery {
        RunningQuery { id: Bytes::new(), token: self.shutdown.child_token(), running: self.clone() }
    }

    /// Cancels the query of that id; answers whether it streamed here.
    pub(crate) fn cancel(&self, id: &Bytes) -> bool {
        self.queries().get(id).map(|query| query.token.cancel()).is_some()
    }

    /// Ends every stream.
    pub(crate) fn shut_down(&self) {
        self.shutdown.cancel();
    }

    fn queries(&self) -> MutexGuard<'_, HashMap<Bytes, Query>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stream of a running query; its place ends with it.
pub(crate) struct RunningQuery {
    id: Bytes,
    token: CancellationToken,
    running: Running,
}

impl RunningQuery {
    /// Waits until the query shall end before its time, and says why.
    pub(crate) async fn ended(&self) -> Status {
        self.token.cancelled().await;
        if self.running.shutdown.is_cancelled() {
            Status::unavailable("the gateway is shutting down; run the query again")
        } else {
            Status::cancelled("the query was cancelled")
        }
    }
}

impl Drop for RunningQuery {
    fn drop(&mut self) {
        let mut queries = self.running.queries();
        if let Some(query) = queries.get_mut(&self.id) {
            query.streams -= 1;
            if query.streams == 0 {
                queries.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_query_is_cancelled_while_it_streams_and_only_then() {
        let running = Running::default();
        let id = Bytes::from_static(b"one");
        let (first, second) = (running.begin(id.clone()), running.begin(id.clone()));
        drop(first);
        assert!(running.cancel(&id));
        assert_eq!(second.ended().await.code(), tonic::Code::Cancelled);
        drop(second);
        assert!(!running.cancel(&id));
        assert!(running.queries().is_empty());
    }

    #[tokio::test]
    async fn the_gateways_end_ends_every_stream() {
        let running = Running::default();
        let (query, listing) = (running.begin(Bytes::from_static(b"one")), running.anonymous());
        running.shut_down();
        assert_eq!(query.ended().await.code(), tonic::Code::Unavailable);
        assert_eq!(listing.ended().await.code(), tonic::Code::Unavailable);
    }
}
