//! The only provider that a request's context holds.

/// A table as one caller sees it.
#[derive(Debug)]
pub(crate) struct GovernedTable {}

impl GovernedTable {
    /// Whether nothing is restricted, physical columns included: it then plans exactly what the raw table plans.
    pub(crate) fn is_free(&self) -> bool {
        false
    }
}
