//! Amounts with a unit: `4GiB`, `90m`.

use std::time::Duration;

/// Bytes: a whole number and one of `B`, `KiB`, `MiB`, `GiB`, `TiB`.
pub(super) fn parse_bytes(text: &str) -> Result<usize, String> {
    let (number, unit) = split(text);
    let shift = match unit {
        "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        "TiB" => Some(40),
        _ => None,
    };
    shift
        .zip(number)
        .and_then(|(shift, number)| number.checked_mul(1 << shift))
        .and_then(|bytes| usize::try_from(bytes).ok())
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is no amount of memory; write for instance `512MiB` or `4GiB`"))
}

/// A duration: a whole number and one of `s`, `m`, `h`, `d`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    seconds
        .zip(number)
        .and_then(|(seconds, number)| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| format!("`{text}` is no duration; write for instance `90s`, `30m`, `12h` or `7d`"))
}

fn split(text: &str) -> (Option<u64>, &str) {
    let text = text.trim();
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].parse().ok(), text[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_memory() {
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        assert_eq!(parse_bytes(" 512 MiB "), Ok(512 << 20));
        assert_eq!(parse_bytes("1B"), Ok(1));
        for wrong in ["", "4", "GiB", "4GB", "-1GiB", "0GiB", "1.5GiB", "99999999999999999999GiB", "20000000TiB"] {
            assert!(parse_bytes(wrong).unwrap_err().contains("no amount of memory"), "{wrong}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("12h"), Ok(Duration::from_secs(43_200)));
        assert_eq!(parse_duration("0s"), Ok(Duration::ZERO));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "12", "h", "1w", "-5m", "99999999999999999999d"] {
            assert!(parse_duration(wrong).unwrap_err().contains("no duration"), "{wrong}");
        }
    }
}
