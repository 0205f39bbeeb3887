//! Whatever bytes a file holds, the answer is a report: no panic, no hang.

use std::os::unix::ffi::OsStrExt;

use proptest::prelude::*;

use super::fixture::{CONTRACT, DOMAIN, FILES, Fixture, MESH, PRODUCT, USERS};
use crate::CatalogSnapshot;

/// Text that comes near YAML more often than bytes do.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            ": ",
            "- ",
            "\n",
            "\n  ",
            "\t",
            "{",
            "}",
            "[",
            "]",
            "&a ",
            "*a",
            "!!str ",
            "!x ",
            "<<",
            "? ",
            "| ",
            ">-\n",
            "---\n",
            "...",
            "#",
            "'",
            "\"",
            "\\u",
            "%",
            "\u{feff}",
            "ä",
            "\u{0}",
            "name",
            "schema",
            "properties",
            "id",
            "version",
            "users",
            "servers",
            "type",
            "null",
            "~",
            "1e999",
            "0x1f",
            "-0",
            ".inf",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,8}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A sound file with a few bytes changed.
fn damaged() -> impl Strategy<Value = (usize, Vec<u8>)> {
    (0..FILES.len()).prop_flat_map(|file| {
        let text = FILES[file].1.as_bytes().to_vec();
        let length = text.len();
        prop::collection::vec((0..length, any::<u8>(), any::<bool>()), 1..6).prop_map(move |edits| {
            let mut text = text.clone();
            for (position, byte, insert) in edits {
                if insert {
                    text.insert(position, byte);
                } else {
                    text[position] = byte;
                }
            }
            (file, text)
        })
    })
}

/// Loads, renders, and checks that every span lies within its file.
fn survives(fixture: &Fixture) {
    let folder = fixture.write();
    let catalog = folder.path().join("catalog");
    let report = match CatalogSnapshot::load(&catalog) {
        Ok((_, report)) => report,
        Err(report) => {
            assert!(report.has_errors());
            report
        }
    };
    for finding in &report.diagnostics {
        let Some(span) = finding.span else { continue };
        let text = std::str::from_utf8(&fixture.files[finding.file.to_str().unwrap()]).unwrap();
        assert!(text.get(span.offset..span.offset + span.length).is_some(), "{finding}");
        assert!(span.line >= 1 && span.column >= 1, "{finding}");
    }
    report.render(&catalog);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(
        file in prop::sample::select(vec![MESH, DOMAIN, PRODUCT, CONTRACT, USERS]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        survives(&Fixture::sound().with(file, bytes));
    }

    #[test]
    fn any_text_like_yaml(file in prop::sample::select(vec![MESH, DOMAIN, PRODUCT, CONTRACT, USERS]), text in yaml_like()) {
        survives(&Fixture::sound().with(file, text));
    }

    #[test]
    fn any_damage((file, bytes) in damaged()) {
        survives(&Fixture::sound().with(FILES[file].0, bytes));
    }
}

/// The only finding's rule, of a catalog with this contract.
fn rules_of(contract: impl AsRef<[u8]>) -> Vec<&'static str> {
    let report = Fixture::sound().with(CONTRACT, contract).load().unwrap_err();
    report
        .diagnostics
        .iter()
        .filter(|finding| finding.file.ends_with("flights.odcs.yaml"))
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn bombs_are_refused() {
    let wide: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..12).map(|level| {
            let before = format!("*a{}", level - 1);
            format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", "))
        }))
        .collect();
    assert_eq!(rules_of(wide), ["yaml-limit"]);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep: String = std::iter::once(format!("a0: &a0 {}\n", nested(50)))
        .chain((1..2000).map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1)))
        .collect();
    assert_eq!(rules_of(deep), ["yaml-limit"]);
    assert_eq!(rules_of(nested(200)), ["yaml-limit"]);
    assert_eq!(rules_of("[".repeat(100_000)).len(), 1);
    assert_eq!(rules_of("a: &a [*a]\n"), ["yaml-syntax"]);
}

#[test]
fn large_empty_and_foreign_files_are_refused() {
    let mut large = FILES[3].1.as_bytes().to_vec();
    large.resize((8 << 20) + 1, b'\n');
    assert_eq!(rules_of(large), ["file-too-large"]);
    assert_eq!(rules_of(""), ["yaml-syntax"]);
    assert_eq!(rules_of("# nothing but words\n"), ["yaml-syntax"]);
    assert_eq!(rules_of(b"id: caf\xe9\n"), ["file-encoding"]);
    assert_eq!(rules_of("a: 1\n---\nb: 2\n"), ["yaml-syntax"]);
}

#[test]
fn many_findings_end_in_one_that_says_so() {
    let keys: String = (0..5000).map(|number| format!("zz{number}: 1\n")).collect();
    let rules = rules_of(keys);
    assert_eq!(rules.len(), 201);
    assert_eq!(rules.iter().filter(|rule| **rule == "yaml-limit").count(), 1);
}

#[test]
fn a_folder_in_place_of_a_file_and_a_name_that_is_not_utf8_are_findings() {
    let folder = Fixture::sound().write();
    let product = folder.path().join("catalog/domains/operations/departures");
    std::fs::create_dir(product.join("more.odcs.yaml")).unwrap();
    std::fs::write(product.join(std::ffi::OsStr::from_bytes(b"caf\xe9.odcs.yaml")), "x").unwrap();
    let report = CatalogSnapshot::load(&folder.path().join("catalog")).unwrap_err();
    let rules: Vec<_> = report.diagnostics.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["file-name", "file-kind"], "{report}");
}
