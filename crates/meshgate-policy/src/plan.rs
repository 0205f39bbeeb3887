//! What policies say about one table whoever asks: which are in scope, and which columns they can't tell apart.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression};
use meshgate_catalog::{Column, LogicalType, Table};

use crate::{
    compile::{CompiledPolicy, ResourceReads},
    entities::{Action, EntityKind, TablePath, Vocabulary, column_id, logical_type_name},
};

/// Policies by the resource that their scope names.
#[derive(Debug, Default)]
pub(crate) struct ScopeIndex {
    unnamed: Vec<usize>,
    by_entity: HashMap<EntityUid, Vec<usize>>,
    /// Those that name one column, by the id of its table.
    by_columns_table: HashMap<String, Vec<usize>>,
}

impl ScopeIndex {
    pub(crate) fn new(policies: &[CompiledPolicy]) -> Self {
        let mut index = Self::default();
        for (position, policy) in policies.iter().enumerate() {
            match (policy.resource.column(), policy.resource.entity()) {
                (Some(column), _) => {
                    let id = column.id().unescaped();
                    let end = id.match_indices('.').nth(2).map_or(id.len(), |(end, _)| end);
                    index.by_columns_table.entry(id[..end].to_owned()).or_default().push(position);
                }
                (None, Some(entity)) => index.by_entity.entry(entity.clone()).or_default().push(position),
                (None, None) => index.unnamed.push(position),
            }
        }
        index
    }

    /// The policies that name the table, what it is in, or nothing; then those that name one of its columns.
    fn around(&self, path: &TablePath) -> (Vec<usize>, &[usize]) {
        let named =
            [&path.domain, &path.product, &path.table].into_iter().filter_map(|entity| self.by_entity.get(entity));
        let wide = self.unnamed.iter().chain(named.flatten()).copied().collect();
        let columns = self.by_columns_table.get(path.table.id().unescaped());
        (wide, columns.map_or(&[], Vec::as_slice))
    }
}

/// The policies and entities of one table.
#[derive(Debug)]
pub(crate) struct TablePlan {
    pub(crate) path: TablePath,
    /// By position in the compiled policies: those about all columns of the table.
    pub(crate) about_columns: Vec<usize>,
    /// Those about its rows; the table is row-governed if there is any.
    pub(crate) about_rows: Vec<usize>,
    /// Columns that no policy in scope can tell apart.
    pub(crate) classes: Vec<ColumnClass>,
    /// For each column of the table, its class.
    pub(crate) class_of: Vec<usize>,
    /// Which classes get the same answer from a condition, by what it reads.
    pub(crate) groupings: Vec<(ResourceReads, Grouping)>,
    /// The table, what it is in, and a column of each class.
    pub(crate) entities: Option<Entities>,
}

/// Columns that no policy in scope can tell apart.
#[derive(Debug)]
pub(crate) struct ColumnClass {
    /// One of them stands for all.
    pub(crate) entity: EntityUid,
    /// The policies that name this very column.
    pub(crate) about_it: Vec<usize>,
}

/// Classes that a condition can't tell apart.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    /// One class of each group.
    pub(crate) first_of: Vec<usize>,
    /// For each class, its group.
    pub(crate) group_of: Vec<usize>,
}

/// What columns of a class have in common.
#[derive(PartialEq, Eq, Hash)]
struct ClassKey<'a> {
    named: Option<&'a EntityUid>,
    classification: Option<Option<&'a str>>,
    logical_type: Option<LogicalType>,
    tags: Option<&'a BTreeSet<String>>,
}

