//! The allow-list: which expressions have an answer for every row.

use std::{collections::BTreeSet, fmt};

use meshgate_catalog::{LogicalType, Table, nearest};
use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectNamePart, UnaryOperator, Value,
};

use super::{
    RowFilterError,
    date::{is_date, is_date_or_timestamp},
    functions::{Argument, FUNCTIONS},
};
use crate::attributes::{AttributeType, AttributeTypes};

/// The type of an expression, as coarse as comparability needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    Number,
    Text,
    Date,
    Time,
    List,
    Nested,
    /// NULL, or a name whose type is unknown without a table.
    Any,
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Kind::Truth => "a truth value",
            Kind::Number => "a number",
            Kind::Text => "text",
            Kind::Date => "a date or timestamp",
            Kind::Time => "a time of day",
            Kind::List => "a list",
            Kind::Nested => "a nested value",
            Kind::Any => "unknown",
        })
    }
}

/// In bytes, so that the pattern itself never fails.
const LONGEST_PATTERN: usize = 1_000;

/// Walks an expression; without a table or known attributes, their names are collected and their types unknown.
#[derive(Default)]
pub(super) struct Checker<'a> {
    pub(super) table: Option<&'a Table>,
    pub(super) known_attributes: Option<&'a AttributeTypes>,
    pub(super) columns: BTreeSet<String>,
    pub(super) attributes: BTreeSet<String>,
}

