//! Statements, plain and prepared: described, prepared, bound, read.
//!
//! Nothing is kept between the calls of one statement: what a later call needs is sealed in the handle or ticket of
//! the earlier one, and each call decides anew under today's catalog and policies.

use std::{sync::Arc, time::Duration};

use arrow_flight::{
    FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket,
    decode::FlightRecordBatchStream,
    sql::{DoPutPreparedStatementResult, ProstMessageExt, TicketStatementQuery},
};
use bytes::Bytes;
use datafusion::{
    arrow::datatypes::{Schema, SchemaRef},
    common::ScalarValue,
};
use futures::{StreamExt, TryStreamExt, stream};
use meshgate_query::{PlannedQuery, PreparedQuery, QueryEngine, QueryRequest};
use prost::Message;
use tokio::time::Instant;
use tonic::Status;

use crate::{
    identity::Caller,
    parameters::{admit, advertised, bind, parameter_types, rows, wrong_count},
    payload::{CreatePreparedStatementResult, PreparedStatement, Statement, pinned_tables},
    running::Running,
    seal::{Sealer, expiry},
    status::{encoding, query_status},
    wire::{Answer, Batches, schema_digest, schema_from_ipc, schema_to_ipc, wire_schema},
};

/// What the calls about statements share.
pub(crate) struct Statements {
    pub(crate) engine: Arc<QueryEngine>,
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) running: Running,
    pub(crate) ticket_lifetime: Duration,
}

impl Statements {
    /// What a plain statement answers.
    pub(crate) async fn schema(&self, caller: &Caller, sql: String) -> Result<SchemaRef, Status> {
        Ok(wire_schema(&self.prepared(caller, sql).await?.schema))
    }

    /// What a plain statement answers, and the ticket for it.
    pub(crate) async fn describe(
        &self,
        caller: &Caller,
        sql: String,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Status> {
        let prepared = self.prepared(caller, sql.clone()).await?;
        if !prepared.parameters.is_empty() {
            return Err(wrong_count(prepared.parameters.len(), 0));
        }
        let schema = wire_schema(&prepared.schema);
        let statement = Statement {
            user: caller.user().to_owned(),
            expires_at: expiry(self.ticket_lifetime),
            id: new_id(),
            sql,
            parameters: None,
            session: Some((&caller.settings).into()),
            pinned: pinned_tables(&prepared)?,
            schema_digest: schema_digest(&schema),
        };
        self.flight_info(&statement, &schema, descriptor)
    }

    /// Prepares a statement. Its schema, not empty, tells JDBC that it is a query.
    pub(crate) async fn prepare(&self, caller: &Caller, sql: String) -> Result<CreatePreparedStatementResult, Status> {
        let prepared = self.prepared(caller, sql.clone()).await?;
        let schema = schema_to_ipc(&wire_schema(&prepared.schema)).map_err(encoding)?;
        let types = parameter_types(&prepared.parameters);
        let statement = PreparedStatement {
            user: caller.user().to_owned(),
            expires_at: expiry(self.ticket_lifetime),
            sql,
            session: Some((&caller.settings).into()),
            schema: schema.clone(),
            parameter_types: schema_to_ipc(&types).map_err(encoding)?,
            parameters: None,
        };
        Ok(CreatePreparedStatementResult {
            prepared_statement_handle: self.sealer.seal(&statement)?,
            dataset_schema: schema,
            parameter_schema: schema_to_ipc(&advertised(&types)).map_err(encoding)?,
            is_update: Some(false),
        })
    }

    /// The promised schema of a prepared statement.
    pub(crate) fn prepared_schema(&self, caller: &Caller, handle: &[u8]) -> Result<SchemaRef, Status> {
        schema_from_ipc(&self.open_prepared(caller, handle)?.schema).map_err(encoding)
    }

    /// The promised schema of a prepared statement, and a ticket for it with the rows that are bound now.
    ///
    /// No table version is pinned: an execution reads what is there when it begins.
    pub(crate) fn describe_prepared(
        &self,
        caller: &Caller,
        handle: &[u8],
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Status> {
        let prepared = self.open_prepared(caller, handle)?;
        let schema = schema_from_ipc(&prepared.schema).map_err(encoding)?;
        self.flight_info(&self.execution(prepared, &schema)?, &schema, descriptor)
    }

    /// Binds rows of parameters: the answer holds the handle that stands for the statement with them.
    pub(crate) async fn bind<S>(
        &self,
        caller: &Caller,
        handle: &[u8],
        messages: S,
    ) -> Result<DoPutPreparedStatementResult, Status>
    where
        S: futures::Stream<Item = Result<FlightData, Status>> + Send + 'static,
    {
        let mut prepared = self.open_prepared(caller, handle)?;
        let types = schema_from_ipc(&prepared.parameter_types).map_err(encoding)?;
        let mut size = 0;
        let admitted = messages.map(move |message| message.and_then(|message| admit(message, &mut size)));
        let batches: Vec<_> = FlightRecordBatchStream::new_from_flight_data(admitted.map_err(Into::into))
            .try_collect()
            .await
            .map_err(unreadable_parameters)?;
        prepared.parameters = Some(bind(&batches, &types)?);
        prepared.expires_at = expiry(self.ticket_lifetime);
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(self.sealer.seal(&prepared)?) })
    }

