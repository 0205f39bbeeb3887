//! `principal.<attribute>` in a row filter.

use std::{collections::BTreeMap, ops::ControlFlow};

use datafusion::{
    common::{
        ScalarValue,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{Expr, expr::InList, lit},
    sql::sqlparser::ast::{Expr as SqlExpr, Value, visit_expressions_mut},
};
use meshgate_catalog::AttributeValue;

use super::Refusal;

/// The attributes that a filter names, by the placeholder that stands for each.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    names: Vec<String>,
}

const PRINCIPAL: &str = "principal";
const PREFIX: &str = "$principal_attribute_";

impl Attributes {
    /// Puts a placeholder where `principal.<attribute>` stands, so that it never resolves to a column. The attribute
    /// is named as written, whatever its case.
    pub(super) fn take_out_of(filter: &mut SqlExpr) -> Self {
        let mut attributes = Self::default();
        let _ = visit_expressions_mut(filter, |expression| {
            if let SqlExpr::CompoundIdentifier(parts) = expression
                && let [principal, attribute] = parts.as_slice()
                && principal.value.eq_ignore_ascii_case(PRINCIPAL)
            {
                let placeholder = format!("{PREFIX}{}", attributes.names.len());
                attributes.names.push(attribute.value.clone());
                *expression = SqlExpr::Value(Value::Placeholder(placeholder).into());
            }
            ControlFlow::<()>::Continue(())
        });
        attributes
    }

    /// Puts the caller's values in. `None` if one is absent.
    pub(super) fn fill_in(
        &self,
        filter: Expr,
        values: &BTreeMap<String, AttributeValue>,
    ) -> Result<Option<Expr>, Refusal> {
        if self.names.iter().any(|name| !values.contains_key(name)) {
            return Ok(None);
        }
        let expanded = filter.transform_up(|expression| Ok(self.expand_list(expression, values)));
        let filled = expanded.data().map_err(Refusal::Unbound)?.transform_up(|expression| {
            Ok(match self.scalar(&expression, values) {
                Some(value) => Transformed::yes(Expr::Literal(value, None)),
                None => Transformed::no(expression),
            })
        });
        let filled = filled.data().map_err(Refusal::Unbound)?;
        match self.left_over(&filled) {
            Some(name) => Err(Refusal::List(name)),
            None => Ok(Some(filled)),
        }
    }

    /// `column IN (principal.<list>)` means any of the list's items.
    fn expand_list(&self, expression: Expr, values: &BTreeMap<String, AttributeValue>) -> Transformed<Expr> {
        let Expr::InList(InList { expr, list, negated }) = expression else { return Transformed::no(expression) };
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            match self.value(&item, values) {
                Some(AttributeValue::Strings(texts)) => items.extend(texts.iter().map(|text| lit(text.as_str()))),
                _ => items.push(item),
            }
        }
        Transformed::yes(match items.is_empty() {
            true => lit(negated),
            false => Expr::InList(InList { expr, list: items, negated }),
        })
    }

    fn scalar(&self, expression: &Expr, values: &BTreeMap<String, AttributeValue>) -> Option<ScalarValue> {
        match self.value(expression, values)? {
            AttributeValue::Boolean(value) => Some(ScalarValue::Boolean(Some(*value))),
            AttributeValue::Integer(value) => Some(ScalarValue::Int64(Some(*value))),
            AttributeValue::String(value) => Some(ScalarValue::Utf8(Some(value.clone()))),
            AttributeValue::Strings(_) => None,
        }
    }

    fn value<'a>(&self, expression: &Expr, values: &'a BTreeMap<String, AttributeValue>) -> Option<&'a AttributeValue> {
        values.get(self.name(expression)?)
    }

    fn name(&self, expression: &Expr) -> Option<&str> {
        let Expr::Placeholder(placeholder) = expression else { return None };
        let index: usize = placeholder.id.strip_prefix(PREFIX)?.parse().ok()?;
        self.names.get(index).map(String::as_str)
    }

    fn left_over(&self, filter: &Expr) -> Option<String> {
        let mut left_over = None;
        let _ = filter.apply(|expression| {
            left_over = self.name(expression).map(str::to_owned);
            Ok(if left_over.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        });
        left_over
    }
}
