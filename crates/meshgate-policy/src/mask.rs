//! The nine mask actions of the Iceberg REST catalog's read restrictions.

use std::fmt;

use meshgate_catalog::LogicalType;

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

    /// Whether it can show a column of that declared type. (`meshgate-query` checks the Arrow type again.)
    ///
    /// NULL fits everything, one fixed value every scalar, a hash what Iceberg's read restrictions hash: text and
    /// whole numbers. The rest is about characters, or about dates.
    pub fn fits(self, logical_type: LogicalType) -> bool {
        match self {
            Mask::Null => true,
            Mask::FixedValue => matches!(
                logical_type,
                LogicalType::String
                    | LogicalType::Date
                    | LogicalType::Timestamp
                    | LogicalType::Time
                    | LogicalType::Number
                    | LogicalType::Integer
                    | LogicalType::Boolean
            ),
            Mask::Sha256Global | Mask::Sha256QueryLocal => {
                matches!(logical_type, LogicalType::String | LogicalType::Integer)
            }
            Mask::Alphanumeric | Mask::ShowFirst4 | Mask::ShowLast4 => logical_type == LogicalType::String,
            Mask::TruncateToYear | Mask::TruncateToMonth => {
                matches!(logical_type, LogicalType::Date | LogicalType::Timestamp)
            }
        }
    }

    /// Whether it shows no more of a value than `other` does: the partial order of strictness.
    ///
    /// ```text
    /// replace-with-null > mask-to-fixed-value > sha-256-query-local > sha-256-global
    ///                                         > mask-alphanum       > show-first-4, show-last-4
    ///                                         > truncate-to-year    > truncate-to-month
    /// ```
    ///
    /// Down each line a mask shows more: a hash which values are equal (the global one across queries),
    /// `mask-alphanum` length and punctuation, `show-…-4` four characters besides, a truncation where the date
    /// lies. Masks of different lines can't be compared.
    pub fn is_at_least_as_strict_as(self, other: Self) -> bool {
        self == other
            || match self {
                Mask::Null => true,
                Mask::FixedValue => other != Mask::Null,
                Mask::Sha256QueryLocal => other == Mask::Sha256Global,
                Mask::Alphanumeric => matches!(other, Mask::ShowFirst4 | Mask::ShowLast4),
                Mask::TruncateToYear => other == Mask::TruncateToMonth,
                Mask::Sha256Global | Mask::ShowFirst4 | Mask::ShowLast4 | Mask::TruncateToMonth => false,
            }
    }

    /// The mask that applies where several do: the one that is at least as strict as each other, and
    /// [`Mask::Null`] if there is none. `None` for no masks at all. The order of `masks` is of no matter.
    pub fn strictest(masks: &[Self]) -> Option<Self> {
        let (first, _) = masks.split_first()?;
        let strictest = masks
            .iter()
            .fold(*first, |strictest, &mask| if mask.is_at_least_as_strict_as(strictest) { mask } else { strictest });
        let beats_all = masks.iter().all(|&mask| strictest.is_at_least_as_strict_as(mask));
        Some(if beats_all { strictest } else { Mask::Null })
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