    /// The answer that a ticket stands for.
    pub(crate) async fn redeem(
        &self,
        caller: &Caller,
        ticket: &[u8],
        deadline: Option<Instant>,
    ) -> Result<Answer, Status> {
        self.read(caller, self.open_ticket(caller, ticket)?, deadline).await
    }

    /// The answer of a prepared statement whose handle was used as a ticket.
    pub(crate) async fn read_prepared(
        &self,
        caller: &Caller,
        handle: &[u8],
        deadline: Option<Instant>,
    ) -> Result<Answer, Status> {
        let prepared = self.open_prepared(caller, handle)?;
        let schema = schema_from_ipc(&prepared.schema).map_err(encoding)?;
        self.read(caller, self.execution(prepared, &schema)?, deadline).await
    }

    /// The ticket's statement, if it is the caller's.
    pub(crate) fn open_ticket(&self, caller: &Caller, ticket: &[u8]) -> Result<Statement, Status> {
        let statement: Statement = self.sealer.open(ticket)?;
        if statement.user == caller.user() { Ok(statement) } else { Err(not_yours("ticket")) }
    }

    /// The same ticket with a later end.
    pub(crate) fn renew(&self, caller: &Caller, ticket: &[u8]) -> Result<FlightEndpoint, Status> {
        let mut statement = self.open_ticket(caller, ticket)?;
        statement.expires_at = expiry(self.ticket_lifetime);
        self.endpoint(&statement)
    }

    /// The handle's statement, if it is the caller's.
    pub(crate) fn open_prepared(&self, caller: &Caller, handle: &[u8]) -> Result<PreparedStatement, Status> {
        let statement: PreparedStatement = self.sealer.open(handle)?;
        if statement.user == caller.user() { Ok(statement) } else { Err(not_yours("prepared statement")) }
    }

    async fn prepared(&self, caller: &Caller, sql: String) -> Result<PreparedQuery, Status> {
        let request = QueryRequest { sql, session: caller.settings.clone(), ..QueryRequest::default() };
        self.engine.prepare(&caller.principal, &request).await.map_err(|error| query_status(&error, None))
    }

    /// One execution of a prepared statement.
    fn execution(&self, prepared: PreparedStatement, schema: &Schema) -> Result<Statement, Status> {
        let wanted = schema_from_ipc(&prepared.parameter_types).map_err(encoding)?.fields().len();
        if wanted > 0 && prepared.parameters.is_none() {
            return Err(wrong_count(wanted, 0));
        }
        Ok(Statement {
            user: prepared.user,
            expires_at: expiry(self.ticket_lifetime),
            id: new_id(),
            sql: prepared.sql,
            parameters: prepared.parameters.filter(|_| wanted > 0),
            session: prepared.session,
            pinned: Vec::new(),
            schema_digest: schema_digest(schema),
        })
    }

