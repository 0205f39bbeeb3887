//! Which conditions can't fail, whatever a row holds.
//!
//! A row filter runs on hidden rows: if it could fail there, that a query fails would tell of them.

use datafusion::{
    arrow::datatypes::DataType,
    common::DFSchema,
    logical_expr::{
        Cast, Expr, ExprSchemable, Operator, TryCast,
        expr::{Between, Case, InList, Like, ScalarFunction},
    },
};

use super::Refusal;
use crate::secure::leakproof::{is_simple, is_text};

/// The longest `LIKE` pattern, in bytes. A pattern is a literal, so one that is too large fails whatever a row holds;
/// this keeps it from failing at all.
const LONGEST_PATTERN: usize = 1_000;

/// Checks a filter as it would run, after type coercion.
pub(super) fn check_condition(filter: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
    match filter.get_type(schema).map_err(Refusal::Unbound)? {
        DataType::Boolean => check(filter, schema),
        // `NULL` alone, as simplification may leave it.
        DataType::Null => Ok(()),
        _ => Err(Refusal::NotACondition),
    }
}

/// An allow-list: what a future version of the engine adds is refused until it is looked at.
fn check(expression: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
    use Operator::*;
    let all = |parts: &[&Expr]| parts.iter().try_for_each(|part| check(part, schema));
    let is_total = match expression {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(binary) => {
            all(&[&binary.left, &binary.right])?;
            match binary.op {
                And | Or => true,
                Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom => {
                    are_comparable(&binary.left, &binary.right, schema)?
                }
                _ => false,
            }
        }
        Expr::Not(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner)
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner) => {
            all(&[inner])?;
            true
        }
        Expr::Between(Between { expr, low, high, .. }) => {
            all(&[expr, low, high])?;
            are_comparable(expr, low, schema)? && are_comparable(expr, high, schema)?
        }
        Expr::InList(InList { expr, list, .. }) => {
            all(&[expr])?;
            let mut is_total = true;
            for item in list {
                is_total &= matches!(item, Expr::Literal(..)) && are_comparable(expr, item, schema)?;
            }
            is_total
        }
        Expr::Like(Like { expr, pattern, .. }) => {
            all(&[expr])?;
            is_text(&type_of(expr, schema)?) && is_short_text(pattern)
        }
        Expr::Case(Case { expr, when_then_expr, else_expr }) => {
            let branches = when_then_expr.iter().flat_map(|(when, then)| [when, then]);
            branches.chain(expr).chain(else_expr).try_for_each(|part| check(part, schema))?;
            // With an operand it compares; without one the conditions are Booleans.
            expr.is_none()
        }
        Expr::Cast(Cast { expr, field }) => {
            all(&[expr])?;
            is_widening(&type_of(expr, schema)?, field.data_type())
        }
        Expr::TryCast(TryCast { expr, field }) => {
            all(&[expr])?;
            is_tried_safely(&type_of(expr, schema)?, field.data_type())
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            all(&args.iter().collect::<Vec<_>>())?;
            match func.name() {
                "btrim" | "character_length" | "coalesce" | "ends_with" | "lower" | "ltrim" | "rtrim"
                | "starts_with" | "upper" => true,
                "left" | "right" => matches!(args.as_slice(), [_, Expr::Literal(..)]),
                _ => false,
            }
        }
        _ => false,
    };
    match is_total {
        true => Ok(()),
        false => Err(Refusal::NotTotal(describe(expression))),
    }
}

/// What stands at fault, without the caller's attribute values, which by now are literals in it.
fn describe(expression: &Expr) -> String {
    match expression {
        Expr::BinaryExpr(binary) => format!("`{}` between these types", binary.op),
        Expr::Cast(cast) => format!("a cast to {}", cast.field.data_type()),
        Expr::TryCast(cast) => format!("a `try_cast` to {}", cast.field.data_type()),
        Expr::ScalarFunction(function) => format!("the function `{}`", function.func.name()),
        Expr::Like(_) => "a `LIKE` without a literal pattern".to_owned(),
        Expr::InList(_) | Expr::Between(_) => "a comparison between these types".to_owned(),
        other => format!("an expression of the kind `{}`", other.variant_name()),
    }
}

fn type_of(expression: &Expr, schema: &DFSchema) -> Result<DataType, Refusal> {
    expression.get_type(schema).map_err(Refusal::Unbound)
}

fn are_comparable(left: &Expr, right: &Expr, schema: &DFSchema) -> Result<bool, Refusal> {
    let (left, right) = (type_of(left, schema)?, type_of(right, schema)?);
    let null = DataType::Null;
    Ok(is_simple(&left) && is_simple(&right) && (left == right || left == null || right == null))
}

fn is_short_text(pattern: &Expr) -> bool {
    match pattern {
        Expr::Literal(value, _) => {
            value.is_null() || value.try_as_str().flatten().is_some_and(|text| text.len() <= LONGEST_PATTERN)
        }
        _ => false,
    }
}

/// Casts that have an answer for every value. They keep each, but for 64-bit integers and decimals as floats, which
/// compare rounded, as they do everywhere in SQL.
fn is_widening(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    if from == to || *from == Null {
        return true;
    }
    if is_text(from) && is_text(to) {
        // 64-bit offsets may not fit into 32 bits.
        return !(*from == LargeUtf8 && *to == Utf8);
    }
    match (from, to) {
        (Int8, Int16 | Int32 | Int64)
        | (Int16, Int32 | Int64)
        | (Int32, Int64)
        | (UInt8, UInt16 | UInt32 | UInt64 | Int16 | Int32 | Int64)
        | (UInt16, UInt32 | UInt64 | Int32 | Int64)
        | (UInt32, UInt64 | Int64)
        | (Int8 | Int16 | UInt8 | UInt16, Float32 | Float64)
        | (Int32 | UInt32 | Int64 | UInt64 | Float32 | Decimal128(..), Float64) => true,
        (Decimal128(precision, scale), Decimal128(wider, finer)) => {
            let whole = |precision: &u8, scale: &i8| i16::from(*precision) - i16::from(*scale);
            finer >= scale && whole(wider, finer) >= whole(precision, scale)
        }
        (_, Decimal128(precision, scale)) => match (digits(from), u8::try_from(*scale)) {
            (Some(digits), Ok(scale)) => precision.saturating_sub(scale) >= digits,
            _ => false,
        },
        _ => false,
    }
}

/// The most decimal digits that an integer of that type has.
fn digits(integer: &DataType) -> Option<u8> {
    use DataType::*;
    Some(match integer {
        Int8 | UInt8 => 3,
        Int16 | UInt16 => 5,
        Int32 | UInt32 => 10,
        Int64 => 19,
        UInt64 => 20,
        _ => return None,
    })
}

/// Casts whose failures become NULL, every one of them. Casts from dates and timestamps are none: a value out of the
/// calendar's range fails even a `try_cast`.
fn is_tried_safely(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    let is_number =
        |data_type: &DataType| data_type.is_integer() || matches!(data_type, Float32 | Float64 | Decimal128(..));
    match to {
        _ if is_widening(from, to) => true,
        Utf8 | Utf8View => is_number(from) || *from == Boolean,
        Boolean => is_text(from) || is_number(from),
        Date32 | Timestamp(_, None) | Time32(_) | Time64(_) => is_text(from),
        _ => is_number(to) && (is_text(from) || is_number(from) || *from == Boolean),
    }
}
