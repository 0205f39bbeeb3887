//! The life of one query, free of any protocol: parse, resolve, decide, load, secure, plan, verify, execute, record.
//!
//! Begin at [`QueryEngine::plan`], which hands a request to `Arrival::plan`: there it is one call a step.

mod engine;
mod error;
mod request;

mod arrival;
mod column;
mod context;
mod denial;
mod explain;
mod load;
mod mention;
mod message;
mod parameters;
mod parse;
mod record;
mod recording;
mod resolve;
mod secure;
mod stream;

mod information_schema;
mod listing;
mod pattern;
mod sql_type;

mod core;
mod mesh;
mod runtime;

pub use engine::{Config, PlannedQuery, PreparedQuery, QueryEngine};
pub use error::{Code, QueryError, Result};
pub use listing::{ListedTable, Listing, ListingFilter};
pub use mesh::{FailedReload, LiveMesh, Mesh};
pub use record::{Outcome, QueryRecord, RecordSink, TableRecord, TracingSink};
pub use request::{QueryRequest, SessionSettings};
pub use secure::MaskKey;
pub use stream::QueryStream;
