//! The Flight service: each call authenticates, decodes, and hands over.

use std::{pin::Pin, sync::Arc, time::Duration};

use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest,
    HandshakeResponse, PollInfo, PutResult, SchemaAsIpc, SchemaResult, Ticket, flight_service_server::FlightService,
    sql::Command,
};
use datafusion::arrow::ipc::writer::IpcWriteOptions;
use futures::{Stream, StreamExt, stream};
use meshgate_query::QueryEngine;
use prost::Message;
use tokio::time::{Instant, timeout};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};

use crate::{
    Config,
    actions::{act, action_types, no_transaction},
    command::{command, command_of},
    identity::{Caller, Identity},
    metadata::{Lister, metadata_answer, metadata_schema},
    running::Running,
    seal::Sealer,
    statement::Statements,
    status::{encoding, guarded, internal, not_offered},
    wire::{Answer, flight_data},
};

/// How long a handshake waits for its client to finish speaking.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Flight SQL over one engine.
pub(crate) struct Gateway {
    identity: Identity,
    statements: Statements,
}

impl Gateway {
    pub(crate) fn new(engine: Arc<QueryEngine>, config: &Config, running: Running) -> Self {
        let sealer = Arc::new(Sealer::new(&config.seal_key));
        Self {
            identity: Identity::new(config, engine.mesh().clone(), sealer.clone()),
            statements: Statements { engine, sealer, running, ticket_lifetime: config.ticket_lifetime },
        }
    }

    async fn flight_info(&self, caller: &Caller, descriptor: FlightDescriptor) -> Result<FlightInfo, Status> {
        match command_of(&descriptor)? {
            Command::CommandStatementQuery(command) => {
                no_transaction(command.transaction_id.as_ref())?;
                self.statements.describe(caller, command.query, descriptor).await
            }
            Command::CommandPreparedStatementQuery(command) => {
                self.statements.describe_prepared(caller, &command.prepared_statement_handle, descriptor)
            }
            command => {
                let schema = metadata_schema(&command)?.ok_or_else(|| unknown(&command))?;
                // A metadata command says nothing that its caller may not ask: it is its own ticket.
                let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(descriptor.cmd.clone()));
                Ok(FlightInfo::new()
                    .try_with_schema(&schema)
                    .map_err(encoding)?
                    .with_descriptor(descriptor)
                    .with_endpoint(endpoint))
            }
        }
    }

    async fn answer(&self, caller: &Caller, ticket: Ticket, deadline: Option<Instant>) -> Result<Answer, Status> {
        match command(&ticket.ticket)? {
            Command::TicketStatementQuery(ticket) => {
                self.statements.redeem(caller, &ticket.statement_handle, deadline).await
            }
            Command::CommandPreparedStatementQuery(command) => {
                self.statements.read_prepared(caller, &command.prepared_statement_handle, deadline).await
            }
            command => {
                let lister = Lister {
                    engine: &self.statements.engine,
                    caller,
                    handle_lifetime: self.statements.ticket_lifetime,
                };
                let batch = metadata_answer(lister, command.clone()).await?.ok_or_else(|| unknown(&command))?;
                Ok(Answer {
                    schema: batch.schema(),
                    batches: stream::iter([Ok(batch)]).boxed(),
                    deadline,
                    running: self.statements.running.anonymous(),
                })
            }
        }
    }

    async fn put(&self, caller: &Caller, mut messages: Streaming<FlightData>) -> Result<PutResult, Status> {
        let first = messages.message().await?;
        let first = first.ok_or_else(|| Status::invalid_argument("the stream has no messages"))?;
        let descriptor = first.flight_descriptor.clone();
        let descriptor =
            descriptor.ok_or_else(|| Status::invalid_argument("the first message has no flight descriptor"))?;
        match command_of(&descriptor)? {
            Command::CommandPreparedStatementQuery(command) => {
                let messages = stream::iter([Ok(first)]).chain(messages);
                let bound = self.statements.bind(caller, &command.prepared_statement_handle, messages).await?;
                Ok(PutResult { app_metadata: bound.encode_to_vec().into() })
            }
            Command::CommandStatementUpdate(command) => {
                no_transaction(command.transaction_id.as_ref())?;
                // What does not parse or is refused by name is told by the engine; what is left is a query.
                self.statements.schema(caller, command.query).await?;
                Err(Status::invalid_argument("the statement answers rows: run it as a query, not as an update"))
            }
            Command::CommandPreparedStatementUpdate(command) => {
                self.statements.open_prepared(caller, &command.prepared_statement_handle)?;
                Err(Status::invalid_argument("the statement answers rows: run it as a query, not as an update"))
            }
            command => Err(unknown(&command)),
        }
    }
}

fn unknown(command: &Command) -> Status {
    let name = command.type_url().rsplit(['.', '/']).next().unwrap_or_default().to_owned();
    let remedy = match command {
        Command::CommandStatementIngest(_) => "meshgate only reads: data is written by the domain that owns it",
        Command::CommandStatementSubstraitPlan(_) => "send SQL",
        _ => "meshgate answers statements, prepared statements and metadata commands",
    };
    not_offered(format_args!("command `{name}`"), remedy)
}

