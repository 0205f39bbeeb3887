//! What stands between a raw table and a caller: governed tables, masks, row filters, the barrier, the check.
//!
//! Begin at [`Guard::govern`], then [`GovernedTable`]'s `scan`: it decides what is planned below the barrier and
//! what stays above it. [`verify`] checks the finished plan, whatever led to it.

mod barrier;
mod columns;
mod fault;
mod governed;
mod guard;
mod key;
mod leakproof;
mod mask;
mod reown;
mod row_filter;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use fault::table_fault;
pub(crate) use governed::GovernedTable;
pub(crate) use guard::{Guard, RawTable};
pub use key::MaskKey;
pub(crate) use verify::{scan_counts, verify};
