//! The compiled policies of one catalog revision.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use cedar_policy::Validator;
use meshgate_catalog::{CatalogSnapshot, Diagnostic, Report, Severity, Table, UserDirectory};

use crate::{
    Grant, Principal,
    attributes::AttributeTypes,
    compile::{Compilation, CompiledPolicy, Known},
    decide::Deciding,
    entities::Vocabulary,
    memo::Memo,
    mesh::Mesh,
    plan::{ScopeIndex, TablePlan},
    schema,
};

/// How many tables' plans are kept; past it they are built anew, in some hundred microseconds each.
const MAX_PLANS: usize = 4096;

/// The policies of one catalog revision: validated, and bound to its tables.
#[derive(Debug)]
pub struct Policies {
    vocabulary: Vocabulary,
    policies: Vec<CompiledPolicy>,
    index: ScopeIndex,
    attributes: AttributeTypes,
    needs_classification: bool,
    /// Keeps the tables alive that `addresses` knows by their address.
    snapshot: Arc<CatalogSnapshot>,
    /// Two majors of a product have tables of one name: a table is known by where it is in memory.
    addresses: HashMap<usize, usize>,
    plans: RwLock<HashMap<usize, Arc<TablePlan>>>,
    memo: Memo,
}

impl Policies {
    /// Compiles and validates every policy file. Warnings come back beside the policies; any error gives the
    /// report alone.
    pub fn compile(snapshot: Arc<CatalogSnapshot>) -> Result<(Self, Report), Report> {
        let users = snapshot.users().cloned();
        Self::compile_for(snapshot, users.as_ref())
    }

    /// The same where users come from elsewhere than the catalog's own file: `users` tells which attributes there
    /// are, and of which types.
    pub fn compile_for(
        snapshot: Arc<CatalogSnapshot>,
        users: Option<&UserDirectory>,
    ) -> Result<(Self, Report), Report> {
        let mut findings = Vec::new();
        let attributes = AttributeTypes::collect(users, &mut findings);
        let prepared = Vocabulary::new()
            .map_err(|error| error.to_string())
            .and_then(|vocabulary| Ok((vocabulary, schema::generate(&attributes).map_err(|error| error.to_string())?)));
        let (vocabulary, schema) = match prepared {
            Ok(prepared) => prepared,
            Err(message) => {
                findings.push(Diagnostic {
                    rule: "user-attribute-name",
                    severity: Severity::Error,
                    message: format!("the users' attributes can't be used in policies: {message}"),
                    file: PathBuf::from("users.yaml"),
                    span: None,
                    hint: Some("give each attribute a plain name".into()),
                });
                return Err(Report { diagnostics: findings });
            }
        };
        let mesh = Mesh::of(&snapshot);
        let policies = Compilation {
            snapshot: &snapshot,
            mesh: &mesh,
            known: Known::of(&mesh, users),
            attributes: &attributes,
            validator: &Validator::new(schema),
        }
        .compile(&mut findings);
        findings.sort_by(|one, other| {
            let place = |finding: &Diagnostic| finding.span.map_or(0, |span| span.offset);
            (&one.file, place(one), one.rule, &one.message).cmp(&(
                &other.file,
                place(other),
                other.rule,
                &other.message,
            ))
        });
        let report = Report { diagnostics: findings };
        if report.has_errors() {
            return Err(report);
        }
        let addresses = mesh.tables().enumerate().map(|(position, table)| (address(table), position)).collect();
        let index = ScopeIndex::new(&policies);
        let compiled = Self {
            vocabulary,
            policies,
            index,
            attributes,
            needs_classification: !snapshot.classifications().is_empty(),
            snapshot,
            addresses,
            plans: RwLock::default(),
            memo: Memo::new(),
        };
        Ok((compiled, report))
    }

    /// The snapshot that they were compiled for.
    pub fn snapshot(&self) -> &Arc<CatalogSnapshot> {
        &self.snapshot
    }

    /// What `principal` may see of `table`. Remembered by the whole principal, never across revisions; a table that
    /// is not the snapshot's own is decided afresh each time.
    pub fn decide(&self, principal: &Principal, table: &Table) -> Arc<Grant> {
        let Some(position) = self.addresses.get(&address(table)).copied() else {
            return Arc::new(self.decide_afresh(principal, table, &self.plan(table)));
        };
        if let Some(grant) = self.memo.get(principal, position) {
            return grant;
        }
        let known = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(&position).cloned();
        let plan = known.unwrap_or_else(|| {
            let plan = Arc::new(self.plan(table));
            let mut plans = self.plans.write().unwrap_or_else(PoisonError::into_inner);
            if plans.len() >= MAX_PLANS {
                plans.clear();
            }
            plans.insert(position, Arc::clone(&plan));
            plan
        });
        let grant = Arc::new(self.decide_afresh(principal, table, &plan));
        self.memo.insert(principal, position, Arc::clone(&grant));
        grant
    }

    fn plan(&self, table: &Table) -> TablePlan {
        TablePlan::new(&self.vocabulary, &self.policies, &self.index, table)
    }

    fn decide_afresh(&self, principal: &Principal, table: &Table, plan: &TablePlan) -> Grant {
        if let Some(attribute) = self.attributes.clash(principal) {
            tracing::warn!(
                user = %principal.user,
                %attribute,
                "a user's attribute is of another type than the policies were checked against: everything is denied"
            );
            return Deciding::refuse(table);
        }
        Deciding {
            vocabulary: &self.vocabulary,
            policies: &self.policies,
            principal,
            table,
            plan,
            needs_classification: self.needs_classification,
        }
        .decide()
    }
}

/// Where a table is. Sound as a key as long as the snapshot keeps it there.
fn address(table: &Table) -> usize {
    std::ptr::from_ref(table) as usize
}

#[cfg(test)]
mod tests;
