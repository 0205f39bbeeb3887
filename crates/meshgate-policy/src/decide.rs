//! One principal, one table: the decision.
//!
//! Which policies are evaluated is decided by their scopes; Cedar evaluates the conditions of those, each policy
//! alone, so that an error or a satisfied forbid hides no other's outcome.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{Authorizer, Context, Decision, Effect, Entities, Entity, EntityUid, Request, RestrictedExpression};
use meshgate_catalog::{AttributeValue, Table};

use crate::{
    ColumnAccess, ColumnGrant, Denial, FilterSource, Grant, Mask, PolicyReference, Principal, RowAccess,
    compile::CompiledPolicy,
    entities::{Action, Vocabulary},
    plan::{Grouping, TablePlan},
    scope::Caller,
};

/// A decision in the making.
pub(crate) struct Deciding<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) policies: &'a [CompiledPolicy],
    pub(crate) principal: &'a Principal,
    pub(crate) table: &'a Table,
    pub(crate) plan: &'a TablePlan,
    /// Whether an unclassified column is denied.
    pub(crate) needs_classification: bool,
}

/// What one policy says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Satisfied,
    NotSatisfied,
    Failed,
}

/// What all policies together say to one request.
#[derive(Debug, Default, Clone)]
struct Verdict<'a> {
    permits: Vec<&'a CompiledPolicy>,
    forbids: Vec<&'a CompiledPolicy>,
    failures: Vec<&'a CompiledPolicy>,
}

impl<'a> Verdict<'a> {
    fn add(&mut self, policy: &'a CompiledPolicy, outcome: Outcome) {
        match (outcome, policy.effect) {
            (Outcome::Satisfied, Effect::Permit) => self.permits.push(policy),
            (Outcome::Satisfied, Effect::Forbid) => self.forbids.push(policy),
            (Outcome::NotSatisfied, _) => {}
            (Outcome::Failed, _) => self.failures.push(policy),
        }
    }

    fn is_allowed(&self) -> bool {
        self.failures.is_empty() && self.forbids.is_empty() && !self.permits.is_empty()
    }

    /// Why it is not allowed.
    fn denial(&self) -> Denial {
        if !self.failures.is_empty() {
            Denial::PolicyError
        } else if !self.forbids.is_empty() {
            Denial::Forbidden
        } else {
            Denial::NotPermitted
        }
    }

    /// The policies that denied.
    fn against(&self) -> impl Iterator<Item = &'a CompiledPolicy> {
        self.failures.iter().chain(&self.forbids).copied()
    }
}

/// What is decided of all columns of a class.
struct ClassDecision {
    access: ClassAccess,
    discoverable: bool,
    policies: Arc<[PolicyReference]>,
}

enum ClassAccess {
    Raw,
    Masked(Vec<Mask>),
    Denied(Denial),
}

/// The evaluation of conditions, prepared when the first one is met.
struct Evaluation {
    authorizer: Authorizer,
    entities: Entities,
    context: Context,
}

/// The policies about all columns that the caller is in the scope of, evaluated for one action.
struct Prepared<'a> {
    action: Action,
    /// What is the same for each column.
    verdict: Verdict<'a>,
    by_column: Vec<ByColumn<'a>>,
}

/// A policy whose conditions look at the column: its outcome for each group of classes.
struct ByColumn<'a> {
    policy: &'a CompiledPolicy,
    outcomes: Vec<Outcome>,
    grouping: &'a Grouping,
}

impl<'a> Deciding<'a> {
    pub(crate) fn decide(&self) -> Grant {
        let caller = Caller::new(self.vocabulary, self.principal);
        let evaluation = OnceCell::new();
        let request = Requests { deciding: self, caller: &caller, evaluation: &evaluation };
        let prepared = Action::ON_COLUMNS.map(|action| request.prepare(action));
        let classes: Vec<ClassDecision> =
            (0..self.plan.classes.len()).map(|class| request.decide_class(class, &prepared)).collect();
        let columns: Vec<ColumnGrant> = (self.table.columns.iter().zip(&self.plan.class_of))
            .map(|(column, class)| self.column_grant(column, &classes[*class]))
            .collect();
        let (rows, row_policies) = request.rows();
        let mut policies: Vec<PolicyReference> = row_policies;
        policies.extend(classes.iter().flat_map(|class| class.policies.iter().cloned()));
        sort(&mut policies);
        Grant { table: self.table.name.clone(), columns, rows, policies }
    }

