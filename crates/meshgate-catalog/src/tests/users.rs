//! `users.yaml`.

use tempfile::TempDir;

use super::fixture::FILES;
use crate::{Report, UserDirectory};

fn load(text: &str) -> Result<UserDirectory, Report> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("people.yaml");
    std::fs::write(&file, text).unwrap();
    UserDirectory::load(&file)
}

/// The findings, the temporary folder cut away.
fn findings(text: &str) -> String {
    let report = load(text).unwrap_err();
    let lines = report.diagnostics.iter().map(|finding| {
        let file = finding.file.file_name().unwrap().to_str().unwrap();
        finding.to_string().replace(finding.file.to_str().unwrap(), file)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_by_itself_loads() {
    let users = load(FILES[4].1).unwrap();
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["analyst"]);
    assert!(users.get("analyst").unwrap().groups.contains("analysts"));
    assert!(users.get("Analyst").is_none());
}

#[test]
fn a_user_needs_no_password() {
    assert_eq!(load("users: {robot: {groups: [machines]}}").unwrap().get("robot").unwrap().password_hash, None);
}

#[test]
fn mistakes_in_users() {
    insta::assert_snapshot!(findings("users:\n  ann: {password: demo}\n  ann: {groups: analysts}\n  bob: {attribute: {x: 1.5}}\n"), @r#"
    error[password-hash] people.yaml:2:19: the password of `ann` is not an argon2 hash; write the hash that `meshgate hash-password` prints, in quotes: `"$argon2id$v=19$…"`
    error[key-duplicate] people.yaml:3:3: key `ann` stands twice; keep this one or the one in line 2
    error[key-unknown] people.yaml:4:9: `attribute` is not a key of a user; did you mean `attributes`?
    "#);
    insta::assert_snapshot!(findings("users:\n  ann: {attributes: {level: 1.5, home: {city: x}}}\n"), @r"
    error[type-mismatch] people.yaml:2:29: `level` is the number `1.5`, but must be `true` or `false` or a whole number or text or a list
    error[type-mismatch] people.yaml:2:41: `home` is a mapping, but must be `true` or `false` or a whole number or text or a list
    ");
    insta::assert_snapshot!(findings("analyst: {groups: []}\n"), @r"
    error[key-missing] people.yaml:1:1: a users file has no `users`; add `users: …`
    error[key-unknown] people.yaml:1:1: `analyst` is not a key of a users file; its keys are `users`
    ");
}

#[test]
fn hashes_that_are_not_argon2_are_refused_and_not_repeated() {
    for password in [
        "$2b$12$KIXQ1gq0",
        "$argon2id$x",
        "$argon2id$v=19$m=1,t=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        "plain",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
        "$argon2id$v=19$m=19456,t=2,p=1$c29t ZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
    ] {
        let said = findings(&format!("users: {{ann: {{password: \"{password}\"}}}}"));
        assert!(said.starts_with("error[password-hash] people.yaml:1:25: "), "{said}");
        assert!(!said.contains(password), "{said}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = TempDir::new().unwrap();
    let report = UserDirectory::load(&folder.path().join("none.yaml")).unwrap_err();
    assert!(report.to_string().contains("none.yaml"), "{report}");
    assert!(report.has_errors());
}
