//! The nine mask actions of the Iceberg REST catalog's read restrictions.

use std::fmt;

/// What a masked column shows instead of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mask {
    /// Letters and digits replaced, everything else and the length kept.
    Alphanumeric,
    /// One constant of the column's type.
    FixedValue,
    /// NULL.
    Null,
    /// The first four characters, the rest masked.
    ShowFirst4,
    /// The last four characters, the rest masked.
    ShowLast4,
    /// A date or timestamp cut to 1 January.
    TruncateToYear,
    /// A date or timestamp cut to the first of its month.
    TruncateToMonth,
    /// A keyed hash, the same in every table and query: joins still work.
    Sha256Global,
    /// A keyed hash whose key lives as long as the query.
    Sha256QueryLocal,
}

impl Mask {
    /// All of them.
    pub const ALL: [Mask; 9] = [
        Mask::Alphanumeric,
        Mask::FixedValue,
        Mask::Null,
        Mask::ShowFirst4,
        Mask::ShowLast4,
        Mask::TruncateToYear,
        Mask::TruncateToMonth,
        Mask::Sha256Global,
        Mask::Sha256QueryLocal,
    ];

    /// The name that `@mask("…")` uses.
    pub fn name(self) -> &'static str {
        match self {
            Mask::Alphanumeric => "mask-alphanum",
            Mask::FixedValue => "mask-to-fixed-value",
            Mask::Null => "replace-with-null",
            Mask::ShowFirst4 => "show-first-4",
            Mask::ShowLast4 => "show-last-4",
            Mask::TruncateToYear => "truncate-to-year",
            Mask::TruncateToMonth => "truncate-to-month",
            Mask::Sha256Global => "sha-256-global",
            Mask::Sha256QueryLocal => "sha-256-query-local",
        }
    }

    /// The mask of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mask| mask.name() == name)
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
