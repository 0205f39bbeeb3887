//! Attacks on governed tables: two meshes that agree on all that a caller may see must answer alike.

mod attacks;
mod buffers;
mod closed;
mod files;
mod log;
mod plans;
mod settings;

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, Int64Array, RecordBatch, StringViewArray},
        datatypes::{DataType, Field, Schema, SchemaRef},
        util::pretty::pretty_format_batches,
    },
    catalog::{MemTable, TableProvider},
    common::Result as DataFusionResult,
    execution::runtime_env::RuntimeEnv,
    physical_plan::{ExecutionPlan, collect},
    prelude::{SessionConfig, SessionContext},
};
use meshgate_catalog::{AttributeValue, Contract, Location, Table, TableFormat, TableName};
use meshgate_policy::{ColumnAccess, ColumnGrant, FilterSource, Grant, Mask, PolicyReference, RowAccess};

use super::{GovernedTable, Guard, MaskKey, RawTable};

/// Stands in every value that the caller may not see.
pub(super) const CANARY: &str = "CANARY";

pub(super) fn name() -> TableName {
    TableName::new("sales", "orders", "items")
}

pub(super) fn declared(declared_rows: Option<u64>) -> Arc<Table> {
    let contract = Contract {
        id: "orders".into(),
        version: "1.0.0".into(),
        status: "active".into(),
        file: "orders.odcs.yaml".into(),
        team: "sales-data".into(),
        support: Vec::new(),
        roles: Vec::new(),
    };
    Arc::new(Table {
        name: name(),
        contract: Arc::new(contract),
        description: String::new(),
        tags: Default::default(),
        location: Location {
            format: TableFormat::Parquet,
            url: "file:///items/".into(),
            endpoint: None,
            domain: "sales".into(),
        },
        columns: Vec::new(),
        declared_rows,
    })
}

/// A grant in the making.
#[derive(Clone)]
pub(super) struct Grants(Grant);

impl Grants {
    pub(super) fn new(columns: &[(&str, ColumnAccess)]) -> Self {
        let columns = columns.iter().map(|(name, access)| ColumnGrant {
            name: (*name).to_owned(),
            access: *access,
            discoverable: true,
            denial: None,
            policies: Default::default(),
        });
        let policies = vec![policy("analysts-read")];
        Self(Grant { table: name(), columns: columns.collect(), rows: RowAccess::All, policies })
    }

    pub(super) fn rows(mut self, filter: &str) -> Self {
        self.0.rows = RowAccess::Filtered {
            any_of: vec![filter_source(filter)],
            none_of: Vec::new(),
            attributes: BTreeMap::from([("region".to_owned(), AttributeValue::String("EAST".into()))]),
        };
        self
    }

    pub(super) fn with_rows(mut self, rows: RowAccess) -> Self {
        self.0.rows = rows;
        self
    }

    pub(super) fn build(self) -> Arc<Grant> {
        Arc::new(self.0)
    }
}

pub(super) fn policy(id: &str) -> PolicyReference {
    PolicyReference { id: id.into(), file: "policies/orders.cedar".into() }
}

pub(super) fn filter_source(sql: &str) -> FilterSource {
    FilterSource { sql: sql.into(), policy: policy("east-desk") }
}

/// Raw `id`, `region`, `amount`, `note`; masked `email`; denied `ssn`; only the rows of the East.
pub(super) fn east() -> Grants {
    masked().rows("region LIKE 'E%' AND region = principal.region")
}

/// As [`east`], with all rows.
pub(super) fn masked() -> Grants {
    Grants::new(&[
        ("id", ColumnAccess::Raw),
        ("region", ColumnAccess::Raw),
        ("amount", ColumnAccess::Raw),
        ("note", ColumnAccess::Raw),
        ("email", ColumnAccess::Masked(Mask::Alphanumeric)),
        ("ssn", ColumnAccess::Denied),
    ])
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) region: &'static str,
    pub(super) amount: Option<i64>,
    pub(super) note: String,
    pub(super) email: String,
    pub(super) ssn: String,
}

pub(super) fn items_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("region", DataType::Utf8View, true),
        Field::new("amount", DataType::Int64, true),
        Field::new("note", DataType::Utf8View, true),
        Field::new("email", DataType::Utf8View, true),
        Field::new("ssn", DataType::Utf8View, true),
        Field::new("undeclared", DataType::Utf8View, true),
    ]))
}

/// One of two meshes. Both hold the same rows of the East, but for denied and masked values that mask alike; hidden
/// rows differ in number and values, and every computation that attackers try fails on them in `Other` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mesh {
    One,
    Other,
}

impl Mesh {
    pub(super) const BOTH: [Mesh; 2] = [Mesh::One, Mesh::Other];

    pub(super) fn rows(self) -> Vec<Row> {
        let is_one = self == Mesh::One;
        let visible = (0..40).map(|id| Row {
            id,
            region: "EAST",
            amount: (id % 7 != 0).then_some(id + 1),
            note: format!("{}", 1_000 + id),
            email: if is_one { format!("abcde{}@mail.org", id % 10) } else { format!("vwxyz{}@post.net", id % 10) },
            ssn: format!("{CANARY}-visible-row-{}-{id}", if is_one { "one" } else { "other" }),
        });
        let hidden = (0..if is_one { 17 } else { 90 }).map(|n| Row {
            id: if is_one { 5_000 + n } else { n % 3 },
            region: if is_one { "WEST" } else { "NORTH" },
            amount: if is_one { Some(3) } else { Some(0) },
            note: if is_one { "7".to_owned() } else { format!("{CANARY}-note-of-a-hidden-row-{n}") },
            email: format!("{CANARY}-hidden-{n}@example.org"),
            ssn: format!("{CANARY}-hidden-ssn-{n}"),
        });
        // Interleaved, so that hidden rows share batches with visible ones.
        let mut rows: Vec<Row> = hidden.collect();
        for (n, row) in visible.enumerate() {
            rows.insert((n * 2 + 1).min(rows.len()), row);
        }
        rows
    }

