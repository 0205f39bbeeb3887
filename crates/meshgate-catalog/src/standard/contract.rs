//! ODCS `kind: DataContract`.

use super::{
    CONTEXT, CUSTOM_PROPERTIES, DEFINITIONS, DEPRECATED, DESCRIPTION, MEMBER, ONE_VALUE, ROLES, SUPPORT, SYNONYMS,
    Server, TAGS, TEAM, custom_property, description_of, server, support_of, team_of,
};
use crate::{
    Diagnostic, LogicalType, Support,
    shape::{
        Checker, ObjectShape, ROOT,
        Shape::{self, Any, Boolean, Dependent, Either, Integer, List, Number, Object, Objects, Text, Word},
        optional, required,
    },
    yaml::{Mark, Node, SourceFile, Spanned, Value},
};

const API_VERSIONS: &[&str] = &["v3.2.0", "v3.1.0", "v3.0.2", "v3.0.1", "v3.0.0"];

/// A contract file, as far as meshgate uses it. Present only where the file has what makes a contract one.
#[derive(Debug, Clone)]
pub(crate) struct DataContract {
    pub(crate) id: Spanned<String>,
    pub(crate) version: Spanned<String>,
    pub(crate) status: Option<Spanned<String>>,
    pub(crate) domain: Option<Spanned<String>>,
    pub(crate) data_product: Option<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) tags: Vec<Spanned<String>>,
    /// Those that pass the check.
    pub(crate) servers: Vec<Server>,
    pub(crate) has_servers: bool,
    pub(crate) schema: Vec<SchemaObject>,
    pub(crate) roles: Vec<String>,
    pub(crate) has_team: bool,
    pub(crate) team: Option<String>,
    pub(crate) support: Vec<Support>,
}

/// An item of `schema`: a table.
#[derive(Debug, Clone)]
pub(crate) struct SchemaObject {
    pub(crate) name: Spanned<String>,
    pub(crate) physical_name: Option<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) tags: Vec<Spanned<String>>,
    pub(crate) properties: Vec<Property>,
    /// The custom property `declaredRows`.
    pub(crate) declared_rows: Option<u64>,
}

/// A column, a field of one, or the items of a list. Those of a list have no name.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) mark: Mark,
    pub(crate) name: String,
    pub(crate) logical_type: Option<LogicalType>,
    pub(crate) has_logical_type: bool,
    pub(crate) physical_type: Option<String>,
    pub(crate) physical_name: Option<Spanned<String>>,
    pub(crate) description: String,
    pub(crate) required: bool,
    pub(crate) primary_key: bool,
    pub(crate) primary_key_position: Option<u32>,
    pub(crate) classification: Option<Spanned<String>>,
    pub(crate) tags: Vec<Spanned<String>>,
    pub(crate) properties: Vec<Property>,
    pub(crate) items: Option<Box<Property>>,
    /// `key` and `value` of a map.
    pub(crate) map: Vec<Property>,
}

impl DataContract {
    /// Checks a contract's tree and takes from it what is there.
    pub(crate) fn read(source: &SourceFile, root: &Node, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        Checker::new(source, findings).check(root, &Object(&CONTRACT), ROOT);
        Some(Self {
            id: root.text("id")?,
            version: root.text("version")?,
            status: root.text("status"),
            domain: root.text("domain"),
            data_product: root.text("dataProduct"),
            description: description_of(root),
            tags: root.texts("tags"),
            servers: root.list("servers").iter().filter_map(Server::of).collect(),
            has_servers: !root.list("servers").is_empty(),
            schema: root.list("schema").iter().filter_map(SchemaObject::of).collect(),
            roles: root
                .list("roles")
                .iter()
                .chain(root.list("servers").iter().flat_map(|server| server.list("roles")))
                .filter_map(|role| Some(role.text("role")?.value))
                .collect(),
            has_team: root.get("team").is_some_and(|team| !team.entries().is_empty() || !team.items().is_empty()),
            team: team_of(root).map(|name| name.value),
            support: support_of(root),
        })
    }
}

