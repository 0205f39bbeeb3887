//! The counts of JUnit's XML reports, which pytest and Maven's surefire write.

use std::{fs, io, path::Path};

use crate::tally::Tally;

/// The counts of the reports in `folder` (`*.xml`).
pub(crate) fn tally(folder: &Path) -> io::Result<Tally> {
    let mut total = Tally::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "xml") {
            total += tally_text(&fs::read_to_string(path)?);
        }
    }
    Ok(total)
}

/// The sum over a report's `<testsuite>` elements, which don't nest in these two writers.
fn tally_text(xml: &str) -> Tally {
    let mut total = Tally::default();
    for element in xml.split("<testsuite").skip(1).filter(|rest| rest.starts_with(char::is_whitespace)) {
        let tag = &element[..element.find('>').unwrap_or(element.len())];
        let count = |name: &str| attribute(tag, name).and_then(|value| value.parse::<usize>().ok()).unwrap_or(0);
        let (failed, skipped) = (count("failures") + count("errors"), count("skipped"));
        let passed = count("tests").saturating_sub(failed + skipped);
        total += Tally { passed, failed, skipped };
    }
    total
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let length = tag[start..].find('"')?;
    Some(&tag[start..start + length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_both_writers() {
        let pytest = r#"<testsuites name="t"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"
            time="1"><testcase classname="tests" name="a"/></testsuite></testsuites>"#;
        assert_eq!(tally_text(pytest), Tally { passed: 4, failed: 3, skipped: 3 });
        let surefire = "<testsuite\n name=\"x\" tests=\"5\" errors=\"0\" skipped=\"1\" failures=\"0\"></testsuite>";
        assert_eq!(tally_text(surefire), Tally { passed: 4, failed: 0, skipped: 1 });
        assert_eq!(tally_text("no report"), Tally::default());
    }
}