    pub(super) fn table(self, partitions: usize) -> Arc<dyn TableProvider> {
        table_of(&self.rows(), partitions)
    }
}

pub(super) fn table_of(rows: &[Row], partitions: usize) -> Arc<dyn TableProvider> {
    let share = rows.len().div_ceil(partitions).max(1);
    let mut parts: Vec<_> = rows.chunks(share).map(|rows| vec![batch(rows)]).collect();
    parts.resize(partitions, vec![batch(&[])]);
    Arc::new(MemTable::try_new(items_schema(), parts).unwrap())
}

pub(super) fn batch(rows: &[Row]) -> RecordBatch {
    let text = |value: fn(&Row) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(value(row))).collect::<StringViewArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.id).collect::<Int64Array>()),
        text(|row| row.region.to_owned()),
        Arc::new(rows.iter().map(|row| row.amount).collect::<Int64Array>()),
        text(|row| row.note.clone()),
        text(|row| row.email.clone()),
        text(|row| row.ssn.clone()),
        text(|_| format!("{CANARY}-undeclared")),
    ];
    RecordBatch::try_new(items_schema(), columns).unwrap()
}

/// What the caller of [`east`] may see, and nothing else: the reference for every answer.
pub(super) fn visible_copy(partitions: usize) -> Arc<dyn TableProvider> {
    let rows: Vec<Row> = Mesh::One.rows().into_iter().filter(|row| row.region == "EAST").collect();
    let whole = batch(&rows);
    let emails: ArrayRef = Arc::new(rows.iter().map(|_| Some("xxxxxn@xxxx.xxx")).collect::<StringViewArray>());
    let schema = Arc::new(Schema::new(items_schema().fields()[..5].to_vec()));
    let columns = whole.columns()[..4].iter().cloned().chain([emails]).collect();
    let copy = RecordBatch::try_new(schema.clone(), columns).unwrap();
    let share = rows.len().div_ceil(partitions);
    let parts = (0..partitions).map(|part| vec![copy.slice(part * share, share.min(rows.len() - part * share))]);
    Arc::new(MemTable::try_new(schema, parts.collect()).unwrap())
}

pub(super) struct Setup {
    pub(super) partitions: usize,
    pub(super) deterministic: bool,
    pub(super) declared_rows: Option<u64>,
}

impl Setup {
    pub(super) fn new(partitions: usize) -> Self {
        Self { partitions, deterministic: false, declared_rows: None }
    }

    pub(super) fn guard(&self) -> Guard {
        let config = SessionConfig::new().with_target_partitions(self.partitions);
        let key = MaskKey::new(*b"0123456789abcdef");
        Guard::new(config, Arc::new(RuntimeEnv::default()), &key, "q-1", self.deterministic)
    }

    pub(super) fn govern(&self, raw: Arc<dyn TableProvider>, grants: Grants) -> Arc<GovernedTable> {
        let raw = RawTable { declared: declared(self.declared_rows), provider: raw };
        self.guard().govern(raw, grants.build()).unwrap()
    }

    /// A context with `items` governed, and a free `regions`.
    pub(super) fn context(&self, raw: Arc<dyn TableProvider>, grants: Grants) -> SessionContext {
        let context = self.plain();
        context.register_table("items", self.govern(raw, grants)).unwrap();
        context
    }

    pub(super) fn plain(&self) -> SessionContext {
        let partitions = if self.deterministic { 1 } else { self.partitions };
        let config = SessionConfig::new().with_target_partitions(partitions).with_information_schema(true);
        let context = SessionContext::new_with_config(config);
        let schema = Arc::new(Schema::new(vec![Field::new("region", DataType::Utf8View, true)]));
        let regions: ArrayRef = Arc::new(StringViewArray::from(vec!["EAST", "WEST", "NORTH"]));
        let regions = RecordBatch::try_new(schema.clone(), vec![regions]).unwrap();
        let regions = MemTable::try_new(schema, vec![vec![regions]]).unwrap();
        context.register_table("regions", Arc::new(regions)).unwrap();
        context
    }
}

pub(super) async fn plan(context: &SessionContext, sql: &str) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
    context.sql(sql).await?.create_physical_plan().await
}

pub(super) async fn run(context: &SessionContext, sql: &str) -> DataFusionResult<Vec<RecordBatch>> {
    let plan = plan(context, sql).await?;
    collect(plan, context.task_ctx()).await
}

/// Schema and rows in sorted order, or the error's text.
pub(super) async fn outcome(context: &SessionContext, sql: &str) -> String {
    match run(context, sql).await {
        Ok(batches) => {
            let text = pretty_format_batches(&batches).unwrap().to_string();
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        }
        Err(error) => format!("error: {}", error.strip_backtrace()),
    }
}
