//! Rules about the text of any file, whatever it describes.

use crate::{
    Diagnostic,
    mesh::MeshFile,
    rules,
    shape::did_you_mean,
    yaml::{Node, SourceFile, Spanned},
};

/// Words in a key that say that its value is a secret.
const SECRET_KEYS: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "secretaccesskey",
    "accesstoken",
    "apikey",
    "privatekey",
    "sastoken",
    "accountkey",
    "credential",
    "credentials",
    "sessiontoken",
    "bearertoken",
    "connectionstring",
];

/// No text shorter than this has the form of a secret.
const SHORTEST_SECRET: usize = 8;

/// Reports values that look like secrets, without repeating them.
pub(crate) fn find_secrets(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) {
    let mut report = |mark, what: &str| {
        findings.push(rules::SECRET.at(source, mark, format!("this looks like {what}")).with_hint(
            "take it out of the catalog, make it invalid where it came from, and write `${VAR}` in its place",
        ));
    };
    root.visit_texts(None, &mut |key, text, mark| {
        if let Some(what) = secret_in(text) {
            report(mark, what);
        } else if key.is_some_and(is_secret_key) && !is_variable(text) && !text.contains(' ') {
            report(mark, "a secret, by its key");
        }
    });
    visit_custom_properties(root, &mut |property, value| {
        let text = value.as_text().unwrap_or_default();
        if is_secret_key(property) && !is_variable(text) && !text.is_empty() && secret_in(text).is_none() {
            report(value.mark, "a secret, by its property");
        }
    });
}

/// Reports tags that `mesh.yaml` does not list, if it lists any.
pub(crate) fn find_unknown_tags(
    source: &SourceFile,
    tags: &[Spanned<String>],
    mesh: &MeshFile,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(known) = &mesh.tags else { return };
    for tag in tags.iter().filter(|tag| !known.contains(&tag.value)) {
        let finding = rules::TAG_UNKNOWN.at(source, tag.mark, format!("`{}` is not a tag of `mesh.yaml`", tag.value));
        findings.push(finding.with_hint(did_you_mean(&tag.value, &known.iter().collect::<Vec<_>>())));
    }
}

/// What kind of secret a text holds, by its form.
fn secret_in(text: &str) -> Option<&'static str> {
    if text.len() < SHORTEST_SECRET {
        return None;
    }
    let is_of_token = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let has_token = |prefix: &str, length: usize| {
        text.contains(prefix)
            && text
                .split(|character: char| !is_of_token(character))
                .any(|word| word.strip_prefix(prefix).is_some_and(|rest| rest.len() >= length))
    };
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        Some("a private key")
    } else if has_token("AKIA", 16) || has_token("ASIA", 16) {
        Some("an AWS access key")
    } else if ["ghp_", "gho_", "ghs_", "github_pat_"].iter().any(|prefix| has_token(prefix, 20)) {
        Some("a GitHub token")
    } else if text.split('.').count() == 3 && text.starts_with("eyJ") && text.len() > 40 {
        Some("a JSON web token")
    } else if text.contains("AccountKey=") || (text.contains("sig=") && text.contains("se=") && text.contains("sv=")) {
        Some("a key of an Azure account")
    } else if has_user_info(text) {
        Some("a URL with a password")
    } else {
        None
    }
}

/// Whether a text is a URL `scheme://user:password@host`, the password not a `${VAR}`.
fn has_user_info(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = authority.rsplit_once('@').and_then(|(user_info, _)| user_info.split_once(':'));
    password.is_some_and(|(_, password)| !password.is_empty() && !is_variable(password))
}

fn is_secret_key(key: &str) -> bool {
    let letters: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect();
    SECRET_KEYS.iter().any(|secret| letters == *secret || letters.ends_with(secret))
}

fn is_variable(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| !name.is_empty())
}

/// Calls `visit` with the name and value of every custom property.
fn visit_custom_properties<'node>(node: &'node Node, visit: &mut impl FnMut(&'node str, &'node Node)) {
    if let (Some(property), Some(value)) = (node.get("property").and_then(Node::as_text), node.get("value")) {
        visit(property, value);
    }
    for entry in node.entries() {
        visit_custom_properties(&entry.value, visit);
    }
    for item in node.items() {
        visit_custom_properties(item, visit);
    }
}
