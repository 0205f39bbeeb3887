//! Dates and timestamps written as text, which the engine turns into values without fail.

/// `2013-01-31`
pub(super) fn is_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| digits(text, range);
    let separated = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let (true, Some(year), Some(month), Some(day)) = (separated, number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    // Before 1678 and after 2261 a timestamp in nanoseconds overflows.
    (1678..=2261).contains(&year) && (1..=days).contains(&day)
}

/// `2013-01-31`, or `2013-01-31 23:59:59` with a space or a `T`
pub(super) fn is_date_or_timestamp(text: &str) -> bool {
    if text.len() == 10 {
        return is_date(text);
    }
    let bytes = text.as_bytes();
    let separated = bytes.len() == 19 && matches!(bytes[10], b' ' | b'T') && bytes[13] == b':' && bytes[16] == b':';
    let in_range = |range: std::ops::Range<usize>, limit: u32| digits(text, range).is_some_and(|value| value < limit);
    separated
        && text.get(..10).is_some_and(is_date)
        && in_range(11..13, 24)
        && in_range(14..16, 60)
        && in_range(17..19, 60)
}

fn digits(text: &str, range: std::ops::Range<usize>) -> Option<u32> {
    let digits = text.get(range)?;
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}
