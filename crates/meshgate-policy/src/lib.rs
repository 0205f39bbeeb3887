//! Who sees what: a [`Principal`] and a table become a [`Grant`], decided by Cedar policies.
//!
//! [`Policies::compile`] validates the policy files of a catalog snapshot against a schema that is generated from
//! it; [`Policies::decide`] answers per table: each column raw, masked or denied, and which rows show.
//!
//! ```cedar
//! @id("analysts-read-departures")
//! permit (principal in Group::"analysts", action in [Action::"discover", Action::"select"],
//!         resource in Product::"operations.departures");
//!
//! @id("jfk-desk") @row_filter("origin = principal.station")
//! permit (principal in Group::"station_desk", action == Action::"read_rows",
//!         resource == Table::"operations.departures.flights");
//! ```
//!
//! - Entities: `User` (in `Group` and `Role`, with the attributes that users have), `Domain`, `Product`, `Table`
//!   (`tags`), `Column` (`classification`, `logical_type`, `tags`). Their ids are dotted names; a column whose name
//!   holds a dot or a double quote stands in double quotes, as in SQL: `Column::"a.b.c.\"odd.name\""`.
//! - Actions: `discover`, `select` and `select_masked` on columns, `read_rows` on tables; `context.purpose` if the
//!   credentials grant one.
//! - Annotations: `@id`, `@mask` on a permit of `select_masked`, `@row_filter` on a policy about `read_rows`,
//!   `@description`.
//! - Default deny; a forbid beats permits; a policy that can't be evaluated denies.
//!
//! This crate knows neither Arrow nor DataFusion: masks are named here and evaluated in `meshgate-query`.

mod attributes;
mod compile;
mod decide;
mod entities;
mod grant;
mod mask;
mod memo;
mod mesh;
mod plan;
mod policies;
mod principal;
mod row_filter;
mod schema;
mod scope;
#[cfg(test)]
mod testing;

pub use grant::{ColumnAccess, ColumnGrant, Denial, FilterSource, Grant, PolicyReference, RowAccess};
pub use mask::Mask;
pub use policies::Policies;
pub use principal::Principal;
pub use row_filter::{RowFilter, RowFilterError};
