//! Tickets of others, garbage, and what else arrives.

use std::{sync::Arc, time::Duration};

use arrow_flight::{
    Action, FlightData, FlightDescriptor, Ticket,
    sql::{Any, CommandPreparedStatementQuery, ProstMessageExt, TicketStatementQuery},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use meshgate_flight::{Config, SealKey};
use prost::Message;
use tonic::{Code, Status};

use crate::gateway::{Gateway, PASSWORD, answer, basic, config, mesh, read, shown, statement, status, ticket};

const SQL: &str = "SELECT id FROM sales.orders.items ORDER BY id";

/// The status of a DoGet; or of its stream.
async fn redeemed(gateway: &Gateway, user: &str, ticket: Ticket) -> Status {
    match gateway.raw().await.do_get(basic(user, PASSWORD, ticket)).await {
        Err(status) => status,
        Ok(stream) => stream.into_inner().filter_map(async |message| message.err()).boxed().next().await.unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_ticket_and_handle_are_denied_and_tell_nothing() {
    let gateway = Gateway::start().await;
    let mut ann = gateway.client("ann").await;
    let info = ann.execute(SQL.to_owned(), None).await.unwrap();
    let denied = redeemed(&gateway, "bob", ticket(&info)).await;
    assert_eq!(denied.code(), Code::PermissionDenied);
    insta::assert_snapshot!(denied.message(), @"access denied to this ticket");

    let mut prepared = ann.prepare(SQL.to_owned(), None).await.unwrap();
    let command = prepared.execute().await.unwrap().flight_descriptor.unwrap();
    let mut raw = gateway.raw().await;
    let denied = raw.get_flight_info(basic("bob", PASSWORD, command.clone())).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let denied = raw.get_schema(basic("bob", PASSWORD, command.clone())).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let put = FlightData { flight_descriptor: Some(command), ..FlightData::default() };
    let denied = raw.do_put(basic("bob", PASSWORD, stream::iter([put]))).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    // Nor does anybody cancel or renew what is not theirs.
    let endpoint = info.endpoint[0].clone();
    let cancel = arrow_flight::CancelFlightInfoRequest::new(info).encode_to_vec();
    let denied = raw.do_action(basic("bob", PASSWORD, Action::new("CancelFlightInfo", cancel))).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let renew = arrow_flight::RenewFlightEndpointRequest::new(endpoint).encode_to_vec();
    let denied = raw.do_action(basic("bob", PASSWORD, Action::new("RenewFlightEndpoint", renew))).await.err().unwrap();
    assert_eq!(denied.code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_does_not_open_is_refused() {
    let gateway = Gateway::start().await;
    let mut ann = gateway.client("ann").await;
    let whole = ticket(&ann.execute(SQL.to_owned(), None).await.unwrap()).ticket;
    let sealed = TicketStatementQuery::decode(Any::decode(whole.clone()).unwrap().value).unwrap().statement_handle;
    let with = |handle: Vec<u8>| {
        Ticket::new(TicketStatementQuery { statement_handle: handle.into() }.as_any().encode_to_vec())
    };
    let mut changed = sealed.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    for (handle, why) in [
        (Vec::new(), "empty"),
        (b"garbage".to_vec(), "garbage"),
        (sealed[..sealed.len() - 1].to_vec(), "truncated"),
        (changed, "changed"),
    ] {
        assert_eq!(redeemed(&gateway, "ann", with(handle)).await.code(), Code::Unauthenticated, "{why}");
    }
    for (ticket, why) in [
        (Bytes::new(), "empty"),
        (Bytes::from_static(b"\xff\xff\xff"), "no protobuf"),
        (whole.slice(..whole.len() - 3), "truncated protobuf"),
        (whole.slice(..10), "truncated type"),
    ] {
        let refused = redeemed(&gateway, "ann", Ticket::new(ticket)).await;
        assert_eq!(refused.code(), Code::InvalidArgument, "{why}: {}", refused.message());
    }
    let unknown = Any { type_url: "type.googleapis.com/evil.Command".to_owned(), value: Bytes::new() };
    let refused = redeemed(&gateway, "ann", Ticket::new(unknown.encode_to_vec())).await;
    assert_eq!(refused.code(), Code::Unimplemented);
    insta::assert_snapshot!(refused.message(), @"command `Command` is not offered; meshgate answers statements, prepared statements and metadata commands");
    // A handle of a prepared statement is no ticket, though both are sealed with one key.
    let mut prepared = ann.prepare(SQL.to_owned(), None).await.unwrap();
    let command = prepared.execute().await.unwrap().flight_descriptor.unwrap().cmd;
    let handle = CommandPreparedStatementQuery::decode(Any::decode(command).unwrap().value).unwrap();
    let confused = redeemed(&gateway, "ann", with(handle.prepared_statement_handle.to_vec())).await;
    assert_eq!(confused.code(), Code::Unauthenticated);
    // The right ticket still works.
    gateway.raw().await.do_get(basic("ann", PASSWORD, Ticket::new(whole))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_ticket_says_so() {
    let short = Config { ticket_lifetime: Duration::ZERO, ..config() };
    let gateway = Gateway::over(Arc::new(mesh().await), short).await;
    let mut ann = gateway.client("ann").await;
    let info = ann.execute(SQL.to_owned(), None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let expired = redeemed(&gateway, "ann", ticket(&info)).await;
    assert_eq!(expired.code(), Code::Unauthenticated);
    insta::assert_snapshot!(expired.message(), @"the ticket has expired; run the query again");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_with_one_key_redeem_one_anothers_tickets() {
    let mesh = Arc::new(mesh().await);
    let one = Gateway::over(mesh.clone(), config()).await;
    let other = Gateway::over(mesh.clone(), config()).await;
    let stranger = Gateway::over(mesh, Config { seal_key: SealKey::random(), ..config() }).await;
    let mut at_one = one.client("ann").await;
    let token = at_one.token().unwrap().clone();
    let info = at_one.execute(SQL.to_owned(), None).await.unwrap();

    let mut at_other = arrow_flight::sql::client::FlightSqlServiceClient::new(other.channel().await);
    at_other.set_token(token.clone());
    assert_eq!(read(&mut at_other, &info).await.unwrap().num_rows(), 3);

    let mut at_stranger = arrow_flight::sql::client::FlightSqlServiceClient::new(stranger.channel().await);
    at_stranger.set_token(token);
    let refused = at_stranger.execute(SQL.to_owned(), None).await.map_err(status).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(redeemed(&stranger, "ann", ticket(&info)).await.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_decided_by_todays_policies() {
    let gateway = Gateway::start().await;
    let mut ann = gateway.client("ann").await;
    let all = ann.execute("SELECT * FROM sales.orders.items".to_owned(), None).await.unwrap();
    let named = ann.execute("SELECT id, name FROM sales.orders.items".to_owned(), None).await.unwrap();
    gateway.mesh.change(
        "domains/sales/policies/no-names.cedar",
        r#"@id("no-names") forbid (principal, action == Action::"select", resource == Column::"sales.orders.items.name");
           @id("no-masked-names") forbid (principal, action == Action::"select_masked", resource == Column::"sales.orders.items.name");"#,
    );
    let changed = redeemed(&gateway, "ann", ticket(&all)).await;
    assert_eq!(changed.code(), Code::FailedPrecondition, "{}", changed.message());
    insta::assert_snapshot!(changed.message(), @"the columns of the answer have changed since the query was described, for instance by a policy; run it again");
    assert_eq!(redeemed(&gateway, "ann", ticket(&named)).await.code(), Code::PermissionDenied);
    assert!(!answer(&mut ann, "SELECT * FROM sales.orders.items").await.unwrap().contains("bolt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn random_and_truncated_protobuf_never_harms() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let token = format!("Bearer {}", client.token().unwrap());
    let mut raw = gateway.raw().await;
    let whole = statement(SQL).cmd;
    let mut seed = 0x9e37_79b9_u32;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed
    };
    for round in 0..200usize {
        let bytes: Bytes = if round < whole.len() {
            whole.slice(..round)
        } else {
            (0..random() % 64).map(|_| random() as u8).collect::<Vec<_>>().into()
        };
        macro_rules! request {
            ($message:expr) => {
                crate::gateway::with_header($message, "authorization", &token)
            };
        }
        let descriptor = || FlightDescriptor::new_cmd(bytes.clone());
        let mut statuses = vec![
            raw.get_flight_info(request!(descriptor())).await.map(|_| ()),
            raw.get_schema(request!(descriptor())).await.map(|_| ()),
            raw.poll_flight_info(request!(descriptor())).await.map(|_| ()),
            raw.do_get(request!(Ticket::new(bytes.clone()))).await.map(|_| ()),
            raw.do_put(request!(stream::iter([FlightData {
                flight_descriptor: Some(descriptor()),
                data_header: bytes.clone(),
                data_body: bytes.clone(),
                ..FlightData::default()
            }])))
            .await
            .map(|_| ()),
        ];
        for action in [
            "CreatePreparedStatement",
            "ClosePreparedStatement",
            "CancelFlightInfo",
            "CancelQuery",
            "RenewFlightEndpoint",
            "SetSessionOptions",
            "GetSessionOptions",
            "CloseSession",
            "Nothing",
        ] {
            statuses.push(raw.do_action(request!(Action::new(action, bytes.clone()))).await.map(|_| ()));
        }
        for status in statuses.into_iter().filter_map(Result::err) {
            assert!(
                matches!(
                    status.code(),
                    Code::InvalidArgument | Code::Unimplemented | Code::Unauthenticated | Code::NotFound
                ),
                "{status:?} for {bytes:?}"
            );
        }
    }
    assert!(answer(&mut client, SQL).await.unwrap().contains('3'));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_place_of_parameters_is_refused() {
    let gateway = Gateway::start().await;
    let mut ann = gateway.client("ann").await;
    let token = format!("Bearer {}", ann.token().unwrap());
    let mut prepared = ann.prepare("SELECT id FROM sales.orders.items WHERE id = ?".to_owned(), None).await.unwrap();
    let bound = datafusion::arrow::array::Int64Array::from(vec![1]);
    let bound: datafusion::arrow::array::ArrayRef = Arc::new(bound);
    let bound = datafusion::arrow::array::RecordBatch::try_from_iter([("", bound)]).unwrap();
    prepared.set_parameters(bound).unwrap();
    let command = prepared.execute().await.unwrap().flight_descriptor.unwrap();
    let mut raw = gateway.raw().await;
    for header in
        [Bytes::new(), Bytes::from_static(b"garbage"), Bytes::from(vec![0u8; 64]), Bytes::from(vec![0xffu8; 64])]
    {
        let first = FlightData {
            flight_descriptor: Some(command.clone()),
            data_header: header.clone(),
            ..FlightData::default()
        };
        let second =
            FlightData { data_header: header, data_body: Bytes::from_static(b"body"), ..FlightData::default() };
        let put = crate::gateway::with_header(stream::iter([first, second]), "authorization", &token);
        if let Err(status) = raw.do_put(put).await {
            assert!(matches!(status.code(), Code::InvalidArgument | Code::Internal), "{status:?}");
        }
    }
    assert_eq!(shown(&read(&mut ann, &prepared.execute().await.unwrap()).await.unwrap()).lines().count(), 5);
}
