//! Sessions, by cookie and by bearer.

use std::collections::HashMap;

use arrow_flight::Action;
use futures::TryStreamExt;
use prost::Message;
use tonic::{Request, Response, metadata::MetadataMap};

use crate::gateway::{Gateway, PASSWORD, basic, statement, with_header};

/// Flight's session messages, as far as these tests speak them.
#[derive(Clone, PartialEq, prost::Message)]
struct Options {
    #[prost(map = "string, message", tag = "1")]
    options: HashMap<String, OptionValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct OptionValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(bool, optional, tag = "2")]
    switch: Option<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Errors {
    #[prost(map = "string, message", tag = "1")]
    errors: HashMap<String, Failure>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Failure {
    #[prost(int32, tag = "1")]
    value: i32,
}

fn options(set: &[(&str, &str)]) -> Vec<u8> {
    let option = |(name, text): &(&str, &str)| {
        ((*name).to_owned(), OptionValue { text: Some((*text).to_owned()), switch: None })
    };
    Options { options: set.iter().map(option).collect() }.encode_to_vec()
}

async fn act(gateway: &Gateway, request: Request<Action>) -> (MetadataMap, Vec<u8>) {
    let response: Response<_> = gateway.raw().await.do_action(request).await.unwrap();
    let headers = response.metadata().clone();
    let bodies: Vec<_> = response.into_inner().try_collect().await.unwrap();
    (headers, bodies[0].body.to_vec())
}

fn header(headers: &MetadataMap, name: &str) -> String {
    headers.get(name).unwrap().to_str().unwrap().to_owned()
}

const SHORT: &str = "SELECT id FROM items";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_carried_by_its_cookie_or_its_token() {
    let gateway = Gateway::start().await;
    let mut raw = gateway.raw().await;
    let set = Action::new("SetSessionOptions", options(&[("schema", "orders"), ("catalog", "sales")]));
    let (headers, errors) = act(&gateway, basic("ann", PASSWORD, set)).await;
    assert!(errors.is_empty());

    raw.get_flight_info(basic("ann", PASSWORD, statement(SHORT))).await.unwrap_err();
    raw.get_flight_info(with_header(statement(SHORT), "authorization", &header(&headers, "authorization")))
        .await
        .unwrap();

    let cookie = header(&headers, "set-cookie");
    let cookie = cookie.split(';').next().unwrap();
    let mut with_cookie = basic("ann", PASSWORD, statement(SHORT));
    with_cookie.metadata_mut().insert("cookie", cookie.parse().unwrap());
    raw.get_flight_info(with_cookie).await.unwrap();
    // Nobody else is in that session.
    let mut anothers = basic("bob", PASSWORD, statement(SHORT));
    anothers.metadata_mut().insert("cookie", cookie.parse().unwrap());
    raw.get_flight_info(anothers).await.unwrap_err();

    let get = Action::new("GetSessionOptions", Vec::new());
    let (told, body) = act(&gateway, with_header(get, "authorization", &header(&headers, "authorization"))).await;
    assert!(told.get("set-cookie").is_none(), "asking makes no session");
    let set = Options::decode(&body[..]).unwrap().options;
    assert_eq!(set["catalog"].text.as_deref(), Some("sales"));
    assert_eq!(set["schema"].text.as_deref(), Some("orders"));

    let close = Action::new("CloseSession", Vec::new());
    let (closed, _) = act(&gateway, with_header(close, "authorization", &header(&headers, "authorization"))).await;
    assert!(header(&closed, "set-cookie").contains("Max-Age=0"));
    raw.get_flight_info(with_header(statement(SHORT), "authorization", &header(&closed, "authorization")))
        .await
        .unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_set_is_named() {
    let gateway = Gateway::start().await;
    let set = options(&[("catalog", "nowhere"), ("colour", "red"), ("strict_star", "true")]);
    let (_, body) = act(&gateway, basic("ann", PASSWORD, Action::new("SetSessionOptions", set))).await;
    let errors = Errors::decode(&body[..]).unwrap().errors;
    assert_eq!(errors.len(), 2);
    assert_eq!((errors["colour"].value, errors["catalog"].value), (1, 2));
    // What one may not see is not there.
    let set = options(&[("catalog", "sales")]);
    let (_, body) = act(&gateway, basic("zed", PASSWORD, Action::new("SetSessionOptions", set))).await;
    assert_eq!(Errors::decode(&body[..]).unwrap().errors["catalog"].value, 2);
}
