//! Policy files become [`CompiledPolicy`]s, or findings that say in which file and line what is wrong.

mod annotations;
mod checks;
mod condition;
mod source;
mod validation;

use std::collections::{BTreeMap, HashSet};

use cedar_policy::{Effect, EntityUid, Policy, PolicySet, Validator};
use meshgate_catalog::{CatalogSnapshot, Diagnostic, PolicyOwner, Severity};

use crate::{
    Mask, PolicyReference, RowFilter,
    attributes::AttributeTypes,
    entities::EntityKind,
    mesh::Mesh,
    scope::{ActionScope, PrincipalScope, ResourceScope},
};

pub(crate) use checks::Known;
pub(crate) use condition::ResourceReads;

use condition::Conditions;
use source::{Finding, Source, sentence};

/// A validated policy.
#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    pub(crate) reference: PolicyReference,
    pub(crate) effect: Effect,
    pub(crate) principal: PrincipalScope,
    pub(crate) actions: ActionScope,
    pub(crate) resource: ResourceScope,
    /// Its `when` and `unless`; `None` = in scope is satisfied.
    pub(crate) condition: Option<Condition>,
    /// Columns that its scope or its conditions name.
    pub(crate) named_columns: Vec<EntityUid>,
    pub(crate) mask: Option<Mask>,
    pub(crate) row_filter: Option<RowFilter>,
}

/// What Cedar evaluates.
#[derive(Debug)]
pub(crate) struct Condition {
    /// The policy alone, so that its outcome does not hide behind another's.
    pub(crate) alone: PolicySet,
    pub(crate) reads: ResourceReads,
}

/// What policies are compiled against.
pub(crate) struct Compilation<'a> {
    pub(crate) snapshot: &'a CatalogSnapshot,
    pub(crate) mesh: &'a Mesh,
    pub(crate) known: Known,
    pub(crate) attributes: &'a AttributeTypes,
    pub(crate) validator: &'a Validator,
}

/// A policy on its way through the checks.
struct Draft<'a> {
    policy: &'a Policy,
    /// `@id`, or Cedar's `policy<n>` by position in the file.
    id: String,
    owner: &'a PolicyOwner,
    actions: ActionScope,
    resource: ResourceScope,
}

impl Draft<'_> {
    fn place(&self) -> Option<(usize, usize)> {
        self.policy.as_ref().loc().map(|loc| (loc.start(), loc.end().saturating_sub(loc.start())))
    }

    /// The place of that annotation, key and value.
    fn annotation_place(&self, key: &str) -> Option<(usize, usize)> {
        let policy = self.policy.as_ref();
        let (_, annotation) = policy.annotations().find(|(name, _)| AsRef::<str>::as_ref(*name) == key)?;
        let loc = annotation.loc.as_ref()?;
        Some((loc.start(), loc.end().saturating_sub(loc.start())))
    }

    fn is_permit(&self) -> bool {
        self.policy.effect() == Effect::Permit
    }
}

