//! `mesh.yaml` and `domain.yaml`, the two files whose format is meshgate's own.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Diagnostic, Severity, Support, rules,
    shape::{
        Checker, ObjectShape, ROOT,
        Shape::{self, List, Object, Objects, Text, Word},
        did_you_mean, optional, required,
    },
    standard::{SUPPORT, support_of},
    yaml::{Mark, Node, SourceFile, Spanned},
};

/// The levels of a mesh that lists none, the least strict first.
const DEFAULT_CLASSIFICATIONS: [&str; 4] = ["public", "internal", "confidential", "restricted"];

/// `mesh.yaml`
#[derive(Debug, Clone, Default)]
pub(crate) struct MeshFile {
    pub(crate) name: String,
    /// The least strict first.
    pub(crate) classifications: Vec<String>,
    /// Whether the levels are the file's own.
    pub(crate) has_classifications: bool,
    /// Known tags; `None` = any.
    pub(crate) tags: Option<BTreeSet<String>>,
    /// Roles that no contract need name.
    pub(crate) roles: BTreeSet<String>,
    /// The domains' owners; `None` = any domain may join.
    pub(crate) domains: Option<BTreeMap<String, Spanned<String>>>,
    pub(crate) governance: Vec<GovernanceRule>,
    /// What findings of a rule do; `None` silences them.
    pub(crate) severities: BTreeMap<String, Option<Severity>>,
}

/// What governance says of all columns or tables whose address matches; no domain can take it away.
#[derive(Debug, Clone)]
pub(crate) struct GovernanceRule {
    pub(crate) mark: Mark,
    pub(crate) address: String,
    pub(crate) classification: Option<String>,
    pub(crate) tags: Vec<String>,
}

impl MeshFile {
    pub(crate) fn read(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) -> Self {
        Checker::new(source, findings).check(root, &Object(&MESH), ROOT);
        let own = root.texts("classifications");
        for (position, level) in own.iter().enumerate() {
            if own[..position].iter().any(|earlier| earlier.value == level.value) {
                let message = format!("the level `{}` stands twice", level.value);
                findings.push(rules::VALUE_UNKNOWN.at(source, level.mark, message).with_hint("remove one of them"));
            }
        }
        if own.is_empty() {
            findings.push(
                rules::CLASSIFICATIONS_DEFAULT
                    .of_file(&source.path, "the mesh lists no levels of classification")
                    .with_hint(format!(
                        "add `classifications: [{}]`, the least strict first",
                        DEFAULT_CLASSIFICATIONS.join(", ")
                    )),
            );
        }
        let has_classifications = !own.is_empty();
        let classifications: Vec<String> = match has_classifications {
            true => own.into_iter().map(|level| level.value).collect(),
            false => DEFAULT_CLASSIFICATIONS.map(str::to_owned).to_vec(),
        };
        let governance = root
            .list("governance")
            .iter()
            .filter_map(|node| governance_rule(source, node, &classifications, findings))
            .collect();
        let owner = |entry: &crate::yaml::Entry| Some((entry.key.value.clone(), entry.value.text("owner")?));
        Self {
            name: root.text("name").map(|name| name.value).unwrap_or_default(),
            has_classifications,
            tags: root.get("tags").map(|_| root.texts("tags").into_iter().map(|tag| tag.value).collect()),
            roles: root.texts("roles").into_iter().map(|role| role.value).collect(),
            domains: root.get("domains").map(|domains| domains.entries().iter().filter_map(owner).collect()),
            governance,
            severities: severities(source, root, findings),
            classifications,
        }
    }

    /// How strict a level is; `None` = not a level.
    pub(crate) fn strictness(&self, classification: &str) -> Option<usize> {
        self.classifications.iter().position(|level| level == classification)
    }
}

fn governance_rule(
    source: &SourceFile,
    node: &Node,
    classifications: &[String],
    findings: &mut Vec<Diagnostic>,
) -> Option<GovernanceRule> {
    let address = node.text("address")?;
    if address.value.split('.').count() < 3 || address.value.split('.').any(str::is_empty) {
        findings.push(
            rules::GOVERNANCE_ADDRESS
                .at(source, address.mark, format!("`{}` is no address of tables or columns", address.value))
                .with_hint("write `domain.product.table` or `domain.product.table.column`; `*` stands for any characters of one part"),
        );
        return None;
    }
    let classification = node.text("classification");
    if let Some(level) = classification.as_ref().filter(|level| !classifications.contains(&level.value)) {
        findings.push(
            rules::CLASSIFICATION_UNKNOWN
                .at(source, level.mark, format!("`{}` is not a level of classification", level.value))
                .with_hint(did_you_mean(&level.value, classifications)),
        );
        return None;
    }
    Some(GovernanceRule {
        mark: address.mark,
        address: address.value,
        classification: classification.map(|level| level.value),
        tags: node.texts("tags").into_iter().map(|tag| tag.value).collect(),
    })
}

fn severities(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) -> BTreeMap<String, Option<Severity>> {
    let changeable: Vec<_> =
        rules::RULES.iter().filter(|rule| rule.severity == Severity::Warning).map(|rule| rule.id).collect();
    let mut severities = BTreeMap::new();
    for entry in root.get("lint").map_or(&[][..], Node::entries) {
        let rule = entry.key.value.as_str();
        if !changeable.contains(&rule) {
            let message = match rules::RULES.iter().any(|known| known.id == rule) {
                true => format!("`{rule}` is always an error"),
                false => format!("there is no rule `{rule}`"),
            };
            findings.push(
                rules::LINT_RULE_UNKNOWN.at(source, entry.key.mark, message).with_hint(did_you_mean(rule, &changeable)),
            );
        }
        let severity = match entry.value.as_text() {
            Some("off") => None,
            Some("warning") => Some(Severity::Warning),
            Some("error") => Some(Severity::Error),
            _ => continue,
        };
        severities.insert(rule.to_owned(), severity);
    }
    severities
}

/// `domain.yaml`
#[derive(Debug, Clone)]
pub(crate) struct DomainFile {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) owner: Option<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) support: Vec<Support>,
}

impl DomainFile {
    pub(crate) fn read(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) -> Self {
        Checker::new(source, findings).check(root, &Object(&DOMAIN), ROOT);
        Self {
            name: root.text("name"),
            owner: root.text("owner"),
            description: root.text("description").map(|text| text.value.trim().to_owned()).unwrap_or_default(),
            support: support_of(root),
        }
    }
}

static MESH: ObjectShape = ObjectShape {
    noun: "`mesh.yaml`",
    keys: &[
        required("name", Text),
        optional("description", Text),
        optional("classifications", List(&Text)),
        optional("tags", List(&Text)),
        optional("roles", List(&Text)),
        optional("domains", Shape::Map(&Object(&LISTED_DOMAIN))),
        optional("governance", Objects(&GOVERNANCE_RULE)),
        optional("lint", Shape::Map(&Word(&["off", "warning", "error"]))),
    ],
};

static LISTED_DOMAIN: ObjectShape = ObjectShape { noun: "a listed domain", keys: &[required("owner", Text)] };

static GOVERNANCE_RULE: ObjectShape = ObjectShape {
    noun: "a governance rule",
    keys: &[
        required("address", Text),
        optional("classification", Text),
        optional("tags", List(&Text)),
        optional("description", Text),
    ],
};

static DOMAIN: ObjectShape = ObjectShape {
    noun: "`domain.yaml`",
    keys: &[
        optional("name", Text),
        required("owner", Text),
        optional("description", Text),
        optional("support", Objects(&SUPPORT)),
    ],
};
