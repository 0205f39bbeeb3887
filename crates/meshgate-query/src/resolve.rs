//! From the names of a query to tables and grants. What the caller may not discover does not exist, in the same words.

use std::{collections::HashMap, sync::Arc};

use datafusion::common::TableReference;
use meshgate_catalog::{Domain, Product, Table, TableName, nearest};
use meshgate_policy::{ColumnAccess, Denial, Grant, Mask, Principal};

use crate::{
    Mesh, QueryError, Result, SessionSettings,
    denial::denied_table,
    information_schema::{InformationSchema, View},
    mention::Mention,
};

/// How many undiscoverable names are tried before a suggestion is given up.
const MOST_SUGGESTIONS: usize = 64;

/// A table of the query, and what the caller may see of it.
#[derive(Debug, Clone)]
pub(crate) struct DecidedTable {
    /// The name by which SQL reaches it: with a pinned product only where the unpinned one means another major.
    pub(crate) name: TableName,
    pub(crate) declared: Arc<Table>,
    pub(crate) grant: Arc<Grant>,
}

impl DecidedTable {
    /// The same table with those columns denied: their mask does not fit their physical type.
    pub(crate) fn without(&self, unfit: &[(String, Mask)]) -> Self {
        let mut grant = self.grant.as_ref().clone();
        for column in grant.columns.iter_mut().filter(|column| unfit.iter().any(|(name, _)| *name == column.name)) {
            column.access = ColumnAccess::Denied;
            column.denial = Some(Denial::MaskUnfit);
        }
        Self { grant: Arc::new(grant), ..self.clone() }
    }
}

/// What a reference stands for.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A table of the mesh.
    Table(Arc<DecidedTable>),
    /// A view of the caller's metadata.
    Metadata(InformationSchema),
}

/// The tables of a query: each mention with what it stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    targets: Vec<(Mention, Target)>,
}

impl Names {
    /// Each mention with what it stands for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Mention, &Target)> {
        self.targets.iter().map(|(mention, target)| (mention, target))
    }

    /// The mesh's tables among them: each mention with its table.
    pub(crate) fn mentioned_tables(&self) -> impl Iterator<Item = (&Mention, &Arc<DecidedTable>)> {
        self.iter().filter_map(|(mention, target)| match target {
            Target::Table(table) => Some((mention, table)),
            Target::Metadata(_) => None,
        })
    }

    /// The same names with `tables` in the place of those of the same name.
    pub(crate) fn amended(mut self, tables: &[Arc<DecidedTable>]) -> Self {
        for (_, target) in &mut self.targets {
            if let Target::Table(table) = target
                && let Some(amended) = tables.iter().find(|amended| amended.name == table.name)
            {
                *table = amended.clone();
            }
        }
        self
    }

    /// The mesh's tables, each once.
    pub(crate) fn tables(&self) -> Vec<Arc<DecidedTable>> {
        let mut tables: Vec<Arc<DecidedTable>> = Vec::new();
        for (_, table) in self.mentioned_tables() {
            if !tables.iter().any(|known| known.name == table.name) {
                tables.push(table.clone());
            }
        }
        tables
    }
}

/// The mesh as one caller may know it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VisibleMesh<'a> {
    pub(crate) mesh: &'a Mesh,
    pub(crate) principal: &'a Principal,
}

impl<'a> VisibleMesh<'a> {
    /// Resolves every mention, under the session's catalog and schema.
    pub(crate) fn resolve(self, mentions: Vec<Mention>, session: &SessionSettings) -> Result<Names> {
        let mut known: HashMap<TableReference, Target> = HashMap::new();
        let mut targets = Vec::with_capacity(mentions.len());
        for mention in mentions {
            let target = match known.get(&mention.reference) {
                Some(target) => target.clone(),
                None => self.target(&mention.reference, session)?,
            };
            known.insert(mention.reference.clone(), target.clone());
            targets.push((mention, target));
        }
        Ok(Names { targets })
    }

    /// What the caller may see of `table`.
    pub(crate) fn grant(self, table: &Table) -> Arc<Grant> {
        self.mesh.policies.decide(self.principal, table)
    }

    fn target(self, reference: &TableReference, session: &SessionSettings) -> Result<Target> {
        let catalog = reference.catalog().or(session.catalog.as_deref());
        let schema = reference.schema().or(session.schema.as_deref());
        if schema == Some(View::SCHEMA) {
            return self.metadata(reference);
        }
        match (catalog, schema) {
            (Some(domain), Some(product)) => self.table(domain, product, reference.table()),
            _ => Err(self.unqualified(reference)),
        }
    }

