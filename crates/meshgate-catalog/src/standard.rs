//! The two standards of Bitol that describe a mesh, as far as their files' keys and values go:
//! ODCS 3.0–3.2 (data contracts, <https://bitol-io.github.io/open-data-contract-standard/>) and
//! ODPS 1.0–1.1 (data products, <https://bitol-io.github.io/open-data-product-standard/>).
//!
//! A key that any of a standard's supported versions has is accepted in all of them.

mod contract;
mod product;
mod server;

use crate::{
    model::Support,
    shape::{
        Key, ObjectShape,
        Shape::{self, Any, Boolean, List, Objects, Scalar, Text},
        optional, required,
    },
    yaml::{Node, Spanned},
};

pub(crate) use contract::{DataContract, LOGICAL_TYPES, Property, SchemaObject};
pub(crate) use product::{DataProduct, OutputPort};
pub(crate) use server::Server;

/// The life of a product or contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Proposed,
    Draft,
    Active,
    Deprecated,
    Retired,
}

pub(crate) const STATUSES: &[&str] = &["proposed", "draft", "active", "deprecated", "retired"];

impl Status {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "proposed" => Some(Self::Proposed),
            "draft" => Some(Self::Draft),
            "active" => Some(Self::Active),
            "deprecated" => Some(Self::Deprecated),
            "retired" => Some(Self::Retired),
            _ => None,
        }
    }

    /// Whether consumers can query it.
    pub(crate) fn is_served(self) -> bool {
        matches!(self, Self::Active | Self::Deprecated)
    }
}

static CUSTOM_PROPERTY: ObjectShape = ObjectShape {
    noun: "a custom property",
    keys: &[
        optional("id", Text),
        required("property", Text),
        required("value", Any),
        optional("description", Text),
        optional("vendor", Text),
    ],
};
const CUSTOM_PROPERTIES: Key = optional("customProperties", Objects(&CUSTOM_PROPERTY));

static DEFINITION: ObjectShape = ObjectShape {
    noun: "an authoritative definition",
    keys: &[optional("id", Text), required("url", Text), required("type", Text), optional("description", Text)],
};
const DEFINITIONS: Key = optional("authoritativeDefinitions", Objects(&DEFINITION));

const TAGS: Key = optional("tags", List(&Text));

static SYNONYM: ObjectShape = ObjectShape {
    noun: "a synonym",
    keys: &[
        optional("id", Text),
        required("synonym", Text),
        optional("description", Text),
        optional("locale", Text),
        optional("source", Text),
        optional("status", Text),
        CUSTOM_PROPERTIES,
    ],
};
const SYNONYMS: Key = optional("synonyms", Objects(&SYNONYM));

static DESCRIPTION: ObjectShape = ObjectShape {
    noun: "a description",
    keys: &[
        optional("purpose", Text),
        optional("usage", Text),
        optional("limitations", Text),
        DEFINITIONS,
        CUSTOM_PROPERTIES,
    ],
};

static STATEMENT: ObjectShape = ObjectShape {
    noun: "a verified statement",
    keys: &[
        optional("id", Text),
        required("question", Text),
        optional("answer", Text),
        DEFINITIONS,
        TAGS,
        CUSTOM_PROPERTIES,
    ],
};
static CONSTRAINT: ObjectShape = ObjectShape {
    noun: "a constraint",
    keys: &[optional("id", Text), required("constraint", Text), DEFINITIONS, TAGS, CUSTOM_PROPERTIES],
};
static CONTEXT: ObjectShape = ObjectShape {
    noun: "a context",
    keys: &[
        optional("instructions", Text),
        optional("verifiedStatements", Objects(&STATEMENT)),
        optional("constraints", Objects(&CONSTRAINT)),
    ],
};

static MEMBER: ObjectShape = ObjectShape {
    noun: "a team member",
    keys: &[
        optional("id", Text),
        required("username", Text),
        optional("name", Text),
        optional("description", Text),
        optional("role", Text),
        optional("dateIn", Text),
        optional("dateOut", Text),
        optional("replacedByUsername", Text),
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};
static TEAM: ObjectShape = ObjectShape {
    noun: "a team",
    keys: &[
        optional("id", Text),
        optional("name", Text),
        optional("description", Text),
        optional("members", Objects(&MEMBER)),
        TAGS,
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};

static ROLE: ObjectShape = ObjectShape {
    noun: "a role",
    keys: &[
        optional("id", Text),
        required("role", Text),
        optional("description", Text),
        optional("access", Text),
        optional("firstLevelApprovers", Text),
        optional("secondLevelApprovers", Text),
        CUSTOM_PROPERTIES,
    ],
};
const ROLES: Key = optional("roles", Objects(&ROLE));

/// A support channel, as ODCS and `domain.yaml` have it.
pub(crate) static SUPPORT: ObjectShape = ObjectShape {
    noun: "a support channel",
    keys: &[
        optional("id", Text),
        required("channel", Text),
        optional("url", Text),
        optional("description", Text),
        optional("tool", Text),
        optional("scope", Text),
        optional("invitationUrl", Text),
        CUSTOM_PROPERTIES,
    ],
};

/// The channels of a `support` list.
pub(crate) fn support_of(node: &Node) -> Vec<Support> {
    let value = |item: &Node, key: &str| item.text(key).map(|text| text.value);
    let channel = |item: &Node| {
        Some(Support { channel: value(item, "channel")?, tool: value(item, "tool"), url: value(item, "url") })
    };
    node.list("support").iter().filter_map(channel).collect()
}

/// The name of a `team`; in ODCS 3.0 it is a list of members, which has none.
fn team_of(node: &Node) -> Option<Spanned<String>> {
    node.get("team")?.text("name")
}

/// What a `description` says: its text, or the purpose of one in parts.
fn description_of(node: &Node) -> String {
    let text = node.text("description").or_else(|| node.get("description")?.text("purpose"));
    text.map_or_else(String::new, |text| text.value.trim().to_owned())
}

/// The value of the custom property of that name.
fn custom_property<'node>(node: &'node Node, name: &str) -> Option<&'node Node> {
    let properties = node.list("customProperties").iter();
    properties.clone().find(|item| item.get("property").and_then(Node::as_text) == Some(name))?.get("value")
}

/// One value that is not a list or mapping, as quality rules and service levels have.
const ONE_VALUE: Shape = Scalar;
/// A truth value that says that a thing should no longer be used.
const DEPRECATED: Key = optional("deprecated", Boolean);
