//! A pinned table as a DataFusion table.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::Result,
    error::DataFusionError,
    logical_expr::{Expr, TableProviderFilterPushDown, TableType},
    physical_plan::ExecutionPlan,
};

use super::plan::{ScanRequest, plan_scan};
use crate::TableSnapshot;

/// The ungoverned scan of one snapshot.
#[derive(Debug)]
pub(crate) struct LakeTable(pub(crate) Arc<TableSnapshot>);

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Every filter helps to leave out files, row groups and pages; none is promised to be evaluated on each row.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let request = ScanRequest { projection: projection.map(Vec::as_slice), filters, limit };
        plan_scan(&self.0, session, request).await.map_err(|error| match error {
            super::plan::ScanError::Table(fault) => DataFusionError::External(Box::new(fault.of(self.0.table()))),
            super::plan::ScanError::Engine(error) => error,
        })
    }
}
