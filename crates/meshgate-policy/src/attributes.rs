//! The attributes that users have, and their types.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use meshgate_catalog::{AttributeValue, Diagnostic, Severity, UserDirectory};

use crate::Principal;

/// The type of a user's attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttributeType {
    Boolean,
    Integer,
    String,
    Strings,
}

impl AttributeType {
    pub(crate) fn of(value: &AttributeValue) -> Self {
        match value {
            AttributeValue::Boolean(_) => AttributeType::Boolean,
            AttributeValue::Integer(_) => AttributeType::Integer,
            AttributeValue::String(_) => AttributeType::String,
            AttributeValue::Strings(_) => AttributeType::Strings,
        }
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            AttributeType::Boolean => "a truth value",
            AttributeType::Integer => "a whole number",
            AttributeType::String => "text",
            AttributeType::Strings => "a list of texts",
        })
    }
}

/// The attribute names that policies may speak of. Each is optional: no user needs to have any.
#[derive(Debug, Clone, Default)]
pub(crate) struct AttributeTypes {
    types: BTreeMap<String, AttributeType>,
}

impl AttributeTypes {
    /// Collects them over all users. An attribute must have one type.
    pub(crate) fn collect(users: Option<&UserDirectory>, findings: &mut Vec<Diagnostic>) -> Self {
        let mut found: BTreeMap<String, (AttributeType, &str)> = BTreeMap::new();
        for user in users.into_iter().flat_map(UserDirectory::iter) {
            for (name, value) in &user.attributes {
                let attribute_type = AttributeType::of(value);
                let (first_type, first_user) =
                    *found.entry(name.clone()).or_insert((attribute_type, user.name.as_str()));
                if first_type != attribute_type {
                    findings.push(Diagnostic {
                        rule: "user-attribute-type",
                        severity: Severity::Error,
                        message: format!(
                            "attribute `{name}` is {first_type} for user `{first_user}` and {attribute_type} for user \
                             `{}`",
                            user.name
                        ),
                        file: PathBuf::from("users.yaml"),
                        span: None,
                        hint: Some(format!("give `{name}` one type for all users")),
                    });
                }
            }
        }
        Self { types: found.into_iter().map(|(name, (attribute_type, _))| (name, attribute_type)).collect() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<AttributeType> {
        self.types.get(name).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, AttributeType)> {
        self.types.iter().map(|(name, attribute_type)| (name.as_str(), *attribute_type))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// The first attribute of `principal` that has another type than the policies were checked against. A
    /// comparison with it would quietly be false, and a forbid not apply.
    pub(crate) fn clash<'a>(&self, principal: &'a Principal) -> Option<&'a str> {
        principal
            .attributes
            .iter()
            .find(|(name, value)| self.get(name).is_some_and(|declared| declared != AttributeType::of(value)))
            .map(|(name, _)| name.as_str())
    }
}
