//! The endpoint as its clients meet it: a server on loopback, arrow-flight's Flight SQL client and raw gRPC.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod gateway;
mod hostile;
mod login;
mod metadata;
mod sessions;
mod statements;
mod streams;
