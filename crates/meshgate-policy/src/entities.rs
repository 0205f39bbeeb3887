//! How the mesh is named to Cedar: entity types, ids and actions.
//!
//! | entity | id |
//! | --- | --- |
//! | `Domain::"operations"` | the domain's name |
//! | `Product::"operations.departures"` | domain and product, without a pinned major |
//! | `Table::"operations.departures.flights"` | the table's three-part name |
//! | `Column::"operations.departures.flights.tailnum"` | the table's name and the column's |
//!
//! A column whose name holds a dot or a double quote is written as SQL writes it: in double quotes, inner ones
//! doubled. The catalog keeps dots out of the other names, so that no two entities share an id.

use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, ParseErrors};
use meshgate_catalog::{LogicalType, TableName};

/// The actions that policies speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Discover,
    Select,
    SelectMasked,
    ReadRows,
}

impl Action {
    pub(crate) const ALL: [Action; 4] = [Action::Discover, Action::Select, Action::SelectMasked, Action::ReadRows];

    /// Those whose resource is a column.
    pub(crate) const ON_COLUMNS: [Action; 3] = [Action::Discover, Action::Select, Action::SelectMasked];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Action::Discover => "discover",
            Action::Select => "select",
            Action::SelectMasked => "select_masked",
            Action::ReadRows => "read_rows",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

/// The type of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum EntityKind {
    User,
    Group,
    Role,
    Domain,
    Product,
    Table,
    Column,
    Action,
}

impl EntityKind {
    pub(crate) const ALL: [EntityKind; 8] = [
        EntityKind::User,
        EntityKind::Group,
        EntityKind::Role,
        EntityKind::Domain,
        EntityKind::Product,
        EntityKind::Table,
        EntityKind::Column,
        EntityKind::Action,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            EntityKind::User => "User",
            EntityKind::Group => "Group",
            EntityKind::Role => "Role",
            EntityKind::Domain => "Domain",
            EntityKind::Product => "Product",
            EntityKind::Table => "Table",
            EntityKind::Column => "Column",
            EntityKind::Action => "Action",
        }
    }

    /// `None` for a type that the schema doesn't have.
    pub(crate) fn of(type_name: &EntityTypeName) -> Option<Self> {
        if type_name.namespace_components().next().is_some() {
            return None;
        }
        Self::ALL.into_iter().find(|kind| kind.name() == type_name.basename())
    }
}

/// The type names, parsed once: ids are never parsed, so that no user, group or column name can inject.
#[derive(Debug, Clone)]
pub(crate) struct Vocabulary {
    types: [EntityTypeName; 8],
}

impl Vocabulary {
    pub(crate) fn new() -> Result<Self, Box<ParseErrors>> {
        let parse = |kind: EntityKind| EntityTypeName::from_str(kind.name()).map_err(Box::new);
        let [user, group, role, domain, product, table, column, action] = EntityKind::ALL;
        Ok(Self {
            types: [
                parse(user)?,
                parse(group)?,
                parse(role)?,
                parse(domain)?,
                parse(product)?,
                parse(table)?,
                parse(column)?,
                parse(action)?,
            ],
        })
    }

    pub(crate) fn entity(&self, kind: EntityKind, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.types[kind as usize].clone(), EntityId::new(id))
    }

    pub(crate) fn action(&self, action: Action) -> EntityUid {
        self.entity(EntityKind::Action, action.name())
    }
}

/// The entities that a table stands under, itself included.
#[derive(Debug, Clone)]
pub(crate) struct TablePath {
    pub(crate) domain: EntityUid,
    pub(crate) product: EntityUid,
    pub(crate) table: EntityUid,
}

impl TablePath {
    pub(crate) fn new(vocabulary: &Vocabulary, name: &TableName) -> Self {
        Self {
            domain: vocabulary.entity(EntityKind::Domain, &name.domain),
            product: vocabulary.entity(EntityKind::Product, &product_id(&name.domain, &name.product)),
            table: vocabulary.entity(EntityKind::Table, &name.to_string()),
        }
    }

    /// Whether that entity is the table, its product or its domain.
    pub(crate) fn contains(&self, entity: &EntityUid) -> bool {
        self.table == *entity || self.product == *entity || self.domain == *entity
    }
}

pub(crate) fn product_id(domain: &str, product: &str) -> String {
    format!("{domain}.{product}")
}

pub(crate) fn column_id(table: &TableName, column: &str) -> String {
    if column.contains(['.', '"']) {
        format!("{table}.\"{}\"", column.replace('"', "\"\""))
    } else {
        format!("{table}.{column}")
    }
}

/// As ODCS writes it.
pub(crate) fn logical_type_name(logical_type: LogicalType) -> &'static str {
    match logical_type {
        LogicalType::String => "string",
        LogicalType::Date => "date",
        LogicalType::Timestamp => "timestamp",
        LogicalType::Time => "time",
        LogicalType::Number => "number",
        LogicalType::Integer => "integer",
        LogicalType::Object => "object",
        LogicalType::Array => "array",
        LogicalType::Boolean => "boolean",
        LogicalType::Map => "map",
        LogicalType::Vector => "vector",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_ids_are_unambiguous() {
        let flights = TableName::new("operations", "departures", "flights");
        let names = ["tailnum", "tail.num", "tail\".num", "\"tail.num\"", "tail\"\".num", "Tail", "tail num", "", "."];
        let ids: Vec<_> = names.iter().map(|name| column_id(&flights, name)).collect();
        assert_eq!(ids[0], "operations.departures.flights.tailnum");
        assert_eq!(ids[1], "operations.departures.flights.\"tail.num\"");
        assert_eq!(ids[2], "operations.departures.flights.\"tail\"\".num\"");
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), names.len());
    }

    #[test]
    fn a_type_in_a_namespace_is_not_ours() {
        let foreign = EntityTypeName::from_str("Other::Table").unwrap();
        assert_eq!(EntityKind::of(&foreign), None);
        let ours = EntityTypeName::from_str("Table").unwrap();
        assert_eq!(EntityKind::of(&ours), Some(EntityKind::Table));
    }
}
