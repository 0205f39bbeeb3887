//! Row filters: the SQL of policies, bound to a table's raw columns and a caller's attributes.

mod attributes;
mod total;

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::Schema,
    common::{DFSchema, DataFusionError},
    execution::SessionState,
    functions::{core::planner::CoreFunctionPlanner, unicode::planner::UnicodeFunctionPlanner},
    logical_expr::{Expr, ScalarUDF, lit, planner::ExprPlanner, simplify::SimplifyContext},
    optimizer::simplify_expressions::ExprSimplifier,
    sql::sqlparser::parser::ParserError,
};
use meshgate_policy::{FilterSource, Grant, RowAccess};

use super::columns::RAW;
use crate::{QueryError, Result};
use attributes::Attributes;

/// The condition under which a row shows; `None` = all show.
pub(super) type RowFilter = Option<Expr>;

/// The functions that a row filter may call.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    use datafusion::functions::{core, string, unicode};
    vec![
        core::coalesce(),
        string::btrim(),
        string::ends_with(),
        string::lower(),
        string::ltrim(),
        string::rtrim(),
        string::starts_with(),
        string::upper(),
        unicode::character_length(),
        unicode::left(),
        unicode::right(),
    ]
}

/// What reads the syntax of those functions.
pub(super) fn expression_planners() -> Vec<Arc<dyn ExprPlanner>> {
    vec![Arc::new(CoreFunctionPlanner::default()), Arc::new(UnicodeFunctionPlanner)]
}

/// The condition under which a row of the raw table shows: any of the permits' filters is true, and none of the
/// forbids' is true or unknown.
pub(super) fn bind(planner: &SessionState, raw: &Schema, grant: &Grant) -> Result<RowFilter> {
    let (any_of, none_of, attributes) = match &grant.rows {
        RowAccess::All => return Ok(None),
        RowAccess::Nothing => return Ok(Some(lit(false))),
        RowAccess::Filtered { any_of, none_of, attributes } => (any_of, none_of, attributes),
    };
    let binder = Binder { planner, raw, attributes };
    let bind = |filter: &FilterSource| binder.bind(filter).map_err(|why| refuse(grant, filter, &why));
    // A filter that needs an attribute which the caller lacks binds to nothing: as a permit it shows no row, as a
    // forbid it hides all.
    let shown = any_of.iter().map(|filter| Ok(bind(filter)?.unwrap_or(lit(false)))).collect::<Result<Vec<_>>>()?;
    let hidden = none_of.iter().map(|filter| Ok(bind(filter)?.unwrap_or(lit(true)))).collect::<Result<Vec<_>>>()?;
    let shown = shown.into_iter().reduce(Expr::or);
    let unhidden = hidden.into_iter().map(|filter| Expr::IsFalse(Box::new(filter)));
    Ok(shown.into_iter().chain(unhidden).reduce(Expr::and))
}

/// Why a filter can't be applied: for the log. It may quote the filter, never a value of the table or the caller.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it does not parse: {0}")]
    Syntax(String),
    #[error("it does not bind to the table's columns")]
    Unbound(#[source] DataFusionError),
    #[error("`principal.{0}` is a list, which stands in `IN` alone")]
    List(String),
    #[error("it is not a condition")]
    NotACondition,
    #[error("{0} could fail on a row; use `try_cast`, or another form")]
    NotTotal(String),
}

impl From<ParserError> for Refusal {
    fn from(error: ParserError) -> Self {
        Self::Syntax(error.to_string())
    }
}

fn refuse(grant: &Grant, filter: &FilterSource, why: &Refusal) -> QueryError {
    let policy = &filter.policy;
    tracing::error!(
        target: "meshgate::policy", table = %grant.table, policy = %policy.id, file = %policy.file.display(),
        filter = %filter.sql, %why, "a row filter can't be applied"
    );
    QueryError::Denied(format!(
        "access to `{}` is not possible: the row filter of policy `{}` can't be applied; ask its owner",
        grant.table, policy.id
    ))
}

struct Binder<'a> {
    planner: &'a SessionState,
    raw: &'a Schema,
    attributes: &'a std::collections::BTreeMap<String, meshgate_catalog::AttributeValue>,
}

impl Binder<'_> {
    /// The filter over the raw columns, coerced, simplified and found to be total. `None` if the caller lacks an
    /// attribute that it needs.
    fn bind(&self, filter: &FilterSource) -> Result<Option<Expr>, Refusal> {
        let dialect = self.planner.config_options().sql_parser.dialect;
        let mut parsed = self
            .planner
            .sql_to_expr_with_alias(&filter.sql, &dialect)
            .map_err(|error| Refusal::Syntax(error.to_string()))?;
        if parsed.alias.is_some() {
            return Err(Refusal::NotACondition);
        }
        let attributes = Attributes::take_out_of(&mut parsed.expr);
        let unbound = |error: DataFusionError| Refusal::Unbound(error);
        let schema = DFSchema::try_from_qualified_schema(RAW, self.raw).map_err(unbound)?;
        let planned = self.planner.create_logical_expr_from_sql_expr(parsed, &schema).map_err(unbound)?;
        let Some(planned) = attributes.fill_in(planned, self.attributes)? else { return Ok(None) };
        let schema = Arc::new(schema);
        let context = SimplifyContext::builder()
            .with_schema(schema.clone())
            .with_config_options(self.planner.config_options().clone())
            .build();
        let simplifier = ExprSimplifier::new(context);
        let coerced = simplifier.coerce(planned, &schema).map_err(unbound)?;
        // Folds casts of literals away, so that what is left to judge is what would run.
        let simple = simplifier.simplify(coerced).map_err(unbound)?;
        total::check_condition(&simple, &schema)?;
        Ok(Some(simple))
    }
}

#[cfg(test)]
mod tests;
