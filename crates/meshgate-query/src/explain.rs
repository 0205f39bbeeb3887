//! EXPLAIN and DESCRIBE: the caller's own plan as rows. Below a barrier, or in a scan of files, nothing is shown.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, StringArray},
        datatypes::{DataType, Field, Schema, SchemaRef},
        record_batch::RecordBatch,
    },
    common::{format::ExplainFormat, tree_node::TreeNodeRecursion},
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    error::{DataFusionError, Result as PlanResult},
    execution::{SendableRecordBatchStream, TaskContext},
    logical_expr::LogicalPlan,
    physical_expr::PhysicalExpr,
    physical_plan::{
        DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, display::DisplayableExecutionPlan,
        metrics::MetricsSet,
    },
};
use meshgate_catalog::{Table, TableName};
use meshgate_tables::RawScan;

use crate::{QueryError, Result, information_schema::yes_or_no, parse::Explain, sql_type::SqlType};

/// The columns that EXPLAIN answers.
pub(crate) fn plan_schema() -> SchemaRef {
    text_schema(&["plan_type", "plan"], &[])
}

/// The columns that DESCRIBE answers.
pub(crate) fn columns_schema() -> SchemaRef {
    text_schema(&["column_name", "data_type", "is_nullable"], &["comment"])
}

/// The columns that SHOW COLUMNS answers.
pub(crate) fn table_columns_schema() -> SchemaRef {
    let names = ["table_catalog", "table_schema", "table_name", "column_name", "data_type", "is_nullable"];
    text_schema(&names, &["comment"])
}

/// The logical plan at the stages of its planning.
#[derive(Debug, Default)]
pub(crate) struct LogicalStages(Vec<(String, String)>);

impl LogicalStages {
    /// Notes the plan after `stage`, unless that changed nothing.
    pub(crate) fn note(&mut self, stage: &str, plan: &LogicalPlan) {
        let shown = plan.display_indent().to_string();
        if self.0.last().is_none_or(|(_, last)| *last != shown) {
            self.0.push((stage.to_owned(), shown));
        }
    }
}

/// The rows of an EXPLAIN without ANALYZE.
pub(crate) fn plan_rows(
    explain: &Explain,
    stages: LogicalStages,
    logical: &LogicalPlan,
    physical: &Arc<dyn ExecutionPlan>,
) -> Result<RecordBatch> {
    let shown = Shown::of(physical);
    let displayable = DisplayableExecutionPlan::new(shown.as_ref());
    let mut rows = if explain.verbose { stages.0 } else { Vec::new() };
    match explain.format {
        ExplainFormat::Indent => {
            rows.push(("logical_plan".to_owned(), logical.display_indent().to_string()));
            rows.push(("physical_plan".to_owned(), displayable.indent(explain.verbose).to_string()));
        }
        ExplainFormat::Tree => rows.push(("physical_plan".to_owned(), displayable.tree_render().to_string())),
        ExplainFormat::PostgresJSON => {
            rows.push(("logical_plan".to_owned(), logical.display_pg_json().to_string()));
            rows.push(("physical_plan".to_owned(), displayable.pgjson(false).to_string()));
        }
        ExplainFormat::Graphviz => {
            rows.push(("logical_plan".to_owned(), logical.display_graphviz().to_string()));
            rows.push(("physical_plan".to_owned(), displayable.graphviz().to_string()));
        }
    }
    text_batch(plan_schema(), rows.iter().map(|(kind, plan)| vec![Some(kind.as_str()), Some(plan.as_str())]))
}

/// What to make of a plan that ran for EXPLAIN ANALYZE.
#[derive(Debug, Clone)]
pub(crate) struct Analysis {
    pub(crate) explain: Explain,
}

