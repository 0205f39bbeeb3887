//! The Cedar schema that policies are validated against, in strict mode.

use cedar_policy::{Schema, SchemaError};
use serde_json::{Map, Value, json};

use crate::{
    attributes::{AttributeType, AttributeTypes},
    entities::Action,
};

/// Generates the schema: the model is fixed, the user's attributes are what users have.
pub(crate) fn generate(attributes: &AttributeTypes) -> Result<Schema, Box<SchemaError>> {
    let text_set = json!({"type": "Set", "element": {"type": "String"}});
    let user: Map<String, Value> = attributes
        .iter()
        .map(|(name, attribute_type)| {
            let declared = match attribute_type {
                AttributeType::Boolean => json!({"type": "Boolean", "required": false}),
                AttributeType::Integer => json!({"type": "Long", "required": false}),
                AttributeType::String => json!({"type": "String", "required": false}),
                AttributeType::Strings => {
                    json!({"type": "Set", "element": {"type": "String"}, "required": false})
                }
            };
            (name.to_owned(), declared)
        })
        .collect();
    let actions: Map<String, Value> = Action::ALL
        .into_iter()
        .map(|action| {
            let resource = if action == Action::ReadRows { "Table" } else { "Column" };
            let applies_to = json!({
                "principalTypes": ["User"],
                "resourceTypes": [resource],
                "context": {"type": "Record", "attributes": {"purpose": {"type": "String", "required": false}}},
            });
            (action.name().to_owned(), json!({"appliesTo": applies_to}))
        })
        .collect();
    let schema = json!({"": {
        "entityTypes": {
            "Group": {},
            "Role": {},
            "User": {"memberOfTypes": ["Group", "Role"], "shape": {"type": "Record", "attributes": user}},
            "Domain": {},
            "Product": {"memberOfTypes": ["Domain"]},
            "Table": {
                "memberOfTypes": ["Product"],
                "shape": {"type": "Record", "attributes": {"tags": text_set}},
            },
            "Column": {
                "memberOfTypes": ["Table"],
                "shape": {"type": "Record", "attributes": {
                    "classification": {"type": "String"},
                    "logical_type": {"type": "String"},
                    "tags": text_set,
                }},
            },
        },
        "actions": actions,
    }});
    Schema::from_json_value(schema).map_err(Box::new)
}
