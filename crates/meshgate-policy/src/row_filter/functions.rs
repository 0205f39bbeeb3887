//! The functions that a row filter may call.

use super::check::Kind;

/// What an argument of a function may be.
#[derive(Clone, Copy)]
pub(super) enum Argument {
    Text,
    /// A whole number, written out.
    Count,
    /// Any one type, the same for all arguments; the function's result has it too.
    Same,
}

pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) arguments: &'static [Argument],
    /// How many arguments may be left out, from the end.
    pub(super) optional: usize,
    /// `None` = the type of the arguments, of which there may be any number.
    pub(super) result: Option<Kind>,
}

/// Functions of the engine that have an answer for every value of their argument types.
pub(super) const FUNCTIONS: [Signature; 13] = {
    use Argument::{Count, Same, Text};
    const fn of(
        name: &'static str,
        arguments: &'static [Argument],
        optional: usize,
        result: Option<Kind>,
    ) -> Signature {
        Signature { name, arguments, optional, result }
    }
    [
        of("lower", &[Text], 0, Some(Kind::Text)),
        of("upper", &[Text], 0, Some(Kind::Text)),
        of("btrim", &[Text, Text], 1, Some(Kind::Text)),
        of("ltrim", &[Text, Text], 1, Some(Kind::Text)),
        of("rtrim", &[Text, Text], 1, Some(Kind::Text)),
        of("left", &[Text, Count], 0, Some(Kind::Text)),
        of("right", &[Text, Count], 0, Some(Kind::Text)),
        of("length", &[Text], 0, Some(Kind::Number)),
        of("char_length", &[Text], 0, Some(Kind::Number)),
        of("character_length", &[Text], 0, Some(Kind::Number)),
        of("starts_with", &[Text, Text], 0, Some(Kind::Truth)),
        of("ends_with", &[Text, Text], 0, Some(Kind::Truth)),
        of("coalesce", &[Same], 0, None),
    ]
};