    /// Everything denied, without a policy's doing.
    pub(crate) fn refuse(table: &Table) -> Grant {
        let columns = table.columns.iter().map(|column| ColumnGrant {
            name: column.name.clone(),
            access: ColumnAccess::Denied,
            discoverable: false,
            denial: Some(Denial::PolicyError),
            policies: Arc::default(),
        });
        Grant { table: table.name.clone(), columns: columns.collect(), rows: RowAccess::Nothing, policies: Vec::new() }
    }

    fn column_grant(&self, column: &meshgate_catalog::Column, class: &ClassDecision) -> ColumnGrant {
        let unclassified = self.needs_classification && column.classification.is_none();
        let (access, denial) = match &class.access {
            ClassAccess::Denied(denial) => (ColumnAccess::Denied, Some(*denial)),
            _ if unclassified => (ColumnAccess::Denied, Some(Denial::Unclassified)),
            ClassAccess::Raw => (ColumnAccess::Raw, None),
            ClassAccess::Masked(masks) => match Mask::strictest(masks) {
                // One mask that doesn't fit denies, even where another fits: no mask is passed over.
                Some(mask) if masks.iter().all(|mask| mask.fits(column.logical_type)) => {
                    (ColumnAccess::Masked(mask), None)
                }
                _ => (ColumnAccess::Denied, Some(Denial::MaskUnfit)),
            },
        };
        ColumnGrant {
            name: column.name.clone(),
            access,
            discoverable: class.discoverable,
            denial,
            policies: if denial == Some(Denial::Unclassified) { Arc::default() } else { Arc::clone(&class.policies) },
        }
    }
}

/// The requests of one decision.
struct Requests<'a, 'd> {
    deciding: &'d Deciding<'a>,
    caller: &'d Caller,
    evaluation: &'d OnceCell<Option<Evaluation>>,
}

