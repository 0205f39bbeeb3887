//! What the benchmarks share: a mesh over real data, and its peer, plain DataFusion on the very same Parquet files.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod flights;
mod peer;

pub use flights::{USERS, flights_mesh, sql_of};
pub use peer::{Peer, sorted_rows};
