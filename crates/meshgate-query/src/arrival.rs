//! One request under way: from its text to a verified physical plan, one call a step.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, SchemaRef},
    common::{
        TableReference,
        tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion},
    },
    datasource::provider_as_source,
    error::Result as PlanResult,
    logical_expr::{LogicalPlan, TableSource},
    physical_plan::{
        ExecutionPlan,
        coop::CooperativeExec,
        joins::{CrossJoinExec, NestedLoopJoinExec},
    },
};
use meshgate_catalog::TableName;
use meshgate_policy::Principal;
use meshgate_tables::SnapshotVersion;

use crate::{
    Mesh, PreparedQuery, QueryError, QueryRequest, Result,
    column::refuse_partial_stars,
    context::RequestContext,
    core::Core,
    explain::{self, Analysis, LogicalStages},
    load::{LoadedTable, load},
    mention::mentions,
    message::Telling,
    parameters,
    parse::{Answer, parse},
    recording::{OpenRecord, Planning},
    resolve::{DecidedTable, Names, Target, VisibleMesh},
    secure::{GovernedTable, RawTable, verify},
    stream::Work,
};

/// A request, and the one revision of the mesh that decides it.
pub(crate) struct Arrival {
    pub(crate) core: Arc<Core>,
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) principal: Principal,
    pub(crate) request: QueryRequest,
    pub(crate) query_id: String,
}

/// A statement's logical plan, over governed tables alone.
struct Drafted {
    plan: LogicalPlan,
    answer: Answer,
    parameters: usize,
    context: RequestContext,
    /// The tables that no grant restricts.
    free: BTreeSet<TableName>,
    pinned: BTreeMap<TableName, SnapshotVersion>,
    telling: Telling,
}

/// A verified physical plan, and what goes with it.
pub(crate) struct Ready {
    pub(crate) work: Work,
    pub(crate) schema: SchemaRef,
    pub(crate) context: RequestContext,
    pub(crate) telling: Telling,
}

/// The tables of a request under their grants.
struct Secured {
    sources: HashMap<TableReference, Arc<dyn TableSource>>,
    /// The tables of which the physical schema denies more than the grant does.
    amended: Vec<Arc<DecidedTable>>,
    free: BTreeSet<TableName>,
    pinned: BTreeMap<TableName, SnapshotVersion>,
}

impl Arrival {
    /// What the statement would answer, and which parameters it takes.
    pub(crate) async fn prepare(&self, record: &mut OpenRecord<Planning>) -> Result<PreparedQuery> {
        let drafted = self.draft(record).await?;
        let parameters = parameters::fields(&drafted.plan, drafted.parameters, &drafted.telling)?;
        let schema = drafted.shape(parameters.iter().map(|field| field.data_type().clone()))?;
        Ok(PreparedQuery { schema, parameters, pinned: drafted.pinned })
    }

    /// Plans the statement down to what runs.
    pub(crate) async fn plan(&self, record: &mut OpenRecord<Planning>) -> Result<Ready> {
        let drafted = self.draft(record).await?;
        let schema = drafted.shape(self.request.parameters.iter().map(|value| value.data_type()))?;
        let bound = drafted.bind(&self.request)?;
        let mut stages = LogicalStages::default();
        let analysed = drafted.analyse(bound, &mut stages)?;
        let optimised = drafted.optimise(analysed, &mut stages)?;
        note_columns(&optimised, &drafted.telling.names, record);
        let physical = drafted.physical(&optimised).await?;
        verify(&physical, &drafted.free)?;
        let work = drafted.work(stages, &optimised, physical)?;
        Ok(Ready { work, schema, context: drafted.context, telling: drafted.telling })
    }

