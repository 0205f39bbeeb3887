//! What a policy's `when` and `unless` look at, read from Cedar's JSON form of the policy.

use cedar_policy::Policy;
use serde_json::Value;

/// What the conditions read of the resource: columns that agree on it get the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ResourceReads {
    /// Which resource it is, or something that is not looked into.
    pub(crate) identity: bool,
    pub(crate) classification: bool,
    pub(crate) logical_type: bool,
    pub(crate) tags: bool,
}

impl ResourceReads {
    const EVERYTHING: Self = Self { identity: true, classification: true, logical_type: true, tags: true };

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            identity: self.identity || other.identity,
            classification: self.classification || other.classification,
            logical_type: self.logical_type || other.logical_type,
            tags: self.tags || other.tags,
        }
    }
}

/// The conditions of a policy.
pub(super) struct Conditions {
    /// Cedar's JSON form; `None` if there is none, which then reads everything.
    json: Option<Value>,
}

impl Conditions {
    pub(super) fn of(policy: &Policy) -> Self {
        Self { json: policy.to_json().ok().and_then(|mut json| json.get_mut("conditions").map(Value::take)) }
    }

    pub(super) fn resource_reads(&self) -> ResourceReads {
        self.json.as_ref().map_or(ResourceReads::EVERYTHING, reads)
    }

    /// The texts that `resource.<attribute>` is compared with, by `==`, `!=` or `[…].contains(…)`.
    pub(super) fn compared_texts(&self, attribute: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(json) = &self.json {
            collect_compared(json, attribute, &mut texts);
        }
        texts
    }

    /// The attributes that `has` asks of `principal`, `resource` or `context`.
    pub(super) fn asked_attributes(&self, variable: &str) -> Vec<String> {
        let mut asked = Vec::new();
        if let Some(json) = &self.json {
            for_each_object(json, &mut |fields| {
                if let Some(test) = fields.get("has")
                    && test.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str) == Some(variable)
                {
                    asked.extend(test.get("attr").and_then(Value::as_str).map(str::to_owned));
                }
            });
        }
        asked
    }

    /// The texts that `resource.<set attribute>` is asked for, by `.contains("…")`.
    pub(super) fn contained_texts(&self, attribute: &str) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(json) = &self.json {
            collect_contained(json, attribute, &mut texts);
        }
        texts
    }
}

/// Errs on the side of reading more: a shape it doesn't know counts as reading everything.
fn reads(json: &Value) -> ResourceReads {
    match json {
        Value::Array(items) => items.iter().map(reads).fold(ResourceReads::default(), ResourceReads::or),
        Value::Object(fields) => {
            if let Some(attribute) = fields.get(".").and_then(resource_attribute) {
                let nothing = ResourceReads::default();
                return match attribute {
                    "classification" => ResourceReads { classification: true, ..nothing },
                    "logical_type" => ResourceReads { logical_type: true, ..nothing },
                    "tags" => ResourceReads { tags: true, ..nothing },
                    _ => ResourceReads::EVERYTHING,
                };
            }
            if fields.get("Var").and_then(Value::as_str) == Some("resource") {
                return ResourceReads::EVERYTHING;
            }
            fields.values().map(reads).fold(ResourceReads::default(), ResourceReads::or)
        }
        _ => ResourceReads::default(),
    }
}

/// The attribute of `{"left": {"Var": "resource"}, "attr": …}`.
fn resource_attribute(access: &Value) -> Option<&str> {
    let of_resource = access.get("left")?.get("Var")?.as_str()? == "resource";
    if of_resource { access.get("attr")?.as_str() } else { None }
}

fn is_attribute(json: &Value, attribute: &str) -> bool {
    json.get(".").and_then(resource_attribute) == Some(attribute)
}

fn text(json: &Value) -> Option<&str> {
    json.get("Value")?.as_str()
}

fn collect_compared(json: &Value, attribute: &str, texts: &mut Vec<String>) {
    for_each_object(json, &mut |fields| {
        for operator in ["==", "!="] {
            let Some(sides) = fields.get(operator) else { continue };
            let (Some(left), Some(right)) = (sides.get("left"), sides.get("right")) else { continue };
            for (one, other) in [(left, right), (right, left)] {
                if is_attribute(one, attribute) {
                    texts.extend(text(other).map(str::to_owned));
                }
            }
        }
        if let Some(call) = fields.get("contains")
            && call.get("right").is_some_and(|right| is_attribute(right, attribute))
        {
            let members = call.get("left").and_then(|left| left.get("Set")).and_then(Value::as_array);
            texts.extend(members.into_iter().flatten().filter_map(text).map(str::to_owned));
        }
    });
}

fn collect_contained(json: &Value, attribute: &str, texts: &mut Vec<String>) {
    for_each_object(json, &mut |fields| {
        if let Some(call) = fields.get("contains")
            && call.get("left").is_some_and(|left| is_attribute(left, attribute))
        {
            texts.extend(call.get("right").and_then(text).map(str::to_owned));
        }
        for operator in ["containsAny", "containsAll"] {
            if let Some(call) = fields.get(operator)
                && call.get("left").is_some_and(|left| is_attribute(left, attribute))
            {
                let members = call.get("right").and_then(|right| right.get("Set")).and_then(Value::as_array);
                texts.extend(members.into_iter().flatten().filter_map(text).map(str::to_owned));
            }
        }
    });
}

fn for_each_object(json: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| for_each_object(item, visit)),
        Value::Object(fields) => {
            visit(fields);
            fields.values().for_each(|value| for_each_object(value, visit));
        }
        _ => {}
    }
}