    /// `information_schema.x` speaks of all domains, `domain.information_schema.x` of one.
    fn metadata(self, reference: &TableReference) -> Result<Target> {
        if let Some(domain) = reference.catalog() {
            self.domain(domain)?;
        }
        let view = View::named(reference.table())?;
        Ok(Target::Metadata(InformationSchema { domain: reference.catalog().map(str::to_owned), view }))
    }

    fn table(self, domain: &str, product: &str, table: &str) -> Result<Target> {
        let found = self.mesh.catalog.domains().get(domain).and_then(|found| {
            let (declared, grant) = self.discover(found.products.get(product)?.tables.get(table)?)?;
            Some((found, declared, grant))
        });
        let Some((found, declared, grant)) = found else {
            return Err(self.missing(domain, product, table));
        };
        if grant.columns.iter().all(|column| column.access == ColumnAccess::Denied) {
            return Err(denied_table(declared, &grant));
        }
        let name = sql_name(found, product, declared);
        Ok(Target::Table(Arc::new(DecidedTable { name, declared: declared.clone(), grant })))
    }

    /// Which part of the name does not exist for the caller, with the nearest that does.
    fn missing(self, domain: &str, product: &str, table: &str) -> QueryError {
        let found = match self.domain(domain) {
            Ok(found) => found,
            Err(error) => return error,
        };
        let (what, name, candidate) = match found.products.get(product).filter(|found| self.sees_product(found)) {
            None => {
                let candidate = suggest(product, found.products.keys(), |name| {
                    found.products.get(name).is_some_and(|product| self.sees_product(product))
                });
                ("product", format!("{domain}.{product}"), candidate.map(|product| format!("{domain}.{product}")))
            }
            Some(found) => {
                let candidate = suggest(table, found.tables.keys(), |name| {
                    found.tables.get(name).is_some_and(|table| self.discover(table).is_some())
                });
                let name = format!("{domain}.{product}.{table}");
                ("table", name, candidate.map(|table| format!("{domain}.{product}.{table}")))
            }
        };
        let hint = candidate.map(|candidate| format!("; did you mean `{candidate}`?")).unwrap_or_default();
        QueryError::NotFound(format!("{what} `{name}` does not exist{hint}"))
    }

    fn domain(self, name: &str) -> Result<&'a Domain> {
        let domains = self.mesh.catalog.domains();
        if let Some(domain) = domains.get(name).filter(|domain| self.sees_domain(domain)) {
            return Ok(domain);
        }
        let candidate =
            suggest(name, domains.keys(), |name| domains.get(name).is_some_and(|domain| self.sees_domain(domain)));
        let hint = candidate.map(|candidate| format!("; did you mean `{candidate}`?")).unwrap_or_default();
        Err(QueryError::NotFound(format!("domain `{name}` does not exist{hint}")))
    }

    fn unqualified(self, reference: &TableReference) -> QueryError {
        let fits = |product: &str| reference.schema().is_none_or(|schema| schema == product);
        let candidate = self.mesh.catalog.domains().iter().find_map(|(domain, found)| {
            found.products.iter().filter(|(product, _)| fits(product)).find_map(|(product, found)| {
                let table = found.tables.get(reference.table())?;
                self.discover(table).map(|_| format!("{domain}.{product}.{}", reference.table()))
            })
        });
        let hint = match candidate {
            Some(candidate) => format!("did you mean `{candidate}`?"),
            None => "name it `domain.product.table`, or set the session's catalog and schema".to_owned(),
        };
        QueryError::NotFound(format!("table `{reference}` does not exist; {hint}"))
    }

    fn discover(self, table: &Arc<Table>) -> Option<(&Arc<Table>, Arc<Grant>)> {
        let grant = self.grant(table);
        grant.is_discoverable().then_some((table, grant))
    }

    fn sees_product(self, product: &Product) -> bool {
        product.tables.values().any(|table| self.discover(table).is_some())
    }

    fn sees_domain(self, domain: &Domain) -> bool {
        domain.products.values().any(|product| self.sees_product(product))
    }
}

/// The one name for a table that is reached as `product` and perhaps as another.
pub(crate) fn sql_name(domain: &Domain, product: &str, table: &Arc<Table>) -> TableName {
    let unpinned = domain.products.get(&table.name.product).and_then(|product| product.tables.get(&table.name.table));
    match unpinned {
        Some(unpinned) if Arc::ptr_eq(unpinned, table) => table.name.clone(),
        _ => TableName::new(&table.name.domain, product, &table.name.table),
    }
}

/// The nearest of `candidates` that is `visible`.
fn suggest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a String>,
    visible: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let mut candidates: Vec<&str> = candidates.map(String::as_str).collect();
    for _ in 0..MOST_SUGGESTIONS {
        let best = nearest(word, candidates.iter().copied())?;
        if visible(best) {
            return Some(best);
        }
        candidates.retain(|candidate| *candidate != best);
    }
    None
}
