//! The running gateway: engine and endpoint over one mesh, until a signal ends it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use meshgate_catalog::Report;
use meshgate_flight::SealKey;
use meshgate_query::{LiveMesh, QueryEngine};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Settings,
    embedded::{load_users, mask_key_of, open_mesh},
    error::{Error, Result},
    key_file, logging,
};

/// The runtime of sockets and files; the engine brings its own for plans.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("meshgate-io")
        // Planning recurses with the depth of a statement, and a debug build's frames are large.
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .map_err(Error::io("start the runtime"))
}

/// Serves until SIGTERM or SIGINT, then drains. `ready` is told the address once it accepts connections.
pub(crate) fn serve(settings: &Settings, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let (mesh, warnings) = open_mesh(&settings.catalog)?;
    log_warnings(&warnings);
    // The watch lasts as long as this binding.
    let _watch = if settings.watch_catalog { watch(&mesh) } else { None };
    let mask_key = match &settings.mask_key {
        Some(key) => key.clone(),
        None => mask_key_of(&settings.catalog)?.unwrap_or_else(|| {
            tracing::warn!("no mask key is set: `sha-256-global` hashes will differ after the next start");
            key_file::random_secret()
        }),
    };
    let seal_key = match &settings.seal_secret {
        Some(secret) => SealKey::from_secret(secret),
        None => {
            tracing::info!("no seal secret is set: logins and tickets end with this process");
            SealKey::random()
        }
    };
    let users = match &settings.users {
        Some(file) => Some(Arc::new(load_users(file)?)),
        None => None,
    };
    if !settings.listen.ip().is_loopback() {
        tracing::warn!(address = %settings.listen, "listening beyond loopback without TLS, as configured");
    }
    let endpoint = meshgate_flight::Config {
        seal_key,
        users,
        token_lifetime: settings.token_lifetime,
        ticket_lifetime: settings.ticket_lifetime,
    };
    let engine =
        QueryEngine::new(settings.engine_config(&mask_key), mesh.clone(), logging::record_sink(settings.log_format))
            .map_err(|error| Error::Query { error, query_id: None })?;
    tracing::info!(revision = mesh.current().catalog.revision(), "catalog loaded");

    let gateway = Gateway { mesh, engine: Arc::new(engine), endpoint };
    let runtime = runtime()?;
    let outcome = runtime.block_on(gateway.run(settings.listen, ready));
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// What serves.
struct Gateway {
    mesh: Arc<LiveMesh>,
    engine: Arc<QueryEngine>,
    endpoint: meshgate_flight::Config,
}

impl Gateway {
    async fn run(self, address: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<()> {
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        let mut terminations = Terminations::install()?;
        let mut hang_ups = HangUps::install()?;
        ready(listener.local_addr().map_err(Error::io("read the address listened on"))?);

        let shutdown = CancellationToken::new();
        let serving = meshgate_flight::serve(listener, self.engine, self.endpoint, shutdown.clone().cancelled_owned());
        let control = async {
            loop {
                tokio::select! {
                    () = terminations.next() => break,
                    () = hang_ups.next() => reload(&self.mesh).await,
                }
            }
            tracing::info!("draining; a second signal ends it at once");
            shutdown.cancel();
            terminations.next().await;
            tracing::warn!("ended with queries running");
            Error::Interrupted
        };
        tokio::select! {
            served = serving => {
                tracing::info!("ended");
                Ok(served?)
            }
            error = control => Err(error),
        }
    }
}

/// Reads the catalog again. The mesh logs what comes of it; of a broken one, the last good one goes on serving.
async fn reload(mesh: &Arc<LiveMesh>) {
    let reloading = mesh.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || reloading.reload()).await {
        tracing::error!(%error, "the catalog did not reload; the last good one goes on serving");
    }
}

/// Without a watch the gateway still serves, and SIGHUP reloads.
fn watch(mesh: &Arc<LiveMesh>) -> Option<meshgate_catalog::Watch> {
    mesh.watch().inspect_err(|error| tracing::warn!(%error, "the catalog is not watched; SIGHUP reloads it")).ok()
}

fn log_warnings(report: &Report) {
    for diagnostic in &report.diagnostics {
        tracing::warn!(target: "meshgate::catalog", "{diagnostic}");
    }
}

/// SIGTERM and SIGINT.
#[cfg(unix)]
struct Terminations {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Terminations {
    fn install() -> Result<Self> {
        use tokio::signal::unix::SignalKind;
        Ok(Self { terminate: install(SignalKind::terminate())?, interrupt: install(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// SIGHUP.
#[cfg(unix)]
struct HangUps(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUps {
    fn install() -> Result<Self> {
        install(tokio::signal::unix::SignalKind::hangup()).map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(unix)]
fn install(kind: tokio::signal::unix::SignalKind) -> Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(kind).map_err(Error::io("listen for signals"))
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Terminations;

#[cfg(not(unix))]
impl Terminations {
    fn install() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// There is no SIGHUP here.
#[cfg(not(unix))]
struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    fn install() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}
