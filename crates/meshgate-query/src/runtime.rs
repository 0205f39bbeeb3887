//! The threads that plan and run queries, apart from those of the network.

use std::{num::NonZeroUsize, panic::AssertUnwindSafe, sync::Arc};

use datafusion::execution::{
    memory_pool::{FairSpillPool, TrackConsumersPool},
    runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
};
use futures::FutureExt;
use tokio::{runtime::Runtime, task::AbortHandle};

use crate::{Config, QueryError, Result};

/// How many of the largest consumers an exhausted pool's log line names.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);

/// Footers and page indexes that are kept, in bytes.
const METADATA_CACHE: usize = 256 << 20;

/// What all queries share: memory, caches, spill files.
pub(crate) fn runtime_env(config: &Config) -> Result<Arc<RuntimeEnv>> {
    let mut builder = RuntimeEnvBuilder::new().with_metadata_cache_limit(METADATA_CACHE);
    if let Some(limit) = config.memory_limit {
        let pool = TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_CONSUMERS);
        builder = builder.with_memory_pool(Arc::new(pool));
    }
    builder.build_arc().map_err(|error| {
        tracing::error!(target: "meshgate::query", %error, "the engine's runtime does not start");
        QueryError::Internal
    })
}

/// The threads of the engine.
#[derive(Debug)]
pub(crate) struct CpuRuntime {
    runtime: Option<Runtime>,
}

impl CpuRuntime {
    /// Starts `threads` of them, at least one.
    pub(crate) fn start(threads: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.max(1))
            .thread_name("meshgate-query")
            .enable_all()
            .build()
            .map_err(|error| {
                tracing::error!(target: "meshgate::query", %error, "the engine's threads do not start");
                QueryError::Internal
            })?;
        Ok(Self { runtime: Some(runtime) })
    }

    /// Runs `work` on these threads and waits for it. Dropping the wait ends the work; its panic is an internal error.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.runtime else { return Err(QueryError::Internal) };
        let (answer, answered) = tokio::sync::oneshot::channel();
        let task = runtime.spawn(async move {
            let result = contained(work).await;
            // The caller may be gone.
            let _ = answer.send(result);
        });
        let _scope = TaskScope(task.abort_handle());
        answered.await.unwrap_or(Err(QueryError::Cancelled))
    }

    /// Starts `work` on these threads; it ends when the scope is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Option<TaskScope> {
        self.runtime.as_ref().map(|runtime| TaskScope(runtime.spawn(work).abort_handle()))
    }

    /// Tasks that have not ended.
    pub(crate) fn alive_tasks(&self) -> usize {
        self.runtime.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
    }
}

impl Drop for CpuRuntime {
    /// Never waits: an engine may be dropped on a thread of another runtime.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(crate) struct TaskScope(AbortHandle);

impl Drop for TaskScope {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `work`, whose panic becomes an internal error.
pub(crate) async fn contained<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(QueryError::Internal))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    async fn none_left(cpu: &CpuRuntime) {
        let since = Instant::now();
        while cpu.alive_tasks() > 0 {
            assert!(since.elapsed() < Duration::from_secs(5), "a task is left");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let cpu = CpuRuntime::start(1).unwrap();
        let ended: Result<()> = cpu.run(async { panic!("a value that nobody may see") }).await;
        assert!(matches!(ended, Err(QueryError::Internal)), "{ended:?}");
        assert_eq!(cpu.run(async { Ok(1) }).await.unwrap(), 1, "the threads go on");
    }

    #[tokio::test]
    async fn work_ends_with_whoever_waits_for_it() {
        let cpu = CpuRuntime::start(1).unwrap();
        let waiting = cpu.run(async {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
        none_left(&cpu).await;
    }

    #[tokio::test]
    async fn an_engine_may_be_dropped_on_a_thread_of_another_runtime() {
        let cpu = CpuRuntime::start(1).unwrap();
        let scope = cpu.spawn(std::future::pending());
        drop(cpu);
        drop(scope);
    }
}
