//! A gateway under test, and clients of it.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use arrow_flight::{
    FlightDescriptor, FlightInfo, Ticket,
    error::FlightError,
    flight_service_client::FlightServiceClient,
    sql::{CommandStatementQuery, ProstMessageExt, client::FlightSqlServiceClient},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use datafusion::arrow::{
    array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    compute::concat_batches,
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt;
use meshgate_flight::{Config, SealKey, hash_password, serve};
use meshgate_testkit::{MeshBuilder, TableBuilder, TestMesh, UserBuilder, batch};
use prost::Message;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status, transport::Channel};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

static HASH: LazyLock<String> = LazyLock::new(|| hash_password(PASSWORD).unwrap());

pub(crate) type Client = FlightSqlServiceClient<Channel>;

/// A server on loopback over a small mesh: `ann` and `bob` read it all, `zed` nothing.
pub(crate) struct Gateway {
    pub(crate) mesh: Arc<TestMesh>,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

pub(crate) fn config() -> Config {
    Config {
        seal_key: SealKey::from_secret("shared by the gateways of a test"),
        users: None,
        token_lifetime: Duration::from_secs(600),
        ticket_lifetime: Duration::from_secs(600),
    }
}

pub(crate) async fn mesh() -> TestMesh {
    let items = batch([
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
        ("name", Arc::new(StringArray::from(vec![Some("bolt"), Some("nut"), None]))),
        ("price", Arc::new(Decimal128Array::from(vec![150, 25, 9_999]).with_precision_and_scale(10, 2).unwrap())),
        ("sold_at", Arc::new(TimestampMicrosecondArray::from(vec![1_357_000_000_000_001, 0, -1]).with_timezone("UTC"))),
    ]);
    let numbers = batch([("n", Arc::new(Int64Array::from_iter_values(0..3_000)) as ArrayRef)]);
    let reads =
        |domain: &str| format!(r#"permit (principal in Group::"analysts", action, resource in Domain::"{domain}");"#);
    MeshBuilder::new()
        .with_user(UserBuilder::new("ann", &["analysts"]).password_hash(&HASH))
        .with_user(UserBuilder::new("bob", &["analysts"]).password_hash(&HASH))
        .with_user(UserBuilder::new("zed", &[]).password_hash(&HASH))
        .table(TableBuilder::new("sales.orders.items", vec![items.clone()]).primary_key(&["id"]))
        .table(TableBuilder::new("sales.returns.items", vec![items]))
        .table(TableBuilder::new("fleet.cars.numbers", vec![numbers]))
        .domain_policy("sales", &reads("sales"))
        .domain_policy("fleet", &reads("fleet"))
        .build()
        .await
}

/// `users.yaml` with these users in these groups, all with the given hash.
pub(crate) fn users(of: &[(&str, &str)], hash: &str) -> String {
    let user = |(name, groups): &(&str, &str)| format!("  {name}:\n    groups: [{groups}]\n    password: '{hash}'\n");
    format!("users:\n{}", of.iter().map(user).collect::<String>())
}

pub(crate) fn password_hash() -> &'static str {
    &HASH
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::over(Arc::new(mesh().await), config()).await
    }

    pub(crate) async fn over(mesh: Arc<TestMesh>, config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (engine, token) = (mesh.engine().clone(), shutdown.clone());
        let serving =
            tokio::spawn(async move { serve(listener, engine, config, token.cancelled_owned()).await.unwrap() });
        Self { mesh, address, shutdown, serving }
    }

    /// Asks the server to end, and waits until it has.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap();
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    /// A client that has logged in.
    pub(crate) async fn client(&self, user: &str) -> Client {
        let mut client = FlightSqlServiceClient::new(self.channel().await);
        client.handshake(user, PASSWORD).await.unwrap();
        client
    }

    /// A client of bare gRPC.
    pub(crate) async fn raw(&self) -> FlightServiceClient<Channel> {
        FlightServiceClient::new(self.channel().await)
    }
}

/// The message with Basic credentials.
pub(crate) fn basic<T>(user: &str, password: &str, message: T) -> Request<T> {
    with_header(message, "authorization", &format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

pub(crate) fn with_header<T>(message: T, name: &'static str, value: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

/// The descriptor of a plain statement.
pub(crate) fn statement(sql: &str) -> FlightDescriptor {
    let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

pub(crate) fn ticket(info: &FlightInfo) -> Ticket {
    info.endpoint[0].ticket.clone().unwrap()
}

/// All rows of a described query.
pub(crate) async fn read(client: &mut Client, info: &FlightInfo) -> Result<RecordBatch, FlightError> {
    let mut stream = client.do_get(ticket(info)).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        batches.push(batch);
    }
    Ok(concat_batches(stream.schema().unwrap(), &batches).unwrap())
}

/// What a statement answers, as a person sees it; or the status that it fails with.
pub(crate) async fn answer(client: &mut Client, sql: &str) -> Result<String, Status> {
    let info = client.execute(sql.to_owned(), None).await.map_err(status)?;
    Ok(shown(&read(client, &info).await.map_err(status)?))
}

pub(crate) fn shown(batch: &RecordBatch) -> String {
    pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
}

/// The status behind a client's error.
pub(crate) fn status(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        other => panic!("not a status: {other}"),
    }
}
