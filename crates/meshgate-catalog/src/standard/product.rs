//! ODPS `kind: DataProduct`.

use super::{
    CONTEXT, CUSTOM_PROPERTIES, DEFINITIONS, DEPRECATED, DESCRIPTION, MEMBER, SYNONYMS, TAGS, description_of,
    support_of, team_of,
};
use crate::{
    Diagnostic, Support,
    shape::{
        Checker, ObjectShape, ROOT,
        Shape::{Object, Objects, Text, Word},
        optional, required,
    },
    yaml::{Mark, Node, SourceFile, Spanned},
};

const API_VERSIONS: &[&str] = &["v1.1.0", "v1.0.0"];

/// A product file, as far as meshgate uses it.
#[derive(Debug, Clone)]
pub(crate) struct DataProduct {
    pub(crate) mark: Mark,
    pub(crate) id: Spanned<String>,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) version: Option<Spanned<String>>,
    pub(crate) status: Option<Spanned<String>>,
    pub(crate) domain: Option<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) tags: Vec<Spanned<String>>,
    pub(crate) output_ports: Vec<OutputPort>,
    pub(crate) has_team: bool,
    pub(crate) team: Option<String>,
    pub(crate) support: Vec<Support>,
}

/// An item of `outputPorts`. Its key is its name and version.
#[derive(Debug, Clone)]
pub(crate) struct OutputPort {
    pub(crate) name: Spanned<String>,
    pub(crate) version: Option<Spanned<String>>,
    pub(crate) contract_id: Option<Spanned<String>>,
}

impl DataProduct {
    /// Checks a product's tree and takes from it what is there.
    pub(crate) fn read(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        Checker::new(source, findings).check(root, &Object(&PRODUCT), ROOT);
        let port = |node: &Node| {
            Some(OutputPort {
                name: node.text("name")?,
                version: node.text("version"),
                contract_id: node.text("contractId"),
            })
        };
        Some(Self {
            mark: root.mark,
            id: root.text("id")?,
            name: root.text("name"),
            version: root.text("version"),
            status: root.text("status"),
            domain: root.text("domain"),
            description: description_of(root),
            tags: root.texts("tags"),
            output_ports: root.list("outputPorts").iter().filter_map(port).collect(),
            has_team: root.get("team").is_some_and(|team| !team.entries().is_empty()),
            team: team_of(root).map(|name| name.value),
            support: support_of(root),
        })
    }
}

static PRODUCT: ObjectShape = ObjectShape {
    noun: "a data product",
    keys: &[
        required("apiVersion", Word(API_VERSIONS)),
        required("kind", Word(&["DataProduct"])),
        required("id", Text),
        optional("name", Text),
        optional("version", Text),
        optional("status", Word(super::STATUSES)),
        optional("domain", Text),
        optional("type", Text),
        optional("tenant", Text),
        DEPRECATED,
        SYNONYMS,
        optional("context", Object(&CONTEXT)),
        optional("description", Object(&DESCRIPTION)),
        DEFINITIONS,
        CUSTOM_PROPERTIES,
        TAGS,
        optional("inputPorts", Objects(&INPUT_PORT)),
        optional("outputPorts", Objects(&OUTPUT_PORT)),
        optional("managementPorts", Objects(&MANAGEMENT_PORT)),
        optional("support", Objects(&SUPPORT)),
        optional("team", Object(&TEAM)),
        optional("productCreatedTs", Text),
    ],
};

static INPUT_PORT: ObjectShape = ObjectShape {
    noun: "an input port",
    keys: &[
        optional("id", Text),
        required("name", Text),
        optional("version", Text),
        optional("contractId", Text),
        DEPRECATED,
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};

static OUTPUT_PORT: ObjectShape = ObjectShape {
    noun: "an output port",
    keys: &[
        optional("id", Text),
        required("name", Text),
        optional("description", Text),
        optional("type", Text),
        optional("version", Text),
        optional("contractId", Text),
        optional("sbom", Objects(&BILL_OF_MATERIALS)),
        optional("inputContracts", Objects(&INPUT_CONTRACT)),
        DEPRECATED,
        SYNONYMS,
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
        optional("context", Object(&CONTEXT)),
    ],
};

static BILL_OF_MATERIALS: ObjectShape = ObjectShape {
    noun: "a bill of materials",
    keys: &[optional("id", Text), optional("type", Text), optional("url", Text), TAGS, CUSTOM_PROPERTIES, DEFINITIONS],
};

static INPUT_CONTRACT: ObjectShape =
    ObjectShape { noun: "an input contract", keys: &[required("id", Text), required("version", Text)] };

static MANAGEMENT_PORT: ObjectShape = ObjectShape {
    noun: "a management port",
    keys: &[
        optional("id", Text),
        required("name", Text),
        required("content", Text),
        optional("type", Text),
        optional("url", Text),
        optional("channel", Text),
        optional("description", Text),
        DEPRECATED,
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};

/// Unlike in ODCS, a team has no `id`.
static TEAM: ObjectShape = ObjectShape {
    noun: "a team",
    keys: &[
        optional("name", Text),
        optional("description", Text),
        optional("members", Objects(&MEMBER)),
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};

/// Unlike ODCS, ODPS requires the URL of a channel.
static SUPPORT: ObjectShape = ObjectShape {
    noun: "a support channel",
    keys: &[
        optional("id", Text),
        required("channel", Text),
        required("url", Text),
        optional("description", Text),
        optional("tool", Text),
        optional("scope", Text),
        optional("invitationUrl", Text),
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};
