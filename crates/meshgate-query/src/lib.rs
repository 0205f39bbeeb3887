//! The life of one query, free of any protocol: parse, resolve, decide, load, secure, plan, verify, execute, record.
//!
//! Begin at [`QueryEngine::plan`]: it is one call a step.

mod engine;
mod request;
mod error;

mod arrival;
mod parse;
mod mention;
mod resolve;
mod denial;
mod load;
mod secure;
mod context;
mod parameters;
mod column;
mod message;
mod explain;
mod stream;
mod recording;
mod record;

mod listing;
mod pattern;
mod information_schema;
mod sql_type;

mod core;
mod runtime;
mod mesh;

pub use engine::{Config, PlannedQuery, PreparedQuery, QueryEngine};
pub use error::{Code, QueryError, Result};
pub use listing::{ListedTable, Listing, ListingFilter};
pub use mesh::{FailedReload, LiveMesh, Mesh};
pub use record::{Outcome, QueryRecord, RecordSink, TableRecord, TracingSink};
pub use request::{QueryRequest, SessionSettings};
pub use secure::MaskKey;
pub use stream::QueryStream;
