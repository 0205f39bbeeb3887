//! Which of a caller's filters may run below the barrier, beside hidden rows and raw columns.

use std::collections::HashSet;

use datafusion::{
    arrow::datatypes::{DataType, Schema},
    logical_expr::{
        Expr, Operator,
        expr::{Between, InList},
    },
};

/// The columns that show raw, by the schema that the caller sees.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenColumns<'a> {
    pub(super) schema: &'a Schema,
    pub(super) names: &'a HashSet<String>,
}

impl OpenColumns<'_> {
    /// Whether evaluating `filter` on a row tells nothing but its outcome: it can't fail and reads open columns alone.
    ///
    /// An allow-list. A cast, arithmetic or a function could fail on a hidden row; a filter on a masked column would
    /// run on its raw values.
    pub(super) fn admit(&self, filter: &Expr) -> bool {
        use Operator::*;
        match filter {
            Expr::Column(_) | Expr::Literal(..) => {
                self.is_operand(filter) && self.type_of(filter) == Some(DataType::Boolean)
            }
            Expr::BinaryExpr(binary) => match binary.op {
                And | Or => self.admit(&binary.left) && self.admit(&binary.right),
                Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom => {
                    self.are_comparable(&binary.left, &binary.right)
                }
                _ => false,
            },
            Expr::Not(inner)
            | Expr::IsTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsNotUnknown(inner) => self.admit(inner),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => self.is_operand(inner) || self.admit(inner),
            Expr::InList(InList { expr, list, .. }) => {
                self.is_operand(expr)
                    && list.iter().all(|item| matches!(item, Expr::Literal(..)) && self.are_comparable(expr, item))
            }
            Expr::Between(Between { expr, low, high, .. }) => [low, high]
                .iter()
                .all(|bound| matches!(bound.as_ref(), Expr::Literal(..)) && self.are_comparable(expr, bound)),
            _ => false,
        }
    }

    fn are_comparable(&self, left: &Expr, right: &Expr) -> bool {
        let (Some(left_type), Some(right_type)) = (self.type_of(left), self.type_of(right)) else { return false };
        self.is_operand(left)
            && self.is_operand(right)
            && (left_type == right_type || (is_text(&left_type) && is_text(&right_type)))
    }

    fn is_operand(&self, expression: &Expr) -> bool {
        let known = match expression {
            Expr::Column(column) => self.names.contains(&column.name),
            Expr::Literal(..) => true,
            _ => false,
        };
        known && self.type_of(expression).is_some_and(|data_type| is_simple(&data_type))
    }

    fn type_of(&self, expression: &Expr) -> Option<DataType> {
        match expression {
            Expr::Column(column) => {
                self.schema.field_with_name(&column.name).ok().map(|field| field.data_type().clone())
            }
            Expr::Literal(value, _) => Some(value.data_type()),
            _ => None,
        }
    }
}

/// Types whose comparison with their own kind can't fail.
pub(super) fn is_simple(data_type: &DataType) -> bool {
    use DataType::*;
    data_type.is_primitive()
        || is_text(data_type)
        || matches!(data_type, Null | Boolean | Binary | LargeBinary | BinaryView)
}

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
