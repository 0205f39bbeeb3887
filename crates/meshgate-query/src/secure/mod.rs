//! What stands between a raw table and a caller: governed tables, masks, row filters, the barrier, the check.

mod governed;
mod guard;
mod key;
mod verify;

pub(crate) use governed::GovernedTable;
pub(crate) use guard::{Guard, RawTable};
pub use key::MaskKey;
pub(crate) use verify::{ScanCounts, scan_counts, verify};
