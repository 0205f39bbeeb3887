//! The life of one query, free of any protocol: parse, resolve, decide, load, secure, plan, verify, execute, record.
//!
//! Begin at [`QueryEngine::plan`]: it is one call a step.

mod engine;
mod error;
mod listing;
mod mesh;
mod record;
mod request;
mod secure;
mod stream;

pub use engine::{Config, PlannedQuery, PreparedQuery, QueryEngine};
pub use error::{Code, QueryError, Result};
pub use listing::{ListedTable, Listing, ListingFilter};
pub use mesh::{LiveMesh, Mesh};
pub use record::{Outcome, QueryRecord, RecordSink, TableRecord, TracingSink};
pub use request::{QueryRequest, SessionSettings};
pub use secure::MaskKey;
pub use stream::QueryStream;