impl Analysis {
    /// Its one row: the plan with its counters, summed over partitions, for those of one partition depend on the
    /// layout of files.
    pub(crate) fn rows(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<RecordBatch> {
        let shown = Shown::of(plan);
        let displayable = DisplayableExecutionPlan::with_metrics(shown.as_ref());
        let text = match self.explain.format {
            ExplainFormat::PostgresJSON => displayable.pgjson(false).to_string(),
            _ => displayable.indent(self.explain.verbose).to_string(),
        };
        text_batch(plan_schema(), [vec![Some("Plan with Metrics"), Some(text.as_str())]])
    }
}

/// The rows of DESCRIBE over a query of that schema, with comments from `table`.
pub(crate) fn columns_rows(schema: &Schema, table: Option<&Table>) -> Result<RecordBatch> {
    let types: Vec<String> = schema.fields().iter().map(|field| SqlType::of(field.data_type()).name).collect();
    let rows = schema.fields().iter().zip(&types).map(|(field, sql_type)| {
        let nullable = yes_or_no(field.is_nullable());
        vec![Some(field.name().as_str()), Some(sql_type.as_str()), Some(nullable), comment(table, field.name())]
    });
    text_batch(columns_schema(), rows)
}

/// The rows of SHOW COLUMNS.
pub(crate) fn table_columns_rows(schema: &Schema, name: &TableName, table: &Table) -> Result<RecordBatch> {
    let types: Vec<String> = schema.fields().iter().map(|field| SqlType::of(field.data_type()).name).collect();
    let rows = schema.fields().iter().zip(&types).map(|(field, sql_type)| {
        let name = [name.domain.as_str(), name.product.as_str(), name.table.as_str()];
        let column = [field.name().as_str(), sql_type.as_str(), yes_or_no(field.is_nullable())];
        name.into_iter().chain(column).map(Some).chain([comment(Some(table), field.name())]).collect()
    });
    text_batch(table_columns_schema(), rows)
}

fn comment<'a>(table: Option<&'a Table>, column: &str) -> Option<&'a str> {
    table?.column(column).map(|column| column.description.as_str()).filter(|text| !text.is_empty())
}

fn text_schema(names: &[&str], nullable: &[&str]) -> SchemaRef {
    let required = names.iter().map(|name| Field::new(*name, DataType::Utf8, false));
    let optional = nullable.iter().map(|name| Field::new(*name, DataType::Utf8, true));
    Arc::new(Schema::new(required.chain(optional).collect::<Vec<_>>()))
}

fn text_batch<'a>(schema: SchemaRef, rows: impl IntoIterator<Item = Vec<Option<&'a str>>>) -> Result<RecordBatch> {
    let rows: Vec<Vec<Option<&str>>> = rows.into_iter().collect();
    let columns = (0..schema.fields().len())
        .map(|index| Arc::new(rows.iter().map(|row| row[index]).collect::<StringArray>()) as ArrayRef)
        .collect();
    RecordBatch::try_new(schema, columns).map_err(|_| QueryError::Internal)
}

/// A plan as its caller may read it: every node shows itself, but a scan of files shows neither paths nor layout.
///
/// It is made beside the plan, not by rewriting it, because a rewritten node has lost its counters.
#[derive(Debug)]
struct Shown {
    node: Arc<dyn ExecutionPlan>,
    children: Vec<Arc<dyn ExecutionPlan>>,
    scan: Option<String>,
}

impl Shown {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let scan = RawScan::of(plan).map(|scan| scan_line(&scan.table, plan));
        let children = match scan {
            Some(_) => Vec::new(),
            None => plan.children().into_iter().map(Shown::of).collect(),
        };
        Arc::new(Self { node: plan.clone(), children, scan })
    }
}

/// What is said of a scan of files.
fn scan_line(table: &TableName, plan: &Arc<dyn ExecutionPlan>) -> String {
    let schema = plan.schema();
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut line = format!("table={table}, columns=[{}]", columns.join(", "));
    let files =
        plan.downcast_ref::<DataSourceExec>().and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
    if let Some(files) = files {
        if let Some(limit) = files.limit {
            line.push_str(&format!(", limit={limit}"));
        }
        if let Some(predicate) = files.file_source().filter() {
            line.push_str(&format!(", predicate={predicate}"));
        }
    }
    line
}

impl DisplayAs for Shown {
    fn fmt_as(&self, format: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.scan, format) {
            (None, format) => self.node.fmt_as(format, formatter),
            (Some(scan), DisplayFormatType::TreeRender) => formatter.write_str(&scan.replacen(", ", "\n", 1)),
            (Some(scan), _) => write!(formatter, "TableScan: {scan}"),
        }
    }
}

impl ExecutionPlan for Shown {
    fn name(&self) -> &str {
        if self.scan.is_some() { "TableScan" } else { self.node.name() }
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.node.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self { node: self.node.clone(), children, scan: self.scan.clone() }))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        Err(DataFusionError::NotImplemented("a plan for display does not run".to_owned()))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.node.metrics()
    }
}
