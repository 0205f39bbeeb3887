//! 13: nothing that a caller sets reaches below a barrier.

use std::sync::Mutex;

use async_trait::async_trait;
use datafusion::{
    catalog::Session,
    datasource::TableType,
    execution::TaskContext,
    logical_expr::{Expr, TableProviderFilterPushDown},
    physical_plan::{
        SendableRecordBatchStream,
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::stream;

use super::*;

/// A raw table that notes the batch sizes of the sessions that plan and run it.
#[derive(Debug, Clone, Default)]
struct Probe(Arc<Mutex<Vec<usize>>>);

#[async_trait]
impl TableProvider for Probe {
    fn schema(&self) -> SchemaRef {
        items_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        self.0.lock().unwrap().push(state.config().batch_size());
        assert!(state.scalar_functions().get("sqrt").is_none(), "only functions of row filters are below");
        let projection = projection.cloned();
        let stream = ProbeStream { sizes: self.0.clone(), schema: items_schema() };
        let streams: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(stream)];
        let plan = StreamingTableExec::try_new(items_schema(), streams, projection.as_ref(), None, false, None)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct ProbeStream {
    sizes: Arc<Mutex<Vec<usize>>>,
    schema: SchemaRef,
}

impl PartitionStream for ProbeStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, task: Arc<TaskContext>) -> SendableRecordBatchStream {
        self.sizes.lock().unwrap().push(task.session_config().batch_size());
        let batches = stream::iter([Ok(batch(&Mesh::One.rows()))]);
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

#[tokio::test]
async fn plans_below_are_made_and_run_under_the_gateways_settings() {
    let probe = Probe::default();
    let setup = Setup::new(1);
    let config = SessionConfig::new().with_target_partitions(7).with_batch_size(3);
    let context = SessionContext::new_with_config(config);
    context.register_table("items", setup.govern(Arc::new(probe.clone()), east())).unwrap();
    let rows = run(&context, "SELECT id FROM items WHERE sqrt(id) >= 0").await.unwrap();
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 40);
    let sizes = probe.0.lock().unwrap().clone();
    assert_eq!(sizes, vec![SessionConfig::new().batch_size(); 2], "one scan, one run");
}