impl Compilation<'_> {
    /// Compiles all policy files. The policies are of use only if no finding is an error.
    pub(crate) fn compile(&self, findings: &mut Vec<Diagnostic>) -> Vec<CompiledPolicy> {
        let mut compiled = Vec::new();
        // (owner's domain or none, id) → the file that has it
        let mut ids: BTreeMap<(Option<String>, String), String> = BTreeMap::new();
        for file in self.snapshot.policy_files() {
            let mut source = Source::new(file);
            if let Some(set) = parse(&mut source) {
                self.compile_file(&mut source, &set, &mut ids, &mut compiled);
            }
            findings.append(&mut source.findings);
        }
        compiled
    }

    fn compile_file(
        &self,
        source: &mut Source<'_>,
        set: &PolicySet,
        ids: &mut BTreeMap<(Option<String>, String), String>,
        compiled: &mut Vec<CompiledPolicy>,
    ) {
        let file = source.file;
        let mut policies: Vec<&Policy> = set.policies().collect();
        policies.sort_by_key(|policy| policy.as_ref().loc().map(|loc| loc.start()));
        let drafts: Vec<Draft<'_>> = policies
            .into_iter()
            .map(|policy| Draft {
                policy,
                id: policy.annotation("id").filter(|id| !id.is_empty()).unwrap_or(policy.id().as_ref()).to_owned(),
                owner: &file.owner,
                actions: ActionScope::of(policy),
                resource: ResourceScope::of(policy),
            })
            .collect();
        let mut faulty = HashSet::new();
        for draft in &drafts {
            let before = source.findings.len();
            check_id(source, draft, ids);
            self.check_annotation_names(source, draft);
            self.check_domain(source, draft);
            self.check_entities(source, draft);
            let conditions = Conditions::of(draft.policy);
            self.check_asked_attributes(source, draft, &conditions);
            self.check_compared_values(source, draft, &conditions);
            let mask = self.mask(source, draft);
            let row_filter = self.row_filter(source, draft);
            let condition = draft.policy.has_non_scope_constraint().then(|| Condition {
                alone: PolicySet::from_policies([draft.policy.clone()]).unwrap_or_default(),
                reads: conditions.resource_reads(),
            });
            if condition.as_ref().is_some_and(|condition| condition.alone.is_empty()) {
                source.add(
                    Finding::error("policy-schema", format!("policy `{}` can't be evaluated alone", draft.id)),
                    draft.place(),
                );
            }
            if source.findings[before..].iter().any(|finding| finding.severity == Severity::Error) {
                faulty.insert(draft.policy.id().clone());
            }
            compiled.push(CompiledPolicy {
                reference: PolicyReference { id: draft.id.clone(), file: file.path.clone() },
                effect: draft.policy.effect(),
                principal: PrincipalScope::of(draft.policy),
                actions: draft.actions,
                resource: draft.resource.clone(),
                condition,
                named_columns: draft
                    .policy
                    .entity_literals()
                    .into_iter()
                    .filter(|entity| EntityKind::of(entity.type_name()) == Some(EntityKind::Column))
                    .collect(),
                mask,
                row_filter,
            });
        }
        self.validate(source, set, &drafts, faulty);
    }
}

/// Parses a file; templates are refused.
fn parse(source: &mut Source<'_>) -> Option<PolicySet> {
    match source.file.text.parse::<PolicySet>() {
        Ok(set) => {
            let mut has_template = false;
            for template in set.templates() {
                has_template = true;
                let place = template.as_ref().loc().map(|loc| (loc.start(), loc.end().saturating_sub(loc.start())));
                let id = template.annotation("id").unwrap_or(template.id().as_ref()).to_owned();
                let finding = Finding::error("policy-template", format!("policy `{id}` is a template"))
                    .hint("name a principal and a resource instead of `?principal` and `?resource`");
                source.add(finding, place);
            }
            (!has_template).then_some(set)
        }
        Err(errors) => {
            for error in errors.iter() {
                source.add_foreign(Finding::error("policy-syntax", sentence(error)), error, Some((0, 0)));
            }
            None
        }
    }
}

fn check_id(source: &mut Source<'_>, draft: &Draft<'_>, ids: &mut BTreeMap<(Option<String>, String), String>) {
    let file = source.file.path.display().to_string();
    let explicit = draft.policy.annotation("id");
    if explicit == Some("") {
        source.add(
            Finding::error("policy-id", "`@id` is empty").hint("give the policy a name, for instance `analysts-read`"),
            draft.annotation_place("id"),
        );
    }
    // A policy without a name is known by its file and place.
    let owner = match draft.owner {
        PolicyOwner::Governance => None,
        PolicyOwner::Domain(domain) => Some(domain.clone()),
    };
    let key = match explicit {
        Some(_) => (owner, draft.id.clone()),
        None => (owner, format!("{file}/{}", draft.id)),
    };
    if let Some(first) = ids.get(&key) {
        let message = match *first == file {
            true => format!("two policies of this file have the id `{}`", draft.id),
            false => format!("the id `{}` is taken by a policy of `{first}`", draft.id),
        };
        source.add(
            Finding::error("policy-duplicate-id", message).hint("give each policy an id of its own"),
            draft.annotation_place("id").or(draft.place()),
        );
    } else {
        ids.insert(key, file);
    }
}