    fn flight_info(
        &self,
        statement: &Statement,
        schema: &Schema,
        descriptor: FlightDescriptor,
    ) -> Result<FlightInfo, Status> {
        Ok(FlightInfo::new()
            .try_with_schema(schema)
            .map_err(encoding)?
            .with_descriptor(descriptor)
            .with_endpoint(self.endpoint(statement)?))
    }

    /// One endpoint without a location: the client asks where it asked before (ODBC dials what it finds literally).
    fn endpoint(&self, statement: &Statement) -> Result<FlightEndpoint, Status> {
        let ticket = TicketStatementQuery { statement_handle: self.sealer.seal(statement)? };
        let end = prost_types::Timestamp { seconds: statement.expires_at, nanos: 0 };
        Ok(FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec())).with_expiration_time(end))
    }

    async fn read(&self, caller: &Caller, statement: Statement, deadline: Option<Instant>) -> Result<Answer, Status> {
        let running = self.running.begin(statement.id.clone());
        let mut request = statement.request()?;
        request.deadline = deadline.map(Instant::into_std);
        let mut rows = match &statement.parameters {
            None => vec![Vec::new()],
            Some(bound) => rows(bound)?,
        };
        if rows.len() != 1 {
            // All rows of parameters read one state of each table.
            let prepared = self.prepared(caller, request.sql.clone()).await?;
            if rows.is_empty() {
                let schema = kept(&prepared.schema, &statement.schema_digest)?;
                return Ok(Answer { schema, batches: stream::empty().boxed(), deadline, running });
            }
            request.pinned = prepared.pinned;
        }
        let rest = rows.split_off(1);
        let first = rows.pop().unwrap_or_default();
        let execution = Arc::new(Execution {
            engine: self.engine.clone(),
            caller: caller.clone(),
            request,
            promised: statement.schema_digest,
        });
        let (schema, batches) = execution.run(first).await?;
        let later = stream::iter(rest).then(move |row| {
            let execution = execution.clone();
            async move { execution.run(row).await.map(|(_, batches)| batches) }
        });
        Ok(Answer { schema, batches: batches.chain(later.try_flatten()).boxed(), deadline, running })
    }
}

/// One execution of a statement, a run for each row of parameters.
struct Execution {
    engine: Arc<QueryEngine>,
    caller: Caller,
    request: QueryRequest,
    promised: Bytes,
}

impl Execution {
    /// The wire schema and the batches of one run.
    async fn run(&self, parameters: Vec<ScalarValue>) -> Result<(SchemaRef, Batches), Status> {
        let request = QueryRequest { parameters, ..self.request.clone() };
        let planned =
            self.engine.plan(&self.caller.principal, request).await.map_err(|error| query_status(&error, None))?;
        Ok((kept(&planned.schema(), &self.promised)?, batches(planned)))
    }
}

/// The wire schema of an answer, if it is the one that was promised.
fn kept(schema: &Schema, promised: &Bytes) -> Result<SchemaRef, Status> {
    let schema = wire_schema(schema);
    if schema_digest(&schema) == promised {
        return Ok(schema);
    }
    Err(Status::failed_precondition(
        "the columns of the answer have changed since the query was described, for instance by a policy; run it again",
    ))
}

/// The batches of a query, which runs from the first poll on.
fn batches(planned: PlannedQuery) -> Batches {
    let id: Arc<str> = planned.query_id().into();
    let failed = move |error| query_status(&error, Some(&id));
    let started = {
        let failed = failed.clone();
        async move { planned.execute().await.map_err(failed) }
    };
    stream::once(started).map_ok(move |rows| rows.map_err(failed.clone())).try_flatten().boxed()
}

fn new_id() -> Bytes {
    Bytes::copy_from_slice(uuid::Uuid::new_v4().as_bytes())
}

/// Whose it is, and of what, is not the caller's to know.
fn not_yours(what: &str) -> Status {
    Status::permission_denied(format!("access denied to this {what}"))
}

fn unreadable_parameters(error: arrow_flight::error::FlightError) -> Status {
    match error {
        arrow_flight::error::FlightError::Tonic(status) => *status,
        _ => Status::invalid_argument("the bound parameters are not a stream of Arrow record batches"),
    }
}
