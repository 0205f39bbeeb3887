//! The server: tonic around our `FlightService`.

use std::{sync::Arc, time::Duration};

use meshgate_catalog::UserDirectory;
use meshgate_query::QueryEngine;
use tokio::net::TcpListener;

/// How the endpoint behaves. The binary fills it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Seals tokens, tickets and handles; gateways that share it redeem one another's.
    pub seal_key: SealKey,
    /// The users; absent = the catalog's `users.yaml`, at the revision that serves.
    pub users: Option<Arc<UserDirectory>>,
    /// How long a bearer token of the handshake is good for.
    pub token_lifetime: Duration,
    /// How long a ticket or prepared handle is good for.
    pub ticket_lifetime: Duration,
}

/// A 32-byte secret.
#[derive(Clone)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// A key from the platform team's configuration (any length; hashed).
    pub fn from_secret(secret: &str) -> Self {
        let _ = secret;
        Self([0; 32])
    }

    /// A random key: tokens and tickets end with the process.
    pub fn random() -> Self {
        Self([0; 32])
    }
}

impl std::fmt::Debug for SealKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealKey(…)")
    }
}

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transport failed.
    #[error("the Flight SQL endpoint failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves Flight SQL on `listener` until `shutdown` ends, then drains.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<QueryEngine>,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let _ = (listener, engine, config, shutdown);
    unimplemented!()
}
