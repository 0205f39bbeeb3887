//! SQL `LIKE` patterns over names.

/// A pattern of literal characters, `%` (any run of characters) and `_` (any one); `\` takes the next one literally.
pub(crate) struct Pattern(Option<Vec<Token>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Any,
}

impl Pattern {
    /// `None` matches everything.
    pub(crate) fn new(pattern: Option<&str>) -> Self {
        Self(pattern.map(|pattern| {
            let mut tokens = Vec::new();
            let mut characters = pattern.chars();
            while let Some(character) = characters.next() {
                tokens.push(match character {
                    '%' => Token::Any,
                    '_' => Token::One,
                    '\\' => Token::Literal(characters.next().unwrap_or('\\')),
                    character => Token::Literal(character),
                });
            }
            tokens
        }))
    }

    /// Whether `name` fits.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let Some(tokens) = &self.0 else { return true };
        let name: Vec<char> = name.chars().collect();
        let (mut token, mut place) = (0, 0);
        // Where to go on after the last `%`, which takes one more character at each return.
        let mut retry: Option<(usize, usize)> = None;
        while place < name.len() {
            match tokens.get(token) {
                Some(Token::Any) => {
                    retry = Some((token + 1, place));
                    token += 1;
                }
                Some(Token::One) => (token, place) = (token + 1, place + 1),
                Some(Token::Literal(literal)) if *literal == name[place] => (token, place) = (token + 1, place + 1),
                _ => match retry {
                    Some((after, from)) => {
                        retry = Some((after, from + 1));
                        (token, place) = (after, from + 1);
                    }
                    None => return false,
                },
            }
        }
        tokens[token..].iter().all(|token| *token == Token::Any)
    }

    /// Whether the pattern says this very name. An unescaped `_` counts as itself: tools seldom escape it.
    pub(crate) fn is_exactly(&self, name: &str) -> bool {
        let Some(tokens) = &self.0 else { return false };
        let literal = |token: &Token| match token {
            Token::Literal(literal) => Some(*literal),
            Token::One => Some('_'),
            Token::Any => None,
        };
        tokens.iter().map(literal).eq(name.chars().map(Some))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_like_does() {
        for (pattern, name, fits) in [
            ("%", "", true),
            ("", "", true),
            ("", "a", false),
            ("f%", "flights", true),
            ("%s", "flights", true),
            ("%li%ts", "flights", true),
            ("%li%x", "flights", false),
            ("f_ights", "flights", true),
            ("f_lights", "flights", false),
            ("a\\_b", "a_b", true),
            ("a\\_b", "axb", false),
            ("%%a%%", "bab", true),
        ] {
            assert_eq!(Pattern::new(Some(pattern)).matches(name), fits, "{pattern} {name}");
        }
        assert!(Pattern::new(None).matches("anything"));
        assert!(Pattern::new(Some("departures_v1")).is_exactly("departures_v1"));
        assert!(!Pattern::new(Some("departures%")).is_exactly("departures_v1"));
    }
}
