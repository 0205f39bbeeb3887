//! Who sees what: a [`Principal`] and a table become a [`Grant`], decided by Cedar policies.
//!
//! This crate knows neither Arrow nor DataFusion: masks are named here and evaluated in `meshgate-query`.

mod grant;
mod mask;
mod policies;
mod principal;

pub use grant::{ColumnAccess, ColumnGrant, Denial, FilterSource, Grant, PolicyReference, RowAccess};
pub use mask::Mask;
pub use policies::Policies;
pub use principal::Principal;
