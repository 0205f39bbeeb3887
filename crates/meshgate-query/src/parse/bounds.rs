//! How large a statement may be. Parsing, planning and dropping a statement recurse over it, and a stack that
//! overflows ends the process, so what could nest is counted before anything recurses.

use datafusion::sql::sqlparser::{
    dialect::GenericDialect,
    keywords::Keyword,
    tokenizer::{Token, Tokenizer},
};

use crate::{QueryError, Result};

/// The longest statement, in bytes.
const LONGEST: usize = 1 << 20;
/// The longest text literal, in bytes: some functions parse theirs, type names for instance.
const LONGEST_LITERAL: usize = 64 << 10;
/// The most operators, brackets and keywords. Each may nest the next one, or chain it, which the parser nests too.
/// In debug builds the greediest (nested `struct<…>` types, two of these a level) overflow 2 MiB of stack at some 250
/// levels: on the engine's stacks that leaves a margin of three.
const MOST_NESTING: usize = 8_000;

/// Refuses a statement that is too large.
pub(super) fn check(sql: &str) -> Result<()> {
    if sql.len() > LONGEST {
        return Err(too_large(&format!("is longer than {} KiB", LONGEST >> 10)));
    }
    // What is no SQL at all is the parser's to say.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    let mut nesting = 0;
    for token in &tokens {
        match token {
            Token::Whitespace(_) | Token::Comma | Token::Period | Token::SemiColon | Token::EOF => {}
            Token::Number(..) | Token::Placeholder(_) | Token::Char(_) => {}
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
                if text.len() > LONGEST_LITERAL {
                    return Err(too_large(&format!("holds a text of more than {} KiB", LONGEST_LITERAL >> 10)));
                }
            }
            Token::Word(word) if word.keyword == Keyword::NoKeyword => {}
            _ => nesting += 1,
        }
    }
    if nesting > MOST_NESTING {
        return Err(too_large(&format!("holds {nesting} operators, brackets and keywords, more than {MOST_NESTING}")));
    }
    Ok(())
}

fn too_large(why: &str) -> QueryError {
    QueryError::Invalid(format!("the statement {why}; send it in parts, or as values of an `IN` list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_pass_and_deep_nests_do_not() {
        let list = (0..50_000).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
        assert!(check(&format!("SELECT 1 WHERE 1 IN ({list})")).is_ok());
        for deep in [
            "explain ".repeat(20_000),
            format!("SELECT {}1", "1 + ".repeat(20_000)),
            format!("SELECT NULL::{}int", "struct<a ".repeat(9_000)),
            format!("SELECT NULL::int{}", "[]".repeat(9_000)),
            format!("SELECT arrow_cast(1, '{}')", "List(".repeat(20_000)),
            " ".repeat(2 << 20),
        ] {
            assert!(matches!(check(&deep), Err(QueryError::Invalid(_))), "{}", &deep[..40]);
        }
    }
}
