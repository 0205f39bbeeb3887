//! Names: `domain.product.table`, and the nearest one to a mistyped word.

use std::fmt;

/// The three-part name of a table: SQL catalog = domain, SQL schema = product, SQL table = contract schema object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The domain, the SQL catalog.
    pub domain: String,
    /// The product, the SQL schema; `product_v1` pins a major version.
    pub product: String,
    /// The table, the contract's schema object.
    pub table: String,
}

impl TableName {
    /// Joins the three parts.
    pub fn new(domain: impl Into<String>, product: impl Into<String>, table: impl Into<String>) -> Self {
        Self { domain: domain.into(), product: product.into(), table: table.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.domain, self.product, self.table)
    }
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}
