//! A statement's parameters: which there are, of which type, and their values.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef},
    common::{
        ParamValues, ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Cast, Expr, LogicalPlan},
};

use crate::{QueryError, Result, message::Telling};

/// The parameters of `plan`, `$1` first: nullable, of the type that the statement tells, `Utf8` where it tells none.
pub(crate) fn fields(plan: &LogicalPlan, count: usize, telling: &Telling) -> Result<Vec<FieldRef>> {
    let types = inferred(plan, count, telling)?;
    Ok(types
        .into_iter()
        .enumerate()
        .map(|(index, inferred)| {
            Arc::new(Field::new(format!("${}", index + 1), inferred.unwrap_or(DataType::Utf8), true))
        })
        .collect())
}

/// Puts `values` in their places, cast to the types that the statement tells. A parameter of no told type keeps the
/// type of its value.
pub(crate) fn bind(plan: LogicalPlan, count: usize, values: &[ScalarValue], telling: &Telling) -> Result<LogicalPlan> {
    if values.len() < count {
        return Err(QueryError::Invalid(format!(
            "parameter `${}` has no value: the statement takes {count}, {} came",
            values.len() + 1,
            values.len()
        )));
    }
    if values.len() > count {
        return Err(QueryError::Invalid(format!(
            "there is no parameter `${}`: the statement takes {count}, {} came",
            count + 1,
            values.len()
        )));
    }
    if count == 0 {
        return Ok(plan);
    }
    let types = inferred(&plan, count, telling)?;
    let cast = values
        .iter()
        .zip(types)
        .enumerate()
        .map(|(index, (value, inferred))| match inferred {
            Some(inferred) if inferred != value.data_type() => value.cast_to(&inferred).map_err(|_| {
                QueryError::Invalid(format!(
                    "parameter `${}` takes {inferred}: the value of type {} does not fit",
                    index + 1,
                    value.data_type()
                ))
            }),
            _ => Ok(value.clone()),
        })
        .collect::<Result<Vec<_>>>()?;
    replace(plan, cast, telling)
}

/// The plan with NULL for every parameter: it has the types and the nullability that any values give.
pub(crate) fn bind_nulls(
    plan: LogicalPlan,
    types: impl Iterator<Item = DataType>,
    telling: &Telling,
) -> Result<LogicalPlan> {
    let nulls = types
        .map(|data_type| ScalarValue::try_from(&data_type))
        .collect::<datafusion::error::Result<Vec<_>>>()
        .map_err(|error| telling.planning(&error))?;
    replace(plan, nulls, telling)
}

fn replace(plan: LogicalPlan, values: Vec<ScalarValue>, telling: &Telling) -> Result<LogicalPlan> {
    if values.is_empty() {
        return Ok(plan);
    }
    plan.with_param_values(ParamValues::from(values)).map_err(|error| telling.planning(&error))
}

/// The types that the statement tells of its parameters, `$1` first.
pub(crate) fn inferred(plan: &LogicalPlan, count: usize, telling: &Telling) -> Result<Vec<Option<DataType>>> {
    let mut types = vec![None; count];
    for (name, told) in plan.get_parameter_types().map_err(|error| telling.planning(&error))? {
        if let Some(place) = place_of(&name).and_then(|place| types.get_mut(place)) {
            *place = told.filter(|told| *told != DataType::Null);
        }
    }
    for (place, told) in told_by_place(plan, telling)? {
        if let Some(place) = types.get_mut(place) {
            place.get_or_insert(told);
        }
    }
    Ok(types)
}

/// The parameters, from 0, whose place tells a type that the engine does not: alone in a LIMIT or OFFSET, which take
/// integers, and alone under a cast.
fn told_by_place(plan: &LogicalPlan, telling: &Telling) -> Result<Vec<(usize, DataType)>> {
    let mut places = Vec::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            let counts = [&limit.skip, &limit.fetch].into_iter().flatten();
            places.extend(counts.filter_map(|count| Some((place(count)?, DataType::Int64))));
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Cast(Cast { expr, field }) = part {
                    places.extend(place(expr).map(|place| (place, field.data_type().clone())));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map_err(|error| telling.planning(&error))?;
    Ok(places)
}

/// The number, from 0, of an expression that is a parameter and nothing else.
fn place(expression: &Expr) -> Option<usize> {
    let Expr::Placeholder(placeholder) = expression else { return None };
    place_of(&placeholder.id)
}

/// The number, from 0, of the parameter `$n`.
fn place_of(name: &str) -> Option<usize> {
    name.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}