impl SchemaObject {
    fn of(node: &Node) -> Option<Self> {
        let rows = custom_property(node, "declaredRows").map(|rows| &rows.value);
        Some(Self {
            name: node.text("name")?,
            physical_name: node.text("physicalName"),
            description: description_of(node),
            tags: node.texts("tags"),
            properties: node.list("properties").iter().filter_map(Property::named).collect(),
            declared_rows: match rows {
                Some(Value::Integer(rows)) => u64::try_from(*rows).ok(),
                _ => None,
            },
        })
    }
}

impl Property {
    fn named(node: &Node) -> Option<Self> {
        let name = node.text("name")?;
        Some(Self { mark: name.mark, ..Self::of(node, name.value) })
    }

    fn of(node: &Node, name: String) -> Self {
        let logical_type = node.text("logicalType");
        let map = node.get("map");
        let part_of_map = |part| Some(Self::of(map?.get(part)?, String::from(part)));
        Self {
            mark: node.mark,
            name,
            logical_type: logical_type.as_ref().and_then(|name| logical_type_of(&name.value)),
            has_logical_type: node.get("logicalType").is_some(),
            physical_type: node.text("physicalType").map(|text| text.value),
            physical_name: node.text("physicalName"),
            description: description_of(node),
            required: node.is_true("required"),
            primary_key: node.is_true("primaryKey"),
            primary_key_position: node.integer("primaryKeyPosition").and_then(|position| u32::try_from(position).ok()),
            classification: node.text("classification"),
            tags: node.texts("tags"),
            properties: node.list("properties").iter().filter_map(Self::named).collect(),
            items: node.get("items").map(|items| Box::new(Self::of(items, "items".to_owned()))),
            map: ["key", "value"].into_iter().filter_map(part_of_map).collect(),
        }
    }

    /// The properties within: fields, items, keys and values.
    pub(crate) fn nested(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().chain(self.items.as_deref()).chain(&self.map)
    }
}

/// The names of the logical types.
pub(crate) const LOGICAL_TYPES: &[&str] =
    &["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean", "map", "vector"];

fn logical_type_of(name: &str) -> Option<LogicalType> {
    Some(match name {
        "string" => LogicalType::String,
        "date" => LogicalType::Date,
        "timestamp" => LogicalType::Timestamp,
        "time" => LogicalType::Time,
        "number" => LogicalType::Number,
        "integer" => LogicalType::Integer,
        "object" => LogicalType::Object,
        "array" => LogicalType::Array,
        "boolean" => LogicalType::Boolean,
        "map" => LogicalType::Map,
        "vector" => LogicalType::Vector,
        _ => return None,
    })
}

static CONTRACT: ObjectShape = ObjectShape {
    noun: "a data contract",
    keys: &[
        required("apiVersion", Word(API_VERSIONS)),
        required("kind", Word(&["DataContract"])),
        required("id", Text),
        required("version", Text),
        optional("name", Text),
        optional("tenant", Text),
        TAGS,
        optional("status", Word(super::STATUSES)),
        optional("servers", List(&Dependent(server::check))),
        optional("dataProduct", Text),
        optional("description", Object(&DESCRIPTION)),
        optional("domain", Text),
        optional("context", Either(&[Text, Object(&CONTEXT)])),
        optional("schema", Objects(&SCHEMA_OBJECT)),
        optional("support", Objects(&SUPPORT)),
        optional("price", Object(&PRICE)),
        optional("team", Either(&[Object(&TEAM), Objects(&MEMBER)])),
        ROLES,
        optional("slaDefaultElement", Text),
        optional("slaProperties", Objects(&SERVICE_LEVEL)),
        DEFINITIONS,
        CUSTOM_PROPERTIES,
        optional("contractCreatedTs", Text),
    ],
};

