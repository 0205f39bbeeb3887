//! The mesh's entities by the id that policies use.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use cedar_policy::EntityUid;
use meshgate_catalog::{CatalogSnapshot, Column, Table};

use crate::{
    entities::{EntityKind, column_id, product_id},
    scope::ResourceScope,
};

/// The domains, products and tables of a snapshot.
#[derive(Debug)]
pub(crate) struct Mesh {
    domains: BTreeSet<String>,
    products: BTreeSet<String>,
    /// Majors of one product share their ids: a policy speaks of all of them.
    tables: BTreeMap<String, Vec<Arc<Table>>>,
}

impl Mesh {
    pub(crate) fn of(snapshot: &CatalogSnapshot) -> Self {
        let mut mesh = Self { domains: BTreeSet::new(), products: BTreeSet::new(), tables: BTreeMap::new() };
        for (domain_name, domain) in snapshot.domains() {
            mesh.domains.insert(domain_name.clone());
            for product in domain.products.values() {
                mesh.products.insert(product_id(domain_name, &product.name));
                for table in product.tables.values() {
                    let majors = mesh.tables.entry(table.name.to_string()).or_default();
                    if !majors.iter().any(|known| Arc::ptr_eq(known, table)) {
                        majors.push(Arc::clone(table));
                    }
                }
            }
        }
        mesh
    }

    /// Each table once.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values().flatten()
    }

    /// Whether that domain, product, table or column exists.
    pub(crate) fn contains(&self, entity: &EntityUid) -> bool {
        let id = entity.id().unescaped();
        match EntityKind::of(entity.type_name()) {
            Some(EntityKind::Domain) => self.domains.contains(id),
            Some(EntityKind::Product) => self.products.contains(id),
            Some(EntityKind::Table) => self.tables.contains_key(id),
            Some(EntityKind::Column) => self.columns(id).next().is_some(),
            _ => false,
        }
    }

    /// The declared columns of that id, one for each major that has it.
    pub(crate) fn columns<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Column> {
        let majors = self.table_of_column(id).into_iter().flatten();
        majors.flat_map(move |table| {
            table.columns.iter().filter(move |column| column_id(&table.name, &column.name) == id)
        })
    }

    fn table_of_column(&self, id: &str) -> Option<&Vec<Arc<Table>>> {
        let (end, _) = id.match_indices('.').nth(2)?;
        self.tables.get(&id[..end])
    }

    /// The ids that `id` could have been meant to be, of the same type.
    pub(crate) fn candidates(&self, kind: EntityKind, id: &str) -> Vec<String> {
        match kind {
            EntityKind::Domain => self.domains.iter().cloned().collect(),
            EntityKind::Product => self.products.iter().cloned().collect(),
            EntityKind::Table => self.tables.keys().cloned().collect(),
            EntityKind::Column => match self.table_of_column(id) {
                Some(majors) => majors
                    .iter()
                    .flat_map(|table| table.columns.iter().map(|column| column_id(&table.name, &column.name)))
                    .collect(),
                None => self
                    .tables()
                    .flat_map(|table| table.columns.iter().map(|column| column_id(&table.name, &column.name)))
                    .collect(),
            },
            _ => Vec::new(),
        }
    }

    /// The tables whose rows that scope covers.
    pub(crate) fn tables_in<'a>(&'a self, scope: &'a ResourceScope) -> Box<dyn Iterator<Item = &'a Arc<Table>> + 'a> {
        match scope {
            ResourceScope::Anything | ResourceScope::Every(EntityKind::Table) => Box::new(self.tables()),
            ResourceScope::Entity { entity, inherited, kind: None | Some(EntityKind::Table) } => {
                let id = entity.id().unescaped();
                match EntityKind::of(entity.type_name()) {
                    Some(EntityKind::Table) => Box::new(self.tables.get(id).into_iter().flatten()),
                    Some(EntityKind::Product | EntityKind::Domain) if *inherited => {
                        let prefix = format!("{id}.");
                        let from = self.tables.range(prefix.clone()..);
                        Box::new(
                            from.take_while(move |(name, _)| name.starts_with(&prefix)).flat_map(|(_, tables)| tables),
                        )
                    }
                    _ => Box::new(std::iter::empty()),
                }
            }
            _ => Box::new(std::iter::empty()),
        }
    }
}