    /// The steps that preparing and planning share: parse, resolve, decide, load, secure, logical plan.
    async fn draft(&self, record: &mut OpenRecord<Planning>) -> Result<Drafted> {
        record.decides(&self.mesh);
        let parsed = parse(&self.request.sql)?;
        let visible = VisibleMesh { mesh: &self.mesh, principal: &self.principal };
        let names = visible.resolve(mentions(&parsed.query)?, &self.request.session)?;
        names.tables().iter().for_each(|table| record.decided(table));
        if self.request.session.strict_star && !matches!(parsed.answer, Answer::Columns | Answer::TableColumns) {
            refuse_partial_stars(&parsed.query, &names)?;
        }
        let loaded = load(&self.core.lake, names.tables(), &self.request.pinned, &self.query_id).await?;
        loaded.iter().for_each(|table| record.pinned(&table.decided.name, table.snapshot.version()));
        let secured = self.secure(&names, loaded).await?;
        let telling = Telling { query_id: self.query_id.clone(), names: names.amended(&secured.amended) };
        let context = self.core.context(secured.sources, self.request.session.deterministic);
        let plan = context.logical_plan(*parsed.query).map_err(|error| telling.planning(&error))?;
        Ok(Drafted {
            plan,
            answer: parsed.answer,
            parameters: parsed.parameters,
            context,
            free: secured.free,
            pinned: secured.pinned,
            telling,
        })
    }

    /// Puts each table under its grant, and makes the views of metadata that the statement names.
    async fn secure(&self, names: &Names, loaded: Vec<LoadedTable>) -> Result<Secured> {
        let guard = self.core.guard(&self.query_id, self.request.session.deterministic);
        let mut governed: BTreeMap<TableName, Arc<GovernedTable>> = BTreeMap::new();
        let (mut pinned, mut amended) = (BTreeMap::new(), Vec::new());
        // Operators know a table by its declared name; two majors share one, so it is free only if both are.
        let mut free: BTreeMap<TableName, bool> = BTreeMap::new();
        for LoadedTable { decided, snapshot } in loaded {
            let raw = RawTable { declared: decided.declared.clone(), provider: snapshot.provider() };
            let table = guard.govern(raw, decided.grant.clone())?;
            *free.entry(decided.declared.name.clone()).or_insert(true) &= table.is_free();
            pinned.insert(decided.name.clone(), snapshot.version().clone());
            if !table.unfit_masks().is_empty() {
                amended.push(Arc::new(decided.without(table.unfit_masks())));
            }
            governed.insert(decided.name.clone(), table);
        }
        let mut sources: HashMap<TableReference, Arc<dyn TableSource>> = HashMap::new();
        for (mention, target) in names.iter() {
            let provider = match target {
                Target::Table(table) => match governed.get(&table.name) {
                    Some(table) => provider_as_source(table.clone()),
                    None => return Err(QueryError::Internal),
                },
                Target::Metadata(metadata) => {
                    let listing = self.core.list(&self.mesh, &self.principal, &metadata.filter()).await;
                    let provider = metadata.provider(&listing).map_err(|_| QueryError::Internal)?;
                    provider_as_source(provider)
                }
            };
            sources.insert(mention.reference.clone(), provider);
        }
        let free = free.into_iter().filter_map(|(table, free)| free.then_some(table)).collect();
        Ok(Secured { sources, amended, free, pinned })
    }
}

impl Drafted {
    /// The columns of the answer: the same for prepare and for any values of the parameters, nullability included.
    fn shape(&self, types: impl Iterator<Item = DataType>) -> Result<SchemaRef> {
        let types: Vec<DataType> = types.take(self.parameters).collect();
        if types.len() < self.parameters {
            // Binding says which is missing.
            return Ok(explain::plan_schema());
        }
        let told = parameters::inferred(&self.plan, self.parameters, &self.telling)?;
        let types = told.into_iter().zip(types).map(|(told, given)| told.unwrap_or(given));
        let plan = parameters::bind_nulls(self.plan.clone(), types, &self.telling)?;
        let analysed = self.analyse(plan, &mut LogicalStages::default())?;
        Ok(match self.answer {
            Answer::Rows => Arc::new(analysed.schema().as_arrow().clone()),
            Answer::Plan(_) => explain::plan_schema(),
            Answer::Columns => explain::columns_schema(),
            Answer::TableColumns => explain::table_columns_schema(),
        })
    }

    fn bind(&self, request: &QueryRequest) -> Result<LogicalPlan> {
        parameters::bind(self.plan.clone(), self.parameters, &request.parameters, &self.telling)
    }