static SCHEMA_OBJECT: ObjectShape = ObjectShape {
    noun: "a table",
    keys: &[
        optional("id", Text),
        required("name", Text),
        optional("physicalName", Text),
        optional("physicalType", Text),
        optional("logicalType", Word(&["object"])),
        optional("description", Text),
        optional("businessName", Text),
        optional("dataGranularityDescription", Text),
        DEPRECATED,
        SYNONYMS,
        DEFINITIONS,
        TAGS,
        CUSTOM_PROPERTIES,
        optional("properties", Objects(&COLUMN)),
        optional("relationships", Objects(&TABLE_RELATIONSHIP)),
        QUALITY,
        optional("context", Either(&[Text, Object(&CONTEXT)])),
    ],
};

/// A named property and the items of a list have the same keys but for the name.
macro_rules! property_shape {
    ($noun:literal, $name:expr) => {
        ObjectShape {
            noun: $noun,
            keys: &[
                optional("id", Text),
                $name,
                optional("physicalName", Text),
                optional("physicalType", Text),
                optional("logicalType", Word(LOGICAL_TYPES)),
                optional("logicalTypeOptions", Object(&TYPE_OPTIONS)),
                optional("description", Text),
                optional("businessName", Text),
                DEPRECATED,
                SYNONYMS,
                DEFINITIONS,
                TAGS,
                CUSTOM_PROPERTIES,
                optional("primaryKey", Boolean),
                optional("primaryKeyPosition", Integer),
                optional("required", Boolean),
                optional("unique", Boolean),
                optional("semanticType", Word(&["column", "measure", "dimension"])),
                optional("partitioned", Boolean),
                optional("partitionKeyPosition", Integer),
                optional("classification", Text),
                optional("encryptedName", Text),
                optional("transformSourceObjects", List(&Text)),
                optional("transformLogic", Text),
                optional("transformDescription", Text),
                optional("examples", List(&Any)),
                optional("enum", Objects(&ENUM_VALUE)),
                optional("criticalDataElement", Boolean),
                optional("relationships", Objects(&COLUMN_RELATIONSHIP)),
                QUALITY,
                optional("properties", Objects(&COLUMN)),
                optional("items", Object(&ITEMS)),
                optional("map", Object(&MAP)),
            ],
        }
    };
}

static COLUMN: ObjectShape = property_shape!("a column", required("name", Text));
static ITEMS: ObjectShape = property_shape!("the items of a list", optional("name", Text));
static MAP: ObjectShape =
    ObjectShape { noun: "a map", keys: &[required("key", Object(&ITEMS)), required("value", Object(&ITEMS))] };

static TYPE_OPTIONS: ObjectShape = ObjectShape {
    noun: "`logicalTypeOptions`",
    keys: &[
        optional("format", Text),
        optional("pattern", Text),
        optional("minLength", Integer),
        optional("maxLength", Integer),
        optional("minimum", ONE_VALUE),
        optional("maximum", ONE_VALUE),
        optional("exclusiveMinimum", ONE_VALUE),
        optional("exclusiveMaximum", ONE_VALUE),
        optional("multipleOf", Number),
        optional("timezone", Boolean),
        optional("defaultTimezone", Text),
        optional("minProperties", Integer),
        optional("maxProperties", Integer),
        optional("required", List(&Text)),
        optional("minItems", Integer),
        optional("maxItems", Integer),
        optional("uniqueItems", Boolean),
        optional("dimensions", Integer),
        optional("elementType", Text),
        optional("distanceMetric", Text),
        optional("embeddingModel", Text),
        optional("embeddingModelVersion", Text),
        optional("normalized", Boolean),
    ],
};

static ENUM_VALUE: ObjectShape = ObjectShape {
    noun: "an `enum` value",
    keys: &[
        required("value", ONE_VALUE),
        optional("label", Text),
        optional("id", Text),
        optional("description", Text),
        CUSTOM_PROPERTIES,
        DEFINITIONS,
        TAGS,
    ],
};

