//! Cedar's own validation, against the generated schema.

use std::collections::HashSet;

use cedar_policy::{PolicyId, PolicySet, ValidationError, ValidationMode, ValidationWarning};
use meshgate_catalog::{Severity, nearest};

use super::{
    Compilation, Draft,
    source::{Finding, Source, label_of, sentence},
};
use crate::{
    entities::{Action, EntityKind},
    scope::ResourceScope,
};

impl Compilation<'_> {
    /// Validates in strict mode. That a policy never applies is said of those alone that are not `faulty`: in which
    /// nothing else is wrong.
    pub(super) fn validate(
        &self,
        source: &mut Source<'_>,
        set: &PolicySet,
        drafts: &[Draft<'_>],
        mut faulty: HashSet<PolicyId>,
    ) {
        let result = self.validator.validate(set, ValidationMode::Strict);
        let draft_of = |id: &PolicyId| drafts.iter().find(|draft| draft.policy.id() == id);
        // Cedar's order varies.
        let mut errors: Vec<(String, &ValidationError)> =
            result.validation_errors().map(|error| (error.to_string(), error)).collect();
        errors.sort_by(|(one, _), (other, _)| one.cmp(other));
        // One mistake is found once for each action that the policy is about.
        let mut places = HashSet::new();
        for (text, error) in errors {
            let Some(draft) = draft_of(error.policy_id()) else { continue };
            faulty.insert(error.policy_id().clone());
            if places.insert((error.policy_id(), label_of(error))) {
                let finding = Finding::error("policy-schema", named(&text, draft)).maybe_hint(hint(&text, error));
                source.add_foreign(finding, error, draft.place());
            }
        }
        for warning in result.validation_warnings() {
            let Some(draft) = draft_of(warning.policy_id()) else { continue };
            match warning {
                ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_) => {
                    if faulty.insert(warning.policy_id().clone()) {
                        source.add(never_applies(draft), draft.place());
                    }
                }
                _ => {
                    let text = named(&warning.to_string(), draft);
                    source.add_foreign(Finding::warning("policy-text", text), warning, draft.place());
                }
            }
        }
    }
}

/// Cedar names a policy by its position; people by `@id`.
fn named(text: &str, draft: &Draft<'_>) -> String {
    format!("policy `{}`: {}", draft.id, sentence(&text))
}

/// What to do, where Cedar's own help is of little.
fn hint(text: &str, error: &ValidationError) -> Option<String> {
    let text = sentence(&text);
    let quoted = text.split('`').nth(1)?;
    match error {
        ValidationError::UnrecognizedEntityType(_) => {
            let types = EntityKind::ALL.map(EntityKind::name);
            Some(match nearest(quoted, types) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the types are {}", types.join(", ")),
            })
        }
        ValidationError::UnrecognizedActionId(_) => {
            let actions = Action::ALL.map(Action::name);
            let id = quoted.split('"').nth(1).unwrap_or(quoted);
            Some(match nearest(id, actions) {
                Some(near) => format!("did you mean `Action::\"{near}\"`?"),
                None => format!("the actions are {}", actions.join(", ")),
            })
        }
        ValidationError::UnsafeOptionalAttributeAccess(_) => {
            let variable = if text.contains("in context") { "context" } else { "principal" };
            Some(format!("not everyone has it: write `{variable} has {quoted} && {variable}.{quoted} …`"))
        }
        _ => None,
    }
}

fn never_applies(draft: &Draft<'_>) -> Finding {
    let message = format!("policy `{}` can never apply", draft.id);
    // A forbid that never applies protects nothing, and nobody would notice.
    let severity = if draft.is_permit() { Severity::Warning } else { Severity::Error };
    let finding = Finding { severity, ..Finding::error("policy-never-applies", message) };
    let kind = draft.resource.entity().and_then(|entity| EntityKind::of(entity.type_name()));
    let is_equal = matches!(draft.resource, ResourceScope::Entity { inherited: false, .. });
    match kind {
        Some(EntityKind::Domain | EntityKind::Product | EntityKind::Table) if is_equal => {
            finding.hint("write `resource in …`: `==` is that one entity, not what is in it")
        }
        Some(EntityKind::Column) if draft.actions.is_only(Action::ReadRows) => {
            finding.hint("`read_rows` is about tables, the other actions are about columns")
        }
        _ => finding.hint("look at its scope and conditions: no request satisfies them all"),
    }
}
