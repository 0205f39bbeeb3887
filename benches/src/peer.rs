//! The peer: DataFusion alone, on the files that the mesh reads, under the same names.

use std::sync::Arc;

use datafusion::{
    arrow::{record_batch::RecordBatch, util::pretty::pretty_format_batches},
    catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider},
    prelude::{SessionConfig, SessionContext},
};
use meshgate_query::Config;
use meshgate_testkit::TestMesh;

use crate::flights::User;

/// Plain DataFusion over the mesh's files, seeing what one user sees.
pub struct Peer(SessionContext);

impl Peer {
    /// A session with the engine's number of partitions and its way with Parquet filters.
    pub async fn new(mesh: &TestMesh, user: User, config: &Config) -> Self {
        let mut session = SessionConfig::new().with_target_partitions(config.target_partitions);
        session.options_mut().execution.parquet.pushdown_filters = config.pushdown_filters;
        let context = SessionContext::new_with_config(session);
        let flights = mesh.data().join("operations/departures_v1/flights");
        let weather = mesh.data().join("weather/observations_v1/hourly");
        let path = |folder: &std::path::Path| folder.to_str().expect("a path in UTF-8").to_owned();
        context.register_parquet("flights", path(&flights), Default::default()).await.expect("flights");
        context.register_parquet("hourly", path(&weather), Default::default()).await.expect("weather");
        let seen = context.sql(user.flights).await.expect("the user's view").into_view();
        let hourly = context.table_provider("hourly").await.expect("weather");
        for (domain, product, table, provider) in
            [("operations", "departures", "flights", seen), ("weather", "observations", "hourly", hourly)]
        {
            let schema = Arc::new(MemorySchemaProvider::new());
            schema.register_table(table.to_owned(), provider).expect("a table");
            let catalog = Arc::new(MemoryCatalogProvider::new());
            catalog.register_schema(product, schema).expect("a schema");
            context.register_catalog(domain, catalog);
        }
        Self(context)
    }

    /// The rows of a query.
    pub async fn query(&self, sql: &str) -> Vec<RecordBatch> {
        self.0.sql(sql).await.expect("a plan").collect().await.expect("rows")
    }

    /// A physical plan of a query, for its price alone.
    pub async fn plan(&self, sql: &str) {
        self.0.sql(sql).await.expect("a plan").create_physical_plan().await.expect("a physical plan");
    }
}

/// The rows as text, in an order that does not depend on partitions.
pub fn sorted_rows(batches: &[RecordBatch]) -> Vec<String> {
    let text = pretty_format_batches(batches).expect("printable rows").to_string();
    let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}