impl Checker<'_> {
    /// Whether that is a condition that cannot fail.
    pub(super) fn check(&mut self, expr: &Expr) -> Result<(), RowFilterError> {
        self.truth(expr)
    }

    fn kind(&mut self, expr: &Expr) -> Result<Kind, RowFilterError> {
        match expr {
            Expr::Nested(inner) => self.kind(inner),
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) => self.attribute(parts, expr),
            Expr::Value(value) => literal(&value.value, expr),
            Expr::TypedString(typed) if !typed.uses_odbc_syntax => {
                let text = match &typed.value.value {
                    Value::SingleQuotedString(text) => text.as_str(),
                    _ => return Err(refused(expr)),
                };
                let valid = match &typed.data_type {
                    DataType::Date => is_date(text),
                    DataType::Timestamp(None, sqlparser::ast::TimezoneInfo::None) => is_date_or_timestamp(text),
                    _ => return Err(refused(expr)),
                };
                if valid { Ok(Kind::Date) } else { Err(bad_date(text)) }
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => self.truth(expr).map(|()| Kind::Truth),
            Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr: operand } => match operand.as_ref() {
                Expr::Value(value) if matches!(value.value, Value::Number(..)) => self.kind(operand),
                _ => Err(refused(expr)),
            },
            Expr::BinaryOp { op, .. } => self.binary(expr, op),
            Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.truth(inner).map(|()| Kind::Truth),
            Expr::IsNull(inner) | Expr::IsNotNull(inner) => self.kind(inner).map(|_| Kind::Truth),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => self.compare(left, right),
            Expr::InList { expr: value, list, .. } => {
                for candidate in list {
                    self.member(value, candidate)?;
                }
                Ok(Kind::Truth)
            }
            Expr::Between { expr: value, low, high, .. } => {
                self.compare(value, low)?;
                self.compare(value, high)
            }
            Expr::Like { any: false, expr: value, pattern, escape_char: None, .. }
            | Expr::ILike { any: false, expr: value, pattern, escape_char: None, .. } => self.like(value, pattern),
            Expr::Cast { kind: CastKind::TryCast, expr: value, data_type, array: false, format: None } => {
                match self.kind(value)? {
                    Kind::List | Kind::Nested => Err(refused(expr)),
                    // Out of the calendar's range, the engine's cast fails even when it is only tried.
                    Kind::Date | Kind::Time => Err(RowFilterError {
                        message: format!("`{expr}` can fail on a date that no calendar has"),
                        hint: Some("compare with a literal, for instance `day >= DATE '2013-01-31'`".into()),
                    }),
                    _ => kind_of_type(data_type).ok_or_else(|| refused(expr)),
                }
            }
            Expr::Cast { .. } | Expr::Convert { .. } => Err(RowFilterError {
                message: format!("`{expr}` can fail on a row, and its error would tell what the row holds"),
                hint: Some("use `try_cast(… AS …)`, which is NULL instead".into()),
            }),
            Expr::Trim { trim_where: _, trim_what, expr: value, trim_characters: None } => {
                if let Some(characters) = trim_what {
                    self.expect(characters, Kind::Text)?;
                }
                self.expect(value, Kind::Text)?;
                Ok(Kind::Text)
            }
            Expr::Case { operand: None, conditions, else_result, .. } => {
                for when in conditions {
                    self.truth(&when.condition)?;
                }
                self.same(conditions.iter().map(|when| &when.result).chain(else_result.as_deref()))
            }
            Expr::Function(function) => self.function(function, expr),
            _ => Err(refused(expr)),
        }
    }

    fn column(&mut self, ident: &Ident) -> Result<Kind, RowFilterError> {
        let name = folded(ident);
        self.columns.insert(name.clone());
        let Some(table) = self.table else { return Ok(Kind::Any) };
        let Some(column) = table.column(&name) else {
            let same_letters = table.columns.iter().find(|column| column.name.eq_ignore_ascii_case(&name));
            let near = nearest(&name, table.columns.iter().map(|column| column.name.as_str()));
            let hint = match (same_letters, near) {
                (Some(column), _) => Some(format!("did you mean `\"{}\"`, in double quotes?", column.name)),
                (None, Some(near)) => Some(format!("did you mean `{near}`?")),
                (None, None) => Some("name a column of the contract, or narrow the policy's scope".into()),
            };
            let message = format!("the row filter speaks of the unknown column `{name}`");
            return Err(RowFilterError { message, hint });
        };
        Ok(match column.logical_type {
            LogicalType::String => Kind::Text,
            LogicalType::Number | LogicalType::Integer => Kind::Number,
            LogicalType::Boolean => Kind::Truth,
            LogicalType::Date | LogicalType::Timestamp => Kind::Date,
            LogicalType::Time => Kind::Time,
            LogicalType::Array => Kind::List,
            _ => Kind::Nested,
        })
    }

    fn attribute(&mut self, parts: &[Ident], expr: &Expr) -> Result<Kind, RowFilterError> {
        let [scope, name] = parts else { return Err(unknown_path(expr)) };
        if folded(scope) != "principal" {
            return Err(unknown_path(expr));
        }
        let name = name.value.clone();
        self.attributes.insert(name.clone());
        let Some(known) = self.known_attributes else { return Ok(Kind::Any) };
        match known.get(&name) {
            Some(AttributeType::Boolean) => Ok(Kind::Truth),
            Some(AttributeType::Integer) => Ok(Kind::Number),
            Some(AttributeType::String) => Ok(Kind::Text),
            Some(AttributeType::Strings) => Ok(Kind::List),
            None => Err(RowFilterError {
                message: format!("the row filter speaks of `principal.{name}`, an attribute that no user has"),
                hint: Some(match nearest(&name, known.names()) {
                    Some(near) => format!("did you mean `principal.{near}`?"),
                    None => "give users the attribute".into(),
                }),
            }),
        }
    }

    fn binary(&mut self, expr: &Expr, op: &BinaryOperator) -> Result<Kind, RowFilterError> {
        match op {
            // A chain of them leans left, as deep as it is long.
            BinaryOperator::And | BinaryOperator::Or => {
                let mut rest = expr;
                while let Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } = rest {
                    self.truth(right)?;
                    rest = left;
                }
                self.truth(rest)?;
                Ok(Kind::Truth)
            }
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => match expr {
                Expr::BinaryOp { left, right, .. } => self.compare(left, right),
                _ => Err(refused(expr)),
            },
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => Err(RowFilterError {
                message: format!("`{expr}` can fail on a row (overflow, division by zero), and so tell what it holds"),
                hint: Some("compare columns with literals and attributes, without arithmetic".into()),
            }),
            _ => Err(refused(expr)),
        }
    }

    fn truth(&mut self, expr: &Expr) -> Result<(), RowFilterError> {
        match self.kind(expr)? {
            Kind::Truth | Kind::Any => Ok(()),
            kind => Err(RowFilterError {
                message: format!("`{expr}` is {kind} where the row filter needs a condition"),
                hint: Some("compare it with something".into()),
            }),
        }
    }

    fn expect(&mut self, expr: &Expr, expected: Kind) -> Result<(), RowFilterError> {
        let kind = self.kind(expr)?;
        if kind == expected || kind == Kind::Any {
            return Ok(());
        }
        let hint = match (kind, expected) {
            (Kind::List, _) => "a list stands in `… IN (principal.<list>)`".into(),
            _ => format!("`try_cast(… AS …)` makes {expected} of it, or NULL"),
        };
        Err(RowFilterError {
            message: format!("`{expr}` is {kind} where the row filter needs {expected}"),
            hint: Some(hint),
        })
    }

    /// Both sides are of one type, so that the engine adds no cast that could fail.
    fn compare(&mut self, left: &Expr, right: &Expr) -> Result<Kind, RowFilterError> {
        let (left_kind, right_kind) = (self.kind(left)?, self.kind(right)?);
        for (expr, kind) in [(left, left_kind), (right, right_kind)] {
            if kind == Kind::List {
                return self.expect(expr, Kind::Text).map(|()| Kind::Truth);
            }
            if kind == Kind::Nested {
                return Err(refused(expr));
            }
        }
        for (kind, other) in [(left_kind, right), (right_kind, left)] {
            if let (Kind::Date, Some(text)) = (kind, text_literal(other)) {
                return if is_date_or_timestamp(text) { Ok(Kind::Truth) } else { Err(bad_date(text)) };
            }
        }
        if left_kind == right_kind || left_kind == Kind::Any || right_kind == Kind::Any {
            return Ok(Kind::Truth);
        }
        Err(RowFilterError {
            message: format!(
                "`{left}` is {left_kind} and `{right}` is {right_kind}: comparing them takes a cast, which can fail \
                 on a row"
            ),
            hint: Some("compare values of one type, or use `try_cast(… AS …)`".into()),
        })
    }

    /// `IN` takes literals and attributes, lists of them too.
    fn member(&mut self, value: &Expr, candidate: &Expr) -> Result<(), RowFilterError> {
        let is_attribute = matches!(candidate, Expr::CompoundIdentifier(_));
        if is_attribute && self.kind(candidate)? == Kind::List {
            return self.expect(value, Kind::Text);
        }
        let is_literal = match candidate {
            Expr::Value(_) | Expr::TypedString(_) => true,
            Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, .. } => true,
            _ => is_attribute,
        };
        match is_literal {
            true => self.compare(value, candidate).map(|_| ()),
            false => Err(RowFilterError {
                message: format!("`{candidate}` can't stand in IN"),
                hint: Some("write literals and `principal.<attribute>` there, and `=` with OR for the rest".into()),
            }),
        }
    }

    fn like(&mut self, value: &Expr, pattern: &Expr) -> Result<Kind, RowFilterError> {
        if text_literal(pattern).is_none_or(|pattern| pattern.ends_with('\\') || pattern.len() > LONGEST_PATTERN) {
            return Err(RowFilterError {
                message: format!("`{pattern}` is no pattern that a row filter may use"),
                hint: Some("write the pattern of LIKE as a short text literal that does not end in a backslash".into()),
            });
        }
        self.expect(value, Kind::Text)?;
        Ok(Kind::Truth)
    }

    /// The one type that all of them have.
    fn same<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<Kind, RowFilterError> {
        let mut common: Option<(Kind, &Expr)> = None;
        for expr in exprs {
            let kind = self.kind(expr)?;
            match common {
                _ if kind == Kind::Any => {}
                None => common = Some((kind, expr)),
                Some((first, _)) if first == kind => {}
                Some((_, first)) => return self.compare(first, expr),
            }
        }
        Ok(common.map_or(Kind::Any, |(kind, _)| kind))
    }

    fn function(&mut self, function: &Function, expr: &Expr) -> Result<Kind, RowFilterError> {
        let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else { return Err(refused(expr)) };
        let name = folded(name);
        let Some(signature) = FUNCTIONS.iter().find(|signature| signature.name == name) else {
            let near = nearest(&name, FUNCTIONS.iter().map(|signature| signature.name));
            let allowed = FUNCTIONS.iter().map(|signature| signature.name).collect::<Vec<_>>().join(", ");
            return Err(RowFilterError {
                message: format!("`{name}` is no function that a row filter may use"),
                hint: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("those that have an answer for every row are {allowed}, trim"),
                }),
            });
        };
        let plain = !function.uses_odbc_syntax
            && function.parameters == FunctionArguments::None
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.over.is_none()
            && function.within_group.is_empty();
        let FunctionArguments::List(list) = &function.args else { return Err(refused(expr)) };
        if !plain || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
            return Err(refused(expr));
        }
        let mut arguments = Vec::with_capacity(list.args.len());
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => arguments.push(argument),
                _ => return Err(refused(expr)),
            }
        }
        let (most, least) = (signature.arguments.len(), signature.arguments.len() - signature.optional);
        let is_variadic = signature.result.is_none();
        if arguments.len() < least || (arguments.len() > most && !is_variadic) {
            return Err(RowFilterError {
                message: format!("`{name}` does not take {} arguments", arguments.len()),
                hint: Some(if least == most {
                    format!("it takes {most}")
                } else {
                    format!("it takes {least} to {most}")
                }),
            });
        }
        if is_variadic {
            return match self.same(arguments)? {
                Kind::List | Kind::Nested => Err(refused(expr)),
                kind => Ok(kind),
            };
        }
        for (argument, expected) in arguments.into_iter().zip(signature.arguments) {
            match expected {
                Argument::Text | Argument::Same => self.expect(argument, Kind::Text)?,
                Argument::Count if is_whole_number(argument) => {}
                Argument::Count => {
                    return Err(RowFilterError {
                        message: format!("`{argument}` is no whole number where `{name}` needs one"),
                        hint: Some("write it out, for instance `3`".into()),
                    });
                }
            }
        }
        Ok(signature.result.unwrap_or(Kind::Any))
    }
}