/// Of a table: it names the columns on both sides.
static TABLE_RELATIONSHIP: ObjectShape = ObjectShape {
    noun: "a table's relationship",
    keys: &[
        optional("id", Text),
        optional("type", Word(&["foreignKey"])),
        required("from", Either(&[Text, List(&Text)])),
        required("to", Either(&[Text, List(&Text)])),
        CUSTOM_PROPERTIES,
    ],
};
/// Of a column: it is one side itself.
static COLUMN_RELATIONSHIP: ObjectShape = ObjectShape {
    noun: "a column's relationship",
    keys: &[
        optional("id", Text),
        optional("type", Word(&["foreignKey"])),
        required("to", Either(&[Text, List(&Text)])),
        CUSTOM_PROPERTIES,
    ],
};

/// A rule's kind says what else it must have.
fn check_quality_rule(node: &Node, checker: &mut Checker<'_>) {
    let noun = QUALITY_RULE.noun;
    checker.check_keys(node, noun, QUALITY_RULE.keys);
    let kind = node.get("type").and_then(Node::as_text);
    let needed: &[&str] = match kind {
        Some("library") => &["metric"],
        Some("sql") => &["query"],
        Some("custom") => &["engine", "implementation"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| node.get(key).is_none()) {
        checker.missing(node, &format!("{noun} of type `{}`", kind.unwrap_or_default()), key);
    }
    let compares = matches!(kind, Some("library" | "sql")) || node.get("metric").is_some();
    if compares && !node.entries().iter().any(|entry| entry.key.value.starts_with("must")) {
        checker.missing(node, noun, "mustBe");
    }
}

static QUALITY_RULE: ObjectShape = ObjectShape {
    noun: "a quality rule",
    keys: &[
        optional("id", Text),
        optional("name", Text),
        optional("description", Text),
        optional("type", Word(&["text", "library", "sql", "custom"])),
        optional(
            "dimension",
            Word(&["accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"]),
        ),
        optional("metric", Word(&["nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"])),
        optional("rule", Text),
        optional("arguments", Shape::Map(&Any)),
        optional("query", Text),
        optional("engine", Text),
        optional("implementation", Either(&[Text, Shape::Map(&Any)])),
        optional("mustBe", Any),
        optional("mustNotBe", Any),
        optional("mustBeGreaterThan", Number),
        optional("mustBeGreaterOrEqualTo", Number),
        optional("mustBeLessThan", Number),
        optional("mustBeLessOrEqualTo", Number),
        optional("mustBeBetween", List(&Number)),
        optional("mustNotBeBetween", List(&Number)),
        optional("businessImpact", Text),
        optional("method", Text),
        optional("schedule", Text),
        optional("scheduler", Text),
        optional("severity", Text),
        optional("unit", Text),
        TAGS,
        DEFINITIONS,
        CUSTOM_PROPERTIES,
    ],
};
const QUALITY: crate::shape::Key = optional("quality", List(&Dependent(check_quality_rule)));

static PRICE: ObjectShape = ObjectShape {
    noun: "a price",
    keys: &[
        optional("id", Text),
        optional("priceAmount", Number),
        optional("priceCurrency", Text),
        optional("priceUnit", Text),
    ],
};

static SERVICE_LEVEL: ObjectShape = ObjectShape {
    noun: "a service level",
    keys: &[
        optional("id", Text),
        required("property", Text),
        required("value", ONE_VALUE),
        optional("valueExt", ONE_VALUE),
        optional("unit", Text),
        optional("element", Text),
        optional("driver", Text),
        optional("description", Text),
        optional("scheduler", Text),
        optional("schedule", Text),
        CUSTOM_PROPERTIES,
        DEFINITIONS,
    ],
};
