//! Actions: prepared statements, cancelling, sessions.

use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo,
    RenewFlightEndpointRequest,
    sql::{
        ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
        ActionCreatePreparedStatementRequest, Any, Command, ProstMessageExt,
    },
};
use bytes::Bytes;
use prost::Message;
use tonic::Status;

use crate::{
    command::{bare, command, packed},
    identity::Caller,
    payload::{
        CloseSessionRequest, CloseSessionResult, GetSessionOptionsRequest, SetSessionOptionsRequest,
        close_session_result,
    },
    session::{get_options, set_options},
    statement::Statements,
    status::not_offered,
};

/// The actions by name, with what each is for.
const ACTIONS: [(&str, &str); 8] = [
    (
        "CreatePreparedStatement",
        "Prepares a statement.\nRequest: ActionCreatePreparedStatementRequest\nResponse: ActionCreatePreparedStatementResult",
    ),
    (
        "ClosePreparedStatement",
        "Ends the use of a prepared statement.\nRequest: ActionClosePreparedStatementRequest\nResponse: none",
    ),
    (
        "CancelFlightInfo",
        "Cancels a running query.\nRequest: CancelFlightInfoRequest\nResponse: CancelFlightInfoResult",
    ),
    ("CancelQuery", "Cancels a running query.\nRequest: ActionCancelQueryRequest\nResponse: ActionCancelQueryResult"),
    (
        "RenewFlightEndpoint",
        "Gives a ticket a later end.\nRequest: RenewFlightEndpointRequest\nResponse: FlightEndpoint",
    ),
    (
        "SetSessionOptions",
        "Sets `catalog`, `schema`, `strict_star` or `deterministic`.\nRequest: SetSessionOptionsRequest\nResponse: SetSessionOptionsResult",
    ),
    ("GetSessionOptions", "Tells what is set.\nRequest: GetSessionOptionsRequest\nResponse: GetSessionOptionsResult"),
    ("CloseSession", "Ends the session.\nRequest: CloseSessionRequest\nResponse: CloseSessionResult"),
];

/// The actions that are offered.
pub(crate) fn action_types() -> Vec<ActionType> {
    ACTIONS
        .iter()
        .map(|(name, description)| ActionType { r#type: (*name).to_owned(), description: (*description).to_owned() })
        .collect()
}

/// What an action did.
pub(crate) struct Done {
    /// The answer's body, if the action has one.
    pub(crate) body: Option<Bytes>,
    /// The caller with a new session, if the action changed it; and whether it is open.
    pub(crate) session: Option<(Caller, bool)>,
}

impl Done {
    fn answering(body: Vec<u8>) -> Self {
        Self { body: Some(body.into()), session: None }
    }
}

/// Does what the caller asks.
pub(crate) async fn act(statements: &Statements, mut caller: Caller, action: Action) -> Result<Done, Status> {
    let body = &action.body;
    match action.r#type.as_str() {
        "CreatePreparedStatement" => {
            let request: ActionCreatePreparedStatementRequest = packed(body)?;
            no_transaction(request.transaction_id.as_ref())?;
            let result = statements.prepare(&caller, request.query).await?;
            Ok(Done::answering(any("ActionCreatePreparedStatementResult", &result)))
        }
        "ClosePreparedStatement" => {
            // Handles hold all there is of a statement; there is nothing to close, for whomever.
            packed::<ActionClosePreparedStatementRequest>(body)?;
            Ok(Done { body: None, session: None })
        }
        "CancelFlightInfo" => {
            let request: CancelFlightInfoRequest = bare(body)?;
            let status = cancel(statements, &caller, request.info.as_ref())?;
            Ok(Done::answering(CancelFlightInfoResult::new(status).encode_to_vec()))
        }
        "CancelQuery" => {
            let request: ActionCancelQueryRequest = packed(body)?;
            let info = FlightInfo::decode(request.info)
                .map_err(|_| Status::invalid_argument("the query to cancel is not a FlightInfo"))?;
            // CancelQuery's result has the same numbers as CancelFlightInfo's.
            let result = cancel(statements, &caller, Some(&info))? as i32;
            Ok(Done::answering(ActionCancelQueryResult { result }.as_any().encode_to_vec()))
        }
        "RenewFlightEndpoint" => {
            let request: RenewFlightEndpointRequest = bare(body)?;
            let ticket = request.endpoint.and_then(|endpoint| endpoint.ticket).unwrap_or_default();
            let renewed = statements.renew(&caller, &statement_handle(&ticket.ticket)?)?;
            Ok(Done::answering(renewed.encode_to_vec()))
        }
        "SetSessionOptions" => {
            let request: SetSessionOptionsRequest = bare(body)?;
            let result = set_options(&statements.engine, &mut caller, request).await?;
            Ok(Done { body: Some(result.encode_to_vec().into()), session: Some((caller, true)) })
        }
        "GetSessionOptions" => {
            bare::<GetSessionOptionsRequest>(body)?;
            Ok(Done::answering(get_options(&caller.settings).encode_to_vec()))
        }
        "CloseSession" => {
            bare::<CloseSessionRequest>(body)?;
            caller.settings = Default::default();
            let closed = CloseSessionResult { status: close_session_result::Status::Closed.into() };
            Ok(Done { body: Some(closed.encode_to_vec().into()), session: Some((caller, false)) })
        }
        other => Err(not_offered(format_args!("action `{other}`"), "ListActions tells which are")),
    }
}

/// Refuses a statement in a transaction: pretending would lose the promise that it makes.
pub(crate) fn no_transaction(id: Option<&Bytes>) -> Result<(), Status> {
    match id {
        Some(id) if !id.is_empty() => {
            Err(not_offered("a transaction", "meshgate only reads; each statement sees one state of each table"))
        }
        _ => Ok(()),
    }
}

fn cancel(statements: &Statements, caller: &Caller, info: Option<&FlightInfo>) -> Result<CancelStatus, Status> {
    let mut status = CancelStatus::NotCancellable;
    for ticket in info.into_iter().flat_map(|info| &info.endpoint).filter_map(|endpoint| endpoint.ticket.as_ref()) {
        let statement = statements.open_ticket(caller, &statement_handle(&ticket.ticket)?)?;
        if statements.running.cancel(&statement.id) {
            status = CancelStatus::Cancelled;
        }
    }
    Ok(status)
}

fn statement_handle(ticket: &Bytes) -> Result<Bytes, Status> {
    match command(ticket)? {
        Command::TicketStatementQuery(ticket) => Ok(ticket.statement_handle),
        _ => Err(Status::invalid_argument("the ticket is not a query's")),
    }
}

/// A message of ours in an `Any` under Flight SQL's name for it.
fn any(name: &str, message: &impl Message) -> Vec<u8> {
    Any {
        type_url: format!("type.googleapis.com/arrow.flight.protocol.sql.{name}"),
        value: message.encode_to_vec().into(),
    }
    .encode_to_vec()
}
