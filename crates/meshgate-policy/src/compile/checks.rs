//! What Cedar's validation does not know: the mesh, its domains and its levels of classification.

use std::collections::BTreeSet;

use meshgate_catalog::{PolicyOwner, UserDirectory, nearest};

use super::{
    Compilation, Draft,
    condition::Conditions,
    source::{Finding, Source},
};
use crate::{entities::EntityKind, mesh::Mesh};

/// Words that policies compare with, as far as the catalog knows them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
    roles: BTreeSet<String>,
    tags: BTreeSet<String>,
}

impl Known {
    pub(crate) fn of(mesh: &Mesh, users: Option<&UserDirectory>) -> Self {
        let mut known = Self::default();
        for user in users.into_iter().flat_map(UserDirectory::iter) {
            known.users.insert(user.name.clone());
            known.groups.extend(user.groups.iter().cloned());
            known.roles.extend(user.roles.iter().cloned());
        }
        for table in mesh.tables() {
            known.roles.extend(table.contract.roles.iter().cloned());
            let tags = table.tags.iter().chain(table.columns.iter().flat_map(|column| &column.tags));
            for tag in tags {
                if !known.tags.contains(tag) {
                    known.tags.insert(tag.clone());
                }
            }
        }
        known
    }
}

impl Compilation<'_> {
    /// A domain's policy speaks of an entity of that domain.
    pub(super) fn check_domain(&self, source: &mut Source<'_>, draft: &Draft<'_>) {
        let PolicyOwner::Domain(domain) = draft.owner else { return };
        let Some(entity) = draft.resource.entity() else {
            let finding = Finding::error(
                "policy-domain",
                format!("policy `{}` of domain `{domain}` does not say of which resource it speaks", draft.id),
            )
            .hint(format!(
                "write `resource in Domain::\"{domain}\"` or narrower; policies for all domains stand in \
                 `governance/policies`"
            ));
            source.add(finding, draft.place());
            return;
        };
        let id = entity.id().unescaped();
        let owned = match EntityKind::of(entity.type_name()) {
            Some(EntityKind::Domain) => id == domain,
            Some(EntityKind::Product | EntityKind::Table | EntityKind::Column) => {
                id.strip_prefix(domain.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
            _ => false,
        };
        if !owned {
            let finding = Finding::error(
                "policy-domain",
                format!("policy `{}` of domain `{domain}` speaks of `{entity}`, which is not the domain's", draft.id),
            )
            .hint(format!(
                "a domain's policies speak of `Domain::\"{domain}\"` and what is in it; move the policy to the folder \
                 of the owner or of governance"
            ));
            let loc = entity.as_ref().loc().map(|loc| (loc.start(), loc.end().saturating_sub(loc.start())));
            source.add(finding, loc.or(draft.place()));
        }
    }

    /// The entities that it names exist, as far as the catalog can know.
    pub(super) fn check_entities(&self, source: &mut Source<'_>, draft: &Draft<'_>) {
        let mut seen = BTreeSet::new();
        for entity in draft.policy.entity_literals() {
            let Some(kind) = EntityKind::of(entity.type_name()) else { continue };
            let id = entity.id().unescaped();
            if !seen.insert((kind.name(), id.to_owned())) {
                continue;
            }
            let loc = entity.as_ref().loc().map(|loc| (loc.start(), loc.end().saturating_sub(loc.start())));
            let place = loc.or(draft.place());
            match kind {
                EntityKind::Domain | EntityKind::Product | EntityKind::Table | EntityKind::Column => {
                    if self.mesh.contains(&entity) {
                        continue;
                    }
                    let candidates = self.mesh.candidates(kind, id);
                    let finding = Finding::error(
                        "policy-unknown-entity",
                        format!("policy `{}`: there is no `{entity}`", draft.id),
                    )
                    .hint(match nearest(id, candidates.iter().map(String::as_str)) {
                        Some(near) => format!("did you mean `{}::{near:?}`?", kind.name()),
                        None => shape_of(kind).to_owned(),
                    });
                    source.add(finding, place);
                }
                EntityKind::User | EntityKind::Group | EntityKind::Role => {
                    let known = match kind {
                        EntityKind::User => &self.known.users,
                        EntityKind::Group => &self.known.groups,
                        _ => &self.known.roles,
                    };
                    // Who is not in the file may come from elsewhere: only what looks mistyped is worth a word.
                    if !known.contains(id)
                        && let Some(near) = nearest(id, known.iter().map(String::as_str))
                    {
                        let message = format!("policy `{}`: no known user is or has `{entity}`", draft.id);
                        let finding = Finding::warning("policy-unknown-principal", message)
                            .hint(format!("did you mean `{}::{near:?}`?", kind.name()));
                        source.add(finding, place);
                    }
                }
                EntityKind::Action => {}
            }
        }
    }

    /// Cedar takes `principal has statoin` for false, and a forbid would not apply.
    pub(super) fn check_asked_attributes(&self, source: &mut Source<'_>, draft: &Draft<'_>, conditions: &Conditions) {
        let known: [(&str, Vec<&str>); 3] = [
            ("principal", self.attributes.names().collect()),
            ("resource", vec!["classification", "logical_type", "tags"]),
            ("context", vec!["purpose"]),
        ];
        for (variable, known) in known {
            for asked in conditions.asked_attributes(variable) {
                if known.contains(&asked.as_str()) {
                    continue;
                }
                let near = nearest(&asked, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
                let finding = Finding::error(
                    "policy-unknown-attribute",
                    format!("policy `{}`: `{variable}` never has the attribute `{asked}`", draft.id),
                )
                .hint(near.unwrap_or_else(|| match variable {
                    "principal" => "give users the attribute".into(),
                    _ => format!("it has {}", known.join(", ")),
                }));
                source.add(finding, draft.place());
            }
        }
    }

    /// A forbid on a mistyped level or tag would protect nothing.
    pub(super) fn check_compared_values(&self, source: &mut Source<'_>, draft: &Draft<'_>, conditions: &Conditions) {
        let levels = self.snapshot.classifications();
        for text in conditions.compared_texts("classification") {
            if !levels.is_empty() && !levels.contains(&text) {
                let near =
                    nearest(&text, levels.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
                let finding = Finding::error(
                    "policy-unknown-classification",
                    format!("policy `{}`: there is no level of classification `{text}`", draft.id),
                )
                .hint(near.unwrap_or_else(|| format!("the levels are {}", levels.join(", "))));
                source.add(finding, draft.place());
            }
        }
        for text in conditions.contained_texts("tags") {
            if !self.known.tags.contains(&text) {
                let finding = Finding::warning(
                    "policy-unknown-tag",
                    format!("policy `{}`: nothing has the tag `{text}`", draft.id),
                );
                let near = nearest(&text, self.known.tags.iter().map(String::as_str))
                    .map(|near| format!("did you mean `{near}`?"));
                source.add(finding.maybe_hint(near), draft.place());
            }
        }
    }
}

fn shape_of(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Domain => "a domain is written `Domain::\"operations\"`",
        EntityKind::Product => "a product is written `Product::\"operations.departures\"`, without a pinned version",
        EntityKind::Table => "a table is written `Table::\"operations.departures.flights\"`",
        _ => "a column is written `Column::\"operations.departures.flights.origin\"`",
    }
}
