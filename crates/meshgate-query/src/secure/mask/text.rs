//! `mask-alphanum`, `show-first-4`, `show-last-4`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, GenericStringBuilder, OffsetSizeTrait, StringViewBuilder},
        datatypes::DataType,
    },
    common::{Result, exec_err},
};

/// Which characters (Unicode code points, never parts of one) of a text stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shown {
    Nothing,
    First4,
    Last4,
}

const SHOWN: usize = 4;

/// Redacts each text: an ASCII digit becomes `n`, `(` `)` `,` `.` `-` `@` stay, all else becomes `x`.
pub(super) fn redact(array: &ArrayRef, shown: Shown) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8 => redact_offsets::<i32>(array, shown),
        DataType::LargeUtf8 => redact_offsets::<i64>(array, shown),
        DataType::Utf8View => {
            let texts = array.as_string_view();
            let mut masked = StringViewBuilder::with_capacity(texts.len());
            let mut scratch = String::new();
            for text in texts {
                masked.append_option(text.map(|text| redact_text(text, shown, &mut scratch)));
            }
            Arc::new(masked.finish())
        }
        other => return exec_err!("no text in {other}"),
    })
}

fn redact_offsets<O: OffsetSizeTrait>(array: &ArrayRef, shown: Shown) -> ArrayRef {
    let texts = array.as_string::<O>();
    let mut masked = GenericStringBuilder::<O>::with_capacity(texts.len(), texts.values().len());
    let mut scratch = String::new();
    for text in texts {
        masked.append_option(text.map(|text| redact_text(text, shown, &mut scratch)));
    }
    Arc::new(masked.finish())
}

/// A text of four characters or fewer shows whole under [`Shown::First4`] and [`Shown::Last4`]: so says the standard.
fn redact_text<'a>(text: &str, shown: Shown, scratch: &'a mut String) -> &'a str {
    scratch.clear();
    match shown {
        Shown::Nothing => scratch.extend(text.chars().map(redact_character)),
        Shown::First4 => {
            let split = text.char_indices().nth(SHOWN).map_or(text.len(), |(index, _)| index);
            let (open, closed) = text.split_at(split);
            scratch.push_str(open);
            scratch.extend(closed.chars().map(redact_character));
        }
        Shown::Last4 => {
            let split = text.char_indices().rev().nth(SHOWN - 1).map_or(0, |(index, _)| index);
            let (closed, open) = text.split_at(split);
            scratch.extend(closed.chars().map(redact_character));
            scratch.push_str(open);
        }
    }
    scratch
}

fn redact_character(character: char) -> char {
    match character {
        '0'..='9' => 'n',
        '(' | ')' | ',' | '.' | '-' | '@' => character,
        _ => 'x',
    }
}