/// A name as the engine reads it.
fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

fn literal(value: &Value, expr: &Expr) -> Result<Kind, RowFilterError> {
    match value {
        Value::Null => Ok(Kind::Any),
        Value::Boolean(_) => Ok(Kind::Truth),
        Value::SingleQuotedString(_) => Ok(Kind::Text),
        Value::Number(digits, false) if digits.parse::<f64>().is_ok_and(f64::is_finite) => Ok(Kind::Number),
        _ => Err(refused(expr)),
    }
}

fn is_whole_number(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(&value.value, Value::Number(digits, false) if digits.parse::<u32>().is_ok()),
        _ => false,
    }
}

fn text_literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Nested(inner) => text_literal(inner),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn kind_of_type(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Varchar(None) | DataType::Text | DataType::String(None) | DataType::Char(None) => Some(Kind::Text),
        DataType::TinyInt(None)
        | DataType::SmallInt(None)
        | DataType::Int(None)
        | DataType::Integer(None)
        | DataType::BigInt(None)
        | DataType::Real
        | DataType::Float(_)
        | DataType::Double(_)
        | DataType::DoublePrecision
        | DataType::Decimal(_)
        | DataType::Numeric(_) => Some(Kind::Number),
        DataType::Boolean | DataType::Bool => Some(Kind::Truth),
        DataType::Date | DataType::Timestamp(..) => Some(Kind::Date),
        DataType::Time(..) => Some(Kind::Time),
        _ => None,
    }
}

fn refused(expr: &Expr) -> RowFilterError {
    RowFilterError {
        message: format!("a row filter can't hold `{expr}`"),
        hint: Some(
            "it takes columns, literals, `principal.<attribute>`, comparisons, AND, OR, NOT, IS, IN, BETWEEN, LIKE, \
             CASE WHEN, try_cast"
                .into(),
        ),
    }
}

fn unknown_path(expr: &Expr) -> RowFilterError {
    RowFilterError {
        message: format!("a row filter can't hold `{expr}`"),
        hint: Some("write a column by its name alone, an attribute of the caller as `principal.<attribute>`".into()),
    }
}

fn bad_date(text: &str) -> RowFilterError {
    RowFilterError {
        message: format!("`{text}` is no date or timestamp"),
        hint: Some("write `2013-01-31` or `2013-01-31 23:59:59`".into()),
    }
}