/// When the caller's patience ends (`grpc-timeout`, https://grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html).
fn deadline(headers: &MetadataMap) -> Option<Instant> {
    let header = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    let limit = match unit {
        "H" => Duration::from_secs(amount.checked_mul(3600)?),
        "M" => Duration::from_secs(amount.checked_mul(60)?),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    };
    Instant::now().checked_add(limit)
}

#[tonic::async_trait]
impl FlightService for Gateway {
    type HandshakeStream = Messages<HandshakeResponse>;
    type ListFlightsStream = Messages<FlightInfo>;
    type DoGetStream = Messages<FlightData>;
    type DoPutStream = Messages<PutResult>;
    type DoActionStream = Messages<arrow_flight::Result>;
    type ListActionsStream = Messages<ActionType>;
    type DoExchangeStream = Messages<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            let bearer = self.identity.bearer(&caller)?;
            let mut spoken = request.into_inner();
            // The answer is in the headers; the stream ends when the client has finished its own side, which some
            // clients take for a broken connection otherwise.
            let farewell = stream::once(async move {
                let _ = timeout(HANDSHAKE_LIMIT, async { while let Ok(Some(_)) = spoken.message().await {} }).await;
            });
            let mut response = Response::new(farewell.filter_map(async |()| None).boxed() as Self::HandshakeStream);
            set_header(response.metadata_mut(), "authorization", &bearer)?;
            Ok(response)
        })
        .await
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        self.identity.authenticate(request.metadata()).await?;
        Err(not_offered("ListFlights", "the command GetTables lists what there is"))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            self.flight_info(&caller, request.into_inner()).await.map(Response::new)
        })
        .await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            let info = self.flight_info(&caller, request.into_inner()).await?;
            let expiration_time = info.endpoint.first().and_then(|endpoint| endpoint.expiration_time);
            // Without a descriptor there is nothing more to poll: rows stream as they are made.
            Ok(Response::new(PollInfo {
                info: Some(info),
                flight_descriptor: None,
                progress: Some(1.0),
                expiration_time,
            }))
        })
        .await
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            let schema = match command_of(&request.into_inner())? {
                Command::CommandStatementQuery(command) => self.statements.schema(&caller, command.query).await?,
                Command::CommandPreparedStatementQuery(command) => {
                    self.statements.prepared_schema(&caller, &command.prepared_statement_handle)?
                }
                command => metadata_schema(&command)?.ok_or_else(|| unknown(&command))?,
            };
            let options = IpcWriteOptions::default();
            SchemaResult::try_from(SchemaAsIpc::new(&schema, &options)).map_err(encoding).map(Response::new)
        })
        .await
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        guarded(async {
            let deadline = deadline(request.metadata());
            let caller = self.identity.authenticate(request.metadata()).await?;
            let answer = self.answer(&caller, request.into_inner(), deadline).await?;
            Ok(Response::new(flight_data(answer)))
        })
        .await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            let result = self.put(&caller, request.into_inner()).await?;
            Ok(Response::new(stream::iter([Ok(result)]).boxed() as Self::DoPutStream))
        })
        .await
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        guarded(async {
            let caller = self.identity.authenticate(request.metadata()).await?;
            let done = act(&self.statements, caller, request.into_inner()).await?;
            let bodies = done.body.map(|body| Ok(arrow_flight::Result { body }));
            let mut response = Response::new(stream::iter(bodies).boxed() as Self::DoActionStream);
            if let Some((caller, open)) = done.session {
                let headers = response.metadata_mut();
                set_header(headers, "set-cookie", &self.identity.cookie(&caller, open)?)?;
                set_header(headers, "authorization", &self.identity.bearer(&caller)?)?;
            }
            Ok(response)
        })
        .await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        self.identity.authenticate(request.metadata()).await?;
        Ok(Response::new(stream::iter(action_types()).map(Ok).boxed()))
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        self.identity.authenticate(request.metadata()).await?;
        Err(not_offered("DoExchange", "meshgate answers queries over DoGet"))
    }
}

fn set_header(headers: &mut MetadataMap, name: &'static str, value: &str) -> Result<(), Status> {
    headers.insert(name, value.parse().map_err(|_| internal("a header value is not ASCII"))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(header: &str) -> Option<Duration> {
        let mut headers = MetadataMap::new();
        headers.insert("grpc-timeout", header.parse().unwrap());
        deadline(&headers).map(|end| end - Instant::now())
    }

    #[test]
    fn a_deadline_is_read_in_each_unit() {
        for (header, seconds) in [("2H", 7200), ("3M", 180), ("5S", 5), ("6000m", 6)] {
            let limit = limit(header).unwrap();
            assert!(limit.as_secs() + 1 >= seconds && limit.as_secs() <= seconds, "{header}: {limit:?}");
        }
        assert_eq!(limit("5"), None);
        assert_eq!(limit("S"), None);
        assert_eq!(limit("1.5S"), None);
    }

    proptest! {
        #[test]
        fn no_deadline_panics(header in "[ -~]{0,20}") {
            let _ = limit(&header);
            let _ = limit(&format!("{}H", u64::MAX));
        }
    }
}