    fn analyse(&self, plan: LogicalPlan, stages: &mut LogicalStages) -> Result<LogicalPlan> {
        let state = self.context.state();
        let verbose = self.is_verbose();
        if verbose {
            stages.note("initial_logical_plan", &plan);
        }
        let note = |plan: &LogicalPlan, rule: &dyn datafusion::optimizer::AnalyzerRule| {
            if verbose {
                stages.note(&format!("logical_plan after {}", rule.name()), plan);
            }
        };
        state
            .analyzer()
            .execute_and_check(plan, state.config_options(), note)
            .map_err(|error| self.telling.planning(&error))
    }

    fn optimise(&self, plan: LogicalPlan, stages: &mut LogicalStages) -> Result<LogicalPlan> {
        let state = self.context.state();
        let verbose = self.is_verbose();
        let note = |plan: &LogicalPlan, rule: &dyn datafusion::optimizer::OptimizerRule| {
            if verbose {
                stages.note(&format!("logical_plan after {}", rule.name()), plan);
            }
        };
        state.optimizer().optimize(plan, state, note).map_err(|error| self.telling.planning(&error))
    }

    async fn physical(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        let state = self.context.state();
        let planned = state.query_planner().create_physical_plan(plan, state).await;
        planned.and_then(cooperative).map_err(|error| self.telling.planning(&error))
    }

    /// What the answer takes: the plan's rows, or rows about the plan.
    fn work(&self, stages: LogicalStages, logical: &LogicalPlan, physical: Arc<dyn ExecutionPlan>) -> Result<Work> {
        let mut tables = self.telling.names.mentioned_tables().map(|(_, table)| table);
        match &self.answer {
            Answer::Rows => Ok(Work::Plan(physical)),
            Answer::Plan(explain) if explain.analyze => {
                Ok(Work::Analyze(physical, Analysis { explain: explain.clone() }))
            }
            Answer::Plan(explain) => Ok(Work::Batch(explain::plan_rows(explain, stages, logical, &physical)?)),
            Answer::Columns => {
                let table = match (tables.next(), tables.next()) {
                    (Some(table), None) => Some(table.declared.as_ref()),
                    _ => None,
                };
                Ok(Work::Batch(explain::columns_rows(logical.schema().as_arrow(), table)?))
            }
            Answer::TableColumns => match tables.next() {
                Some(table) => {
                    let schema = logical.schema().as_arrow();
                    Ok(Work::Batch(explain::table_columns_rows(schema, &table.name, &table.declared)?))
                }
                None => Err(QueryError::Unsupported("SHOW COLUMNS takes a table of the mesh".to_owned())),
            },
        }
    }

    fn is_verbose(&self) -> bool {
        matches!(&self.answer, Answer::Plan(explain) if explain.verbose)
    }
}

/// Lets joins of everything with everything pause: they make millions of rows of one of their inputs', and the engine
/// counts pauses at the inputs alone, so that a cancelled one would compute on.
fn cooperative(plan: Arc<dyn ExecutionPlan>) -> PlanResult<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        Ok(match node.is::<NestedLoopJoinExec>() || node.is::<CrossJoinExec>() {
            true => Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>),
            false => Transformed::no(node),
        })
    })
    .data()
}

/// Notes in the record which columns of each table the plan reads for the caller.
fn note_columns(plan: &LogicalPlan, names: &Names, record: &mut OpenRecord<Planning>) {
    let mut read: BTreeMap<TableName, BTreeSet<String>> = BTreeMap::new();
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let named = names.mentioned_tables().find(|(mention, _)| mention.reference == scan.table_name);
            if let Some((_, table)) = named {
                let columns = read.entry(table.name.clone()).or_default();
                columns.extend(scan.projected_schema.fields().iter().map(|field| field.name().clone()));
                columns.extend(
                    scan.filters.iter().flat_map(|filter| filter.column_refs()).map(|column| column.name.clone()),
                );
            }
        }
        Ok(TreeNodeRecursion::Continue)
    });
    if walked.is_ok() {
        for (table, columns) in read {
            record.reads(&table, columns.into_iter().collect());
        }
    }
}
