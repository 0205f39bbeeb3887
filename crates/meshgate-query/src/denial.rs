//! The words of a denial: what, by which policy, and whom to ask.

use meshgate_catalog::{Contract, Table};
use meshgate_policy::{ColumnAccess, ColumnGrant, Denial, Grant, PolicyReference};

use crate::QueryError;

/// A discoverable table of which no column may be read.
pub(crate) fn denied_table(table: &Table, grant: &Grant) -> QueryError {
    let policies: Vec<&PolicyReference> =
        grant.columns.iter().filter(|column| column.discoverable).flat_map(|column| column.policies.iter()).collect();
    let reason = grant.columns.iter().filter(|column| column.discoverable).find_map(|column| column.denial);
    denial(&format!("table {}", table.name), reason, &policies, &table.contract)
}

/// A discoverable column that may not be read.
pub(crate) fn denied_column(table: &Table, column: &ColumnGrant) -> QueryError {
    let policies: Vec<&PolicyReference> = column.policies.iter().collect();
    denial(&format!("column {}.{}", table.name, column.name), column.denial, &policies, &table.contract)
}

/// The columns of `grant` that the caller may know of and not read.
pub(crate) fn denied_columns(grant: &Grant) -> impl Iterator<Item = &ColumnGrant> {
    grant.columns.iter().filter(|column| column.discoverable && column.access == ColumnAccess::Denied)
}

fn denial(what: &str, reason: Option<Denial>, policies: &[&PolicyReference], contract: &Contract) -> QueryError {
    let mut ids: Vec<&str> = policies.iter().map(|policy| policy.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let policies = match ids.as_slice() {
        [] => None,
        [policy] => Some(format!("policy {policy}")),
        policies => Some(format!("policies {}", policies.join(", "))),
    };
    let reason = match (reason, policies) {
        (Some(Denial::Forbidden) | None, Some(policies)) => policies,
        (Some(Denial::NotPermitted) | None, None) => Denial::NotPermitted.to_string(),
        (Some(Denial::NotPermitted), Some(policies)) => format!("{} ({policies})", Denial::NotPermitted),
        (Some(reason), Some(policies)) => format!("{reason} ({policies})"),
        (Some(reason), None) => reason.to_string(),
    };
    let channel = contract.support.first().map(|support| support.channel.as_str()).unwrap_or_default();
    let ask = match (contract.team.as_str(), channel) {
        ("", "") => String::new(),
        ("", who) | (who, "") => format!("; ask {who}"),
        (team, channel) => format!("; ask {team} ({channel})"),
    };
    QueryError::Denied(format!("access denied to {what}: {reason}{ask}"))
}