impl TablePlan {
    pub(crate) fn new(vocabulary: &Vocabulary, policies: &[CompiledPolicy], index: &ScopeIndex, table: &Table) -> Self {
        let path = TablePath::new(vocabulary, &table.name);
        let (wide, naming_columns) = index.around(&path);
        let on_columns = |position: &usize| {
            Action::ON_COLUMNS.into_iter().any(|action| policies[*position].actions.contains(action))
        };
        let about_columns: Vec<usize> = wide
            .iter()
            .copied()
            .filter(|position| policies[*position].resource.covers_columns(&path) && on_columns(position))
            .collect();
        let about_rows: Vec<usize> = wide
            .iter()
            .copied()
            .filter(|position| {
                let policy = &policies[*position];
                policy.resource.covers_table(&path) && policy.actions.contains(Action::ReadRows)
            })
            .collect();
        let about_one: Vec<usize> = naming_columns.iter().copied().filter(on_columns).collect();

        let in_scope = || about_columns.iter().chain(&about_one).map(|position| &policies[*position]);
        let reads = in_scope()
            .filter_map(|policy| policy.condition.as_ref())
            .map(|condition| condition.reads)
            .fold(ResourceReads::default(), ResourceReads::or);
        let named: HashSet<&EntityUid> = in_scope().flat_map(|policy| &policy.named_columns).collect();

        let mut classes = Vec::new();
        let mut examples: Vec<&Column> = Vec::new();
        let mut entities = container_entities(&path, table);
        let mut known: HashMap<ClassKey<'_>, usize> = HashMap::new();
        let mut class_of = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let entity = || vocabulary.entity(EntityKind::Column, &column_id(&table.name, &column.name));
            let own = if named.is_empty() { None } else { named.get(&entity()).copied() };
            let key = ClassKey {
                named: own,
                classification: reads.classification.then_some(column.classification.as_deref()),
                logical_type: reads.logical_type.then_some(column.logical_type),
                tags: reads.tags.then_some(&column.tags),
            };
            let class = *known.entry(key).or_insert_with(|| {
                let entity = entity();
                let names_it = |position: &usize| policies[*position].resource.column() == Some(&entity);
                let about_it = about_one.iter().copied().filter(names_it).collect();
                entities.extend(column_entity(&entity, &path, column));
                examples.push(column);
                classes.push(ColumnClass { entity, about_it });
                classes.len() - 1
            });
            class_of.push(class);
        }
        // A missing entity would make conditions fail to evaluate: without a store everything is denied.
        let complete = entities.len() == classes.len() + 3;
        let entities = Entities::from_entities(entities, None).ok().filter(|_| complete);
        let mut groupings: Vec<(ResourceReads, Grouping)> = Vec::new();
        for policy in about_columns.iter().map(|position| &policies[*position]) {
            if let Some(condition) = &policy.condition
                && !groupings.iter().any(|(reads, _)| *reads == condition.reads)
            {
                groupings.push((condition.reads, Grouping::new(condition.reads, &examples)));
            }
        }
        Self { path, about_columns, about_rows, classes, class_of, groupings, entities }
    }

    /// The grouping of the classes under a condition of a policy about all columns.
    pub(crate) fn grouping(&self, reads: ResourceReads) -> Option<&Grouping> {
        self.groupings.iter().find(|(of, _)| *of == reads).map(|(_, grouping)| grouping)
    }
}

impl Grouping {
    /// `examples` is a column of each class.
    fn new(reads: ResourceReads, examples: &[&Column]) -> Self {
        let mut grouping = Self::default();
        let mut known = HashMap::new();
        for (class, column) in examples.iter().enumerate() {
            let key = (
                reads.identity.then_some(class),
                reads.classification.then_some(&column.classification),
                reads.logical_type.then_some(column.logical_type),
                reads.tags.then_some(&column.tags),
            );
            let group = *known.entry(key).or_insert_with(|| {
                grouping.first_of.push(class);
                grouping.first_of.len() - 1
            });
            grouping.group_of.push(group);
        }
        grouping
    }
}

fn container_entities(path: &TablePath, table: &Table) -> Vec<Entity> {
    let mut entities = vec![
        Entity::new_no_attrs(path.domain.clone(), HashSet::new()),
        Entity::new_no_attrs(path.product.clone(), HashSet::from([path.domain.clone()])),
    ];
    let attributes = HashMap::from([("tags".to_owned(), text_set(&table.tags))]);
    entities.extend(Entity::new(path.table.clone(), attributes, HashSet::from([path.product.clone()])).ok());
    entities
}

fn column_entity(entity: &EntityUid, path: &TablePath, column: &Column) -> Option<Entity> {
    // Empty where there is none; in a mesh that has levels such a column is denied whatever policies say.
    let classification = column.classification.clone().unwrap_or_default();
    let attributes = HashMap::from([
        ("classification".to_owned(), RestrictedExpression::new_string(classification)),
        (
            "logical_type".to_owned(),
            RestrictedExpression::new_string(logical_type_name(column.logical_type).to_owned()),
        ),
        ("tags".to_owned(), text_set(&column.tags)),
    ]);
    Entity::new(entity.clone(), attributes, HashSet::from([path.table.clone()])).ok()
}

fn text_set(texts: &BTreeSet<String>) -> RestrictedExpression {
    RestrictedExpression::new_set(texts.iter().cloned().map(RestrictedExpression::new_string))
}
