//! The session state that plans and runs a request, and the names that its SQL can reach.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, SchemaRef},
    catalog::{MemoryCatalogProviderList, TableFunctionArgs},
    common::{DFSchema, TableReference, config::ConfigOptions, plan_datafusion_err},
    datasource::{cte_worktable::CteWorkTable, provider_as_source},
    error::Result as PlanResult,
    execution::{SessionState, SessionStateDefaults, runtime_env::RuntimeEnv, session_state::SessionStateBuilder},
    functions_table::{generate_series, range},
    logical_expr::{
        AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
        planner::{ContextProvider, ExprPlanner},
        simplify::SimplifyContext,
    },
    optimizer::simplify_expressions::ExprSimplifier,
    prelude::SessionConfig,
    sql::{
        planner::{ParserOptions, SqlToRel},
        sqlparser::ast::{Query, Statement},
    },
};

/// Functions of the engine that tell what is below a table: files and places in them.
const PHYSICAL_FUNCTIONS: [&str; 2] = ["input_file_name", "file_row_index"];

/// The state that every session of an engine begins with, on any machine: the engine's functions and optimizers, and
/// nothing that reads or writes by itself. It has no catalog, no file format, no table factory and no table function
/// but `generate_series` and `range`.
pub(crate) fn session_state(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionState {
    let mut functions = SessionStateDefaults::default_scalar_functions();
    functions.retain(|function| !PHYSICAL_FUNCTIONS.contains(&function.name()));
    let config = config.with_create_default_catalog_and_schema(false).with_information_schema(false);
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(functions)
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(SessionStateDefaults::default_window_functions())
        .with_table_function_list(vec![generate_series(), range()])
        .build()
}

/// What the SQL of one request can reach: the tables it names, each already governed, by the names that it uses.
///
/// There is no catalog to walk: a name that the request did not resolve is not there.
#[derive(Clone)]
pub(crate) struct RequestContext {
    state: SessionState,
    tables: HashMap<TableReference, Arc<dyn TableSource>>,
}

impl RequestContext {
    /// A context over a state of its own, copied from `base`.
    pub(crate) fn new(base: &SessionState, tables: HashMap<TableReference, Arc<dyn TableSource>>) -> Self {
        let mut state = base.clone();
        state.mark_start_execution();
        Self { state, tables }
    }

    /// The state that optimises, plans and runs.
    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// The logical plan of `query`, as written.
    pub(crate) fn logical_plan(&self, query: Query) -> PlanResult<LogicalPlan> {
        let options = ParserOptions::from(&self.state.config_options().sql_parser);
        SqlToRel::new_with_options(self, options).sql_statement_to_plan(Statement::Query(Box::new(query)))
    }
}

impl ContextProvider for RequestContext {
    fn get_table_source(&self, name: TableReference) -> PlanResult<Arc<dyn TableSource>> {
        self.tables.get(&name).cloned().ok_or_else(|| plan_datafusion_err!("table `{name}` does not exist"))
    }

    fn get_table_function_source(&self, name: &str, arguments: Vec<Expr>) -> PlanResult<Arc<dyn TableSource>> {
        let function = self.state.table_functions().get(name).cloned().ok_or_else(|| {
            plan_datafusion_err!("table function `{name}` is not offered; `generate_series` and `range` are")
        })?;
        let context = SimplifyContext::builder()
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(self.state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let no_columns = DFSchema::empty();
        let arguments = arguments
            .into_iter()
            .map(|argument| simplifier.coerce(argument, &no_columns).and_then(|argument| simplifier.simplify(argument)))
            .collect::<PlanResult<Vec<_>>>()?;
        let provider = function.create_table_provider_with_args(TableFunctionArgs::new(&arguments, &self.state))?;
        Ok(provider_as_source(provider))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> PlanResult<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        sorted(self.state.scalar_functions().keys())
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        sorted(self.state.higher_order_functions().keys())
    }

    fn udaf_names(&self) -> Vec<String> {
        sorted(self.state.aggregate_functions().keys())
    }

    fn udwf_names(&self) -> Vec<String> {
        sorted(self.state.window_functions().keys())
    }
}

/// The engine suggests the first of the nearest names, so that their order shows.
fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort_unstable();
    names
}
