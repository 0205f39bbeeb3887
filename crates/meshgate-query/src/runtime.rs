//! The threads that plan and run queries, apart from those of the network.

use std::{num::NonZeroUsize, panic::AssertUnwindSafe, sync::Arc};

use datafusion::execution::{
    memory_pool::{FairSpillPool, TrackConsumersPool},
    runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
};
use futures::{FutureExt, future::abortable};
use tokio::{runtime::Runtime, sync::Semaphore, task::AbortHandle};

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

/// The stack of each thread: planning recurses over statements as large as `parse` lets in. Untouched pages cost nothing.
const STACK: usize = 128 << 20;

/// Requests that are planned at once, each on a thread of its own; more wait.
const PLANS_AT_ONCE: usize = 64;

/// The threads of the engine. Planning can take long without a pause, so it has threads apart: a caller's statement
/// that is dear to plan, or to run, keeps nobody else from planning.
#[derive(Debug)]
pub(crate) struct CpuRuntime {
    executing: Option<Runtime>,
    planning: Option<Runtime>,
    plans: Arc<Semaphore>,
}

impl CpuRuntime {
    /// Starts `threads` of them, at least one, and those for planning.
    pub(crate) fn start(threads: usize) -> Result<Self> {
        Ok(Self {
            executing: Some(threads_of("meshgate-query", threads.max(1))?),
            planning: Some(threads_of("meshgate-plan", 1)?),
            plans: Arc::new(Semaphore::new(PLANS_AT_ONCE)),
        })
    }

    /// Runs `work` on a thread for planning and waits for it. Dropping the wait ends the work at its next pause; its
    /// panic is an internal error.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.planning else { return Err(QueryError::Internal) };
        let place = self.plans.clone().acquire_owned().await.map_err(|_| QueryError::Internal)?;
        let (work, abort) = abortable(contained(work));
        let _scope = PlanScope(abort);
        let handle = runtime.handle().clone();
        let planned = runtime.spawn_blocking(move || {
            let planned = handle.block_on(work);
            drop(place);
            planned
        });
        match planned.await {
            Ok(Ok(result)) => result,
            _ => Err(QueryError::Cancelled),
        }
    }

    /// Starts `work` on the threads that execute; it ends when the scope is dropped.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Option<TaskScope> {
        self.executing.as_ref().map(|runtime| TaskScope(runtime.spawn(work).abort_handle()))
    }

    /// Plans and tasks that have not ended.
    pub(crate) fn alive_tasks(&self) -> usize {
        let executing = self.executing.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks());
        executing + PLANS_AT_ONCE - self.plans.available_permits()
    }
}

fn threads_of(name: &str, threads: usize) -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name(name)
        .thread_stack_size(STACK)
        .enable_all()
        .build()
        .map_err(|error| {
            tracing::error!(target: "meshgate::query", %error, "the engine's threads do not start");
            QueryError::Internal
        })
}

impl Drop for CpuRuntime {
    /// Never waits: an engine may be dropped on a thread of another runtime.
    fn drop(&mut self) {
        for runtime in [self.executing.take(), self.planning.take()].into_iter().flatten() {
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

/// A plan that is given up with whoever waits for it.
struct PlanScope(futures::future::AbortHandle);

impl Drop for PlanScope {
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
    async fn a_plan_that_takes_long_keeps_no_other_waiting() {
        let cpu = Arc::new(CpuRuntime::start(1).unwrap());
        let (release, held) = std::sync::mpsc::channel::<()>();
        let slow = {
            let cpu = cpu.clone();
            tokio::spawn(async move { cpu.run(async move { held.recv().map_err(|_| QueryError::Internal) }).await })
        };
        let quick = tokio::time::timeout(Duration::from_secs(5), cpu.run(async { Ok(1) }));
        assert_eq!(quick.await.unwrap().unwrap(), 1);
        release.send(()).unwrap();
        slow.await.unwrap().unwrap();
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
