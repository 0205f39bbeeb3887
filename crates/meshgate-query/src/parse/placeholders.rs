//! Parameters: every `?` gets the number of its place in the text.

use std::{collections::BTreeMap, ops::ControlFlow};

use datafusion::sql::sqlparser::{
    ast::{Query, Value, ValueWithSpan, VisitMut, VisitorMut},
    tokenizer::Location,
};

use crate::{QueryError, Result};

/// The highest `$n` that a statement may name.
const MOST: usize = 32_767;

/// Rewrites `?` to `$1`, `$2`, … in the order of the text, and answers how many parameters the query takes.
///
/// DataFusion takes every `?` for the same placeholder, so this happens before it sees them.
pub(super) fn number(query: &mut Query) -> Result<usize> {
    let mut found = Found::default();
    if let ControlFlow::Break(error) = query.visit(&mut found) {
        return Err(error);
    }
    match (found.anonymous.is_empty(), found.highest) {
        (true, highest) => Ok(highest),
        (false, 0) => {
            let count = found.anonymous.len();
            for (index, number) in found.anonymous.values_mut().enumerate() {
                *number = index + 1;
            }
            let _: ControlFlow<()> = query.visit(&mut Numbering(found.anonymous));
            Ok(count)
        }
        (false, _) => {
            Err(QueryError::Invalid("`?` and `$n` can't be mixed in one statement; number them all".to_owned()))
        }
    }
}

/// The placeholders of a statement: the anonymous ones by place, for the parser's tree is not always walked in the
/// order of the text.
#[derive(Default)]
struct Found {
    anonymous: BTreeMap<Location, usize>,
    highest: usize,
}

impl VisitorMut for Found {
    type Break = QueryError;

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<QueryError> {
        let Value::Placeholder(name) = &value.value else { return ControlFlow::Continue(()) };
        if name == "?" {
            self.anonymous.insert(value.span.start, 0);
            return ControlFlow::Continue(());
        }
        match name.strip_prefix(['$', '?']).and_then(|number| number.parse::<usize>().ok()) {
            Some(number) if (1..=MOST).contains(&number) => {
                self.highest = self.highest.max(number);
                value.value = Value::Placeholder(format!("${number}"));
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Break(QueryError::Invalid(format!(
                "`{name}` is no parameter: write `?`, or `$1` to `${MOST}`"
            ))),
        }
    }
}

struct Numbering(BTreeMap<Location, usize>);

impl VisitorMut for Numbering {
    type Break = ();

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<()> {
        if let (Value::Placeholder(name), Some(number)) = (&mut value.value, self.0.get(&value.span.start)) {
            *name = format!("${number}");
        }
        ControlFlow::Continue(())
    }
}
