//! Arrow Flight SQL in and out: authentication, commands, tickets, streams.
//!
//! Begin at [`serve`]; the calls are in `service`, each of which authenticates its caller and hands over to
//! `statement`, `metadata` or `actions`. Between calls nothing is kept: tokens, handles and tickets are sealed
//! messages of `proto/meshgate.proto`.

mod actions;
mod command;
mod identity;
mod metadata;
mod parameters;
mod password;
mod payload;
mod running;
mod seal;
mod server;
mod service;
mod session;
mod statement;
mod status;
mod wire;

pub use password::{hash_password, verify_password};
pub use seal::SealKey;
pub use server::{Config, Error, serve};
