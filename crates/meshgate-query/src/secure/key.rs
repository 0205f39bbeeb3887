//! The key of the keyed hash masks.

use std::fmt;

/// A secret of at least 16 bytes. Held by the mask function, never in a plan, a log or an error.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MaskKey(Vec<u8>);

impl MaskKey {
    /// A key from the platform team's configuration.
    pub fn new(secret: impl Into<Vec<u8>>) -> Self {
        Self(secret.into())
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("MaskKey(…)")
    }
}