impl<'a> Requests<'a, '_> {
    /// Evaluates once what does not depend on the column.
    fn prepare(&self, action: Action) -> Prepared<'a> {
        let mut prepared = Prepared { action, verdict: Verdict::default(), by_column: Vec::new() };
        let Some(any_column) = self.deciding.plan.classes.first() else { return prepared };
        for position in &self.deciding.plan.about_columns {
            let policy = &self.deciding.policies[*position];
            if !policy.actions.contains(action) || !policy.principal.covers(self.caller) {
                continue;
            }
            let reads = policy.condition.as_ref().map(|condition| condition.reads).filter(|reads| !reads.is_nothing());
            match reads.and_then(|reads| self.deciding.plan.grouping(reads)) {
                None => prepared.verdict.add(policy, self.outcome(policy, action, &any_column.entity)),
                Some(grouping) => {
                    let first = grouping.first_of.iter().map(|class| &self.deciding.plan.classes[*class].entity);
                    let outcomes = first.map(|entity| self.outcome(policy, action, entity)).collect();
                    prepared.by_column.push(ByColumn { policy, outcomes, grouping });
                }
            }
        }
        prepared
    }

    fn verdict(&self, prepared: &Prepared<'a>, class_position: usize) -> Verdict<'a> {
        let class = &self.deciding.plan.classes[class_position];
        let mut verdict = prepared.verdict.clone();
        for ByColumn { policy, outcomes, grouping } in &prepared.by_column {
            verdict.add(policy, outcomes[grouping.group_of[class_position]]);
        }
        for position in &class.about_it {
            let policy = &self.deciding.policies[*position];
            if policy.actions.contains(prepared.action) && policy.principal.covers(self.caller) {
                verdict.add(policy, self.outcome(policy, prepared.action, &class.entity));
            }
        }
        verdict
    }

    fn decide_class(&self, class: usize, prepared: &[Prepared<'a>; 3]) -> ClassDecision {
        let [discover, select, select_masked] = prepared;
        let discover = self.verdict(discover, class);
        if !discover.is_allowed() {
            let access = ClassAccess::Denied(discover.denial());
            return ClassDecision { access, discoverable: false, policies: references(discover.against()).into() };
        }
        let select = self.verdict(select, class);
        if select.is_allowed() {
            let policies = references(discover.permits.into_iter().chain(select.permits));
            return ClassDecision { access: ClassAccess::Raw, discoverable: true, policies: policies.into() };
        }
        let select_masked = self.verdict(select_masked, class);
        let masks: Vec<Mask> = select_masked.permits.iter().filter_map(|policy| policy.mask).collect();
        if select_masked.is_allowed() && !masks.is_empty() {
            let masking = select_masked.permits.iter().copied().filter(|policy| policy.mask.is_some());
            let policies = references(discover.permits.iter().copied().chain(masking).chain(select.against()));
            return ClassDecision { access: ClassAccess::Masked(masks), discoverable: true, policies: policies.into() };
        }
        // The default is the weakest reason: where a policy spoke, it is the policy's doing.
        let denial =
            [select.denial(), select_masked.denial()].into_iter().find(|denial| *denial == Denial::PolicyError);
        let denial = denial.unwrap_or(match select.denial() {
            Denial::NotPermitted => select_masked.denial(),
            spoken => spoken,
        });
        let policies = references(select.against().chain(select_masked.against()));
        ClassDecision { access: ClassAccess::Denied(denial), discoverable: true, policies: policies.into() }
    }

    /// Which rows show, and the policies that decided it.
    fn rows(&self) -> (RowAccess, Vec<PolicyReference>) {
        let deciding = self.deciding;
        if deciding.plan.about_rows.is_empty() {
            return (RowAccess::All, Vec::new());
        }
        let mut verdict = Verdict::default();
        for position in &deciding.plan.about_rows {
            let policy = &deciding.policies[*position];
            if policy.principal.covers(self.caller) {
                verdict.add(policy, self.outcome(policy, Action::ReadRows, &deciding.plan.path.table));
            }
        }
        if !verdict.failures.is_empty() {
            return (RowAccess::Nothing, references(verdict.failures));
        }
        let everything: Vec<_> =
            verdict.forbids.iter().copied().filter(|policy| self.hides_everything(policy)).collect();
        if !everything.is_empty() {
            return (RowAccess::Nothing, references(everything));
        }
        let permits: Vec<_> = verdict.permits.into_iter().filter(|policy| self.has_attributes(policy)).collect();
        if permits.is_empty() {
            return (RowAccess::Nothing, Vec::new());
        }
        let policies = references(permits.iter().chain(&verdict.forbids).copied());
        let unfiltered = permits.iter().any(|policy| policy.row_filter.is_none());
        let any_of = if unfiltered { Vec::new() } else { filters(&permits) };
        let none_of = filters(&verdict.forbids);
        if any_of.is_empty() && none_of.is_empty() {
            return (RowAccess::All, policies);
        }
        let attributes = self.attributes_of(permits.iter().filter(|_| !unfiltered).chain(&verdict.forbids).copied());
        (RowAccess::Filtered { any_of, none_of, attributes }, policies)
    }

    /// A forbid without a filter, or with one that lacks an attribute: then it is NULL, and NULL hides.
    fn hides_everything(&self, policy: &CompiledPolicy) -> bool {
        policy.row_filter.is_none() || !self.has_attributes(policy)
    }

    /// Whether the caller has the attributes that the policy's filter speaks of.
    fn has_attributes(&self, policy: &CompiledPolicy) -> bool {
        let attributes = &self.deciding.principal.attributes;
        policy
            .row_filter
            .as_ref()
            .is_none_or(|filter| filter.attributes().iter().all(|name| attributes.contains_key(name)))
    }

    fn attributes_of(&self, policies: impl Iterator<Item = &'a CompiledPolicy>) -> BTreeMap<String, AttributeValue> {
        let named = policies.filter_map(|policy| policy.row_filter.as_ref()).flat_map(|filter| filter.attributes());
        named
            .filter_map(|name| self.deciding.principal.attributes.get_key_value(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The caller and the resource are in the policy's scope: what is left are its conditions.
    fn outcome(&self, policy: &CompiledPolicy, action: Action, resource: &EntityUid) -> Outcome {
        let Some(condition) = &policy.condition else { return Outcome::Satisfied };
        let Some(evaluation) = self.evaluation.get_or_init(|| self.evaluation()) else { return self.failed(policy) };
        let request = Request::new(
            self.caller.user.clone(),
            self.deciding.vocabulary.action(action),
            resource.clone(),
            evaluation.context.clone(),
            None,
        );
        let Ok(request) = request else { return self.failed(policy) };
        let response = evaluation.authorizer.is_authorized(&request, &condition.alone, &evaluation.entities);
        if response.diagnostics().errors().next().is_some() {
            return self.failed(policy);
        }
        let satisfied = match policy.effect {
            Effect::Permit => response.decision() == Decision::Allow,
            // Deny is the default as well: only a reason tells.
            Effect::Forbid => response.diagnostics().reason().next().is_some(),
        };
        if satisfied { Outcome::Satisfied } else { Outcome::NotSatisfied }
    }

    /// The log names the policy; what Cedar says may hold values.
    fn failed(&self, policy: &CompiledPolicy) -> Outcome {
        let table = &self.deciding.table.name;
        tracing::warn!(policy = %policy.reference, %table, "a policy could not be evaluated: denied");
        Outcome::Failed
    }

    fn evaluation(&self) -> Option<Evaluation> {
        let principal = self.deciding.principal;
        let attributes: HashMap<String, RestrictedExpression> =
            principal.attributes.iter().map(|(name, value)| (name.clone(), expression(value))).collect();
        let parents: HashSet<EntityUid> = self.caller.parents.clone();
        let user = Entity::new(self.caller.user.clone(), attributes, parents).ok()?;
        let entities = self.deciding.plan.entities.clone()?.add_entities([user], None).ok()?;
        let purpose = principal
            .purpose
            .iter()
            .map(|purpose| ("purpose".to_owned(), RestrictedExpression::new_string(purpose.clone())));
        let context = Context::from_pairs(purpose).ok()?;
        Some(Evaluation { authorizer: Authorizer::new(), entities, context })
    }
}

fn expression(value: &AttributeValue) -> RestrictedExpression {
    match value {
        AttributeValue::Boolean(value) => RestrictedExpression::new_bool(*value),
        AttributeValue::Integer(value) => RestrictedExpression::new_long(*value),
        AttributeValue::String(value) => RestrictedExpression::new_string(value.clone()),
        AttributeValue::Strings(values) => {
            RestrictedExpression::new_set(values.iter().cloned().map(RestrictedExpression::new_string))
        }
    }
}

fn filters(policies: &[&CompiledPolicy]) -> Vec<FilterSource> {
    let mut filters: Vec<FilterSource> = policies
        .iter()
        .filter_map(|policy| {
            let filter = policy.row_filter.as_ref()?;
            Some(FilterSource { sql: filter.sql().to_owned(), policy: policy.reference.clone() })
        })
        .collect();
    filters.sort_by(|one, other| one.policy.cmp(&other.policy).then_with(|| one.sql.cmp(&other.sql)));
    filters
}

fn references<'a>(policies: impl IntoIterator<Item = &'a CompiledPolicy>) -> Vec<PolicyReference> {
    let mut references: Vec<PolicyReference> = policies.into_iter().map(|policy| policy.reference.clone()).collect();
    sort(&mut references);
    references
}

/// Whatever the order of files and policies, the same answer.
fn sort(references: &mut Vec<PolicyReference>) {
    references.sort();
    references.dedup();
}
