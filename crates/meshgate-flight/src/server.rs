//! The server: tonic around our `FlightService`.

use std::{pin::pin, sync::Arc, time::Duration};

use arrow_flight::flight_service_server::FlightServiceServer;
use meshgate_catalog::UserDirectory;
use meshgate_query::QueryEngine;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::{
    codec::CompressionEncoding,
    transport::{Server, server::TcpIncoming},
};

use crate::{running::Running, seal::SealKey, service::Gateway};

/// One message of a client: parameters, at most.
const LONGEST_REQUEST: usize = 16 << 20;
/// Properties of a JDBC URL that the driver does not know come as headers.
const LONGEST_HEADERS: u32 = 256 << 10;
/// A client that is silent this long is asked whether it lives…
const PING: Duration = Duration::from_secs(30);
/// …and has this long to answer.
const PING_ANSWER: Duration = Duration::from_secs(10);
/// What the queries of the last moment have to finish in.
const DRAIN: Duration = Duration::from_secs(30);
/// What ended streams have to tell their clients in.
const FAREWELL: Duration = Duration::from_secs(2);

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

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The transport failed.
    #[error("the Flight SQL endpoint failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves Flight SQL on `listener` until `shutdown` ends, then drains: running queries have 30 seconds to finish.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<QueryEngine>,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), Error> {
    let running = Running::default();
    let service = FlightServiceServer::new(Gateway::new(engine, &config, running.clone()))
        .max_decoding_message_size(LONGEST_REQUEST)
        .max_encoding_message_size(usize::MAX)
        .accept_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Zstd);
    let draining = CancellationToken::new();
    let mut serving = pin!(
        Server::builder()
            .http2_max_header_list_size(LONGEST_HEADERS)
            .http2_keepalive_interval(Some(PING))
            .http2_keepalive_timeout(Some(PING_ANSWER))
            .add_service(service)
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                draining.clone().cancelled_owned(),
            )
    );
    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = shutdown => draining.cancel(),
    }
    if let Ok(ended) = timeout(DRAIN, &mut serving).await {
        return Ok(ended?);
    }
    running.shut_down();
    // Connections that even now stay open end with the process.
    timeout(FAREWELL, serving).await.unwrap_or(Ok(()))?;
    Ok(())
}
