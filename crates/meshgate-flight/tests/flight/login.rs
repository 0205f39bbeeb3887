//! Who gets in, and for how long.

use std::{sync::Arc, time::Duration};

use arrow_flight::{
    FlightDescriptor, HandshakeRequest,
    sql::{CommandGetCatalogs, ProstMessageExt, client::FlightSqlServiceClient},
};
use futures::{StreamExt, stream};
use meshgate_flight::{Config, hash_password};
use prost::Message;
use tonic::{Code, Request};

use crate::gateway::{
    Gateway, PASSWORD, answer, basic, config, mesh, password_hash, statement, status, users, with_header,
};

fn catalogs() -> FlightDescriptor {
    FlightDescriptor::new_cmd(CommandGetCatalogs {}.as_any().encode_to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_answers_a_bearer_token_in_the_headers_and_ends() {
    let gateway = Gateway::start().await;
    let greeting = || stream::iter([HandshakeRequest::default()]);
    let response = gateway.raw().await.handshake(basic("ann", PASSWORD, greeting())).await.unwrap();
    let bearer = response.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
    assert!(bearer.starts_with("Bearer "), "{bearer}");
    assert!(response.into_inner().next().await.is_none());

    // A token is answered by one the same way.
    let again = gateway.raw().await.handshake(with_header(greeting(), "authorization", &bearer)).await.unwrap();
    assert!(again.metadata().get("authorization").unwrap().to_str().unwrap().starts_with("Bearer "));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_takes_basic_and_bearer() {
    let gateway = Gateway::start().await;
    gateway.raw().await.get_flight_info(basic("ann", PASSWORD, catalogs())).await.unwrap();
    let mut client = gateway.client("ann").await;
    assert_eq!(
        answer(&mut client, "SELECT count(*) AS c FROM sales.orders.items").await.unwrap().lines().nth(3),
        Some("| 3 |")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_get_the_same_words() {
    let gateway = Gateway::start().await;
    let mut raw = gateway.raw().await;
    let wrong = raw.get_flight_info(basic("ann", "wrong", catalogs())).await.unwrap_err();
    let unknown = raw.get_flight_info(basic("eve", "wrong", catalogs())).await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    assert_eq!((wrong.code(), wrong.message()), (unknown.code(), unknown.message()));
    insta::assert_snapshot!(wrong.message(), @"the user name or the password is wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_credentials() {
    let gateway = Gateway::start().await;
    let mut raw = gateway.raw().await;
    let none = raw.get_flight_info(catalogs()).await.unwrap_err();
    assert_eq!(none.code(), Code::Unauthenticated);
    insta::assert_snapshot!(none.message(), @"no credentials: send a user name and a password (Basic), or the bearer token of a handshake");
    for header in ["Bearer", "Bearer garbage", "Bearer AAAA", "Basic ~", "Negotiate abc"] {
        let refused = raw.get_flight_info(with_header(catalogs(), "authorization", header)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{header}");
    }
    assert_eq!(raw.list_actions(arrow_flight::Empty {}).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(raw.handshake(stream::empty()).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_its_user_and_with_the_password() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    answer(&mut client, "SELECT 1").await.unwrap();

    gateway.mesh.change("users.yaml", &users(&[("ann", "analysts")], &hash_password("new").unwrap()));
    let changed = client.execute("SELECT 1".to_owned(), None).await.map_err(status).unwrap_err();
    assert_eq!(changed.code(), Code::Unauthenticated);

    gateway.mesh.change("users.yaml", &users(&[("bob", "analysts")], password_hash()));
    let gone = client.execute("SELECT 1".to_owned(), None).await.map_err(status).unwrap_err();
    assert_eq!((gone.code(), gone.message()), (changed.code(), changed.message()));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_those_of_today() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let info = client.execute("SELECT id FROM sales.orders.items".to_owned(), None).await.unwrap();
    gateway.mesh.change("users.yaml", &users(&[("ann", "")], password_hash()));
    // The ticket was made in better days.
    let refused = client.do_get(crate::gateway::ticket(&info)).await.err().map(status).unwrap();
    assert_eq!(refused.code(), Code::NotFound, "{}", refused.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires() {
    let short = Config { token_lifetime: Duration::ZERO, ..config() };
    let gateway = Gateway::over(Arc::new(mesh().await), short).await;
    let mut client = FlightSqlServiceClient::new(gateway.channel().await);
    client.handshake("ann", PASSWORD).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let expired = client.execute("SELECT 1".to_owned(), None).await.map_err(status).unwrap_err();
    assert_eq!(expired.code(), Code::Unauthenticated);
    insta::assert_snapshot!(expired.message(), @"the bearer token has expired; log in again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_token_lives_no_longer() {
    let short = Config { token_lifetime: Duration::from_secs(2), ..config() };
    let gateway = Gateway::over(Arc::new(mesh().await), short).await;
    let mut client = FlightSqlServiceClient::new(gateway.channel().await);
    client.handshake("ann", PASSWORD).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let bearer = format!("Bearer {}", client.token().unwrap());
    let greeting = stream::iter([HandshakeRequest::default()]);
    let again = gateway.raw().await.handshake(with_header(greeting, "authorization", &bearer)).await.unwrap();
    let again = again.metadata().get("authorization").unwrap().to_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    let expired = gateway.raw().await.get_flight_info(with_header(catalogs(), "authorization", &again)).await;
    assert_eq!(expired.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_kilobytes_of_headers_are_read() {
    let gateway = Gateway::start().await;
    let mut request: Request<FlightDescriptor> = basic("ann", PASSWORD, statement("SELECT 1"));
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        request.metadata_mut().insert(name, "x".repeat(8_000).parse().unwrap());
    }
    gateway.raw().await.get_flight_info(request).await.unwrap();
}
