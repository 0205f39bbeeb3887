//! Arrow Flight SQL in and out: authentication, commands, tickets, streams.

mod password;
mod server;

pub use password::{hash_password, verify_password};
pub use server::{Config, Error, SealKey, serve};
