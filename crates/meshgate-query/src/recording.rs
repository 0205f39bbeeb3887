//! The record of a query that is under way: opened at its arrival, written once at its end.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc, time::Instant};

use chrono::{SecondsFormat, Utc};
use datafusion::{arrow::array::RecordBatch, physical_plan::ExecutionPlan};
use meshgate_catalog::TableName;
use meshgate_policy::Principal;
use meshgate_tables::SnapshotVersion;

use crate::{
    Mesh, Outcome, QueryError, QueryRecord, QueryRequest, RecordSink, TableRecord, resolve::DecidedTable,
    secure::scan_counts,
};

/// A query that is being planned.
#[derive(Debug)]
pub(crate) enum Planning {}

/// A query whose plan stands, waiting or running.
#[derive(Debug)]
pub(crate) enum Running {}

/// The open record of a query. Whoever drops it without an end has cancelled the query.
pub(crate) struct OpenRecord<State> {
    draft: Option<Box<Draft>>,
    state: PhantomData<State>,
}

struct Draft {
    record: QueryRecord,
    /// By the name that SQL uses; with the declared name, which operators use.
    tables: BTreeMap<TableName, (TableName, TableRecord)>,
    plan: Option<Arc<dyn ExecutionPlan>>,
    started: Instant,
    sink: Arc<dyn RecordSink>,
}

impl OpenRecord<Planning> {
    /// Opens the record of a request that arrived now.
    pub(crate) fn receive(
        query_id: &str,
        principal: &Principal,
        request: &QueryRequest,
        sink: Arc<dyn RecordSink>,
    ) -> Self {
        let record = QueryRecord {
            query_id: query_id.to_owned(),
            started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            user: principal.user.clone(),
            purpose: principal.purpose.clone(),
            sql: request.sql.clone(),
            catalog_revision: String::new(),
            tables: Vec::new(),
            outcome: Outcome::Cancelled,
            error_code: None,
            error: None,
            rows: 0,
            bytes: 0,
            planning: std::time::Duration::ZERO,
            total: std::time::Duration::ZERO,
        };
        let draft = Draft { record, tables: BTreeMap::new(), plan: None, started: Instant::now(), sink };
        Self { draft: Some(Box::new(draft)), state: PhantomData }
    }

    /// Notes the mesh that decides.
    pub(crate) fn decides(&mut self, mesh: &Mesh) {
        if let Some(draft) = &mut self.draft {
            draft.record.catalog_revision = mesh.catalog.revision().to_owned();
        }
    }

    /// Notes a table and the policies that decided about it.
    pub(crate) fn decided(&mut self, table: &DecidedTable) {
        if let Some(draft) = &mut self.draft {
            let mut record = TableRecord::new(&table.name);
            record.policies =
                table.grant.policies.iter().map(|policy| format!("{}#{}", policy.file.display(), policy.id)).collect();
            draft.tables.insert(table.name.clone(), (table.declared.name.clone(), record));
        }
    }

    /// Notes which state of a table was pinned.
    pub(crate) fn pinned(&mut self, table: &TableName, version: &SnapshotVersion) {
        if let Some((_, record)) = self.draft.as_mut().and_then(|draft| draft.tables.get_mut(table)) {
            record.version = Some(version.clone());
        }
    }

    /// Notes the columns that the plan reads of a table for the caller.
    pub(crate) fn reads(&mut self, table: &TableName, columns: Vec<String>) {
        if let Some((_, record)) = self.draft.as_mut().and_then(|draft| draft.tables.get_mut(table)) {
            record.columns = columns;
        }
    }

    /// The plan stands; `plan` is what will run, if anything will.
    pub(crate) fn planned(mut self, plan: Option<Arc<dyn ExecutionPlan>>) -> OpenRecord<Running> {
        let mut draft = self.draft.take();
        if let Some(draft) = &mut draft {
            draft.record.planning = draft.started.elapsed();
            draft.plan = plan;
        }
        OpenRecord { draft, state: PhantomData }
    }

    /// The statement was described, not run: nothing to record.
    pub(crate) fn discard(mut self) {
        self.draft = None;
    }
}

impl OpenRecord<Running> {
    /// Counts a batch on its way to the caller.
    pub(crate) fn sent(&mut self, batch: &RecordBatch) {
        if let Some(draft) = &mut self.draft {
            draft.record.rows += batch.num_rows() as u64;
            draft.record.bytes += batch
                .columns()
                .iter()
                .map(|column| {
                    column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_buffer_memory_size())
                })
                .sum::<usize>() as u64;
        }
    }

    /// To the last row.
    pub(crate) fn finish(&mut self) {
        self.write(Outcome::Finished, None);
    }

    /// The failure of a running plan. Its text may name a value of a table, so the record keeps its class alone.
    pub(crate) fn fail_running(&mut self, error: &QueryError) {
        let text = match error {
            QueryError::Invalid(_) => "a value did not fit an expression of the query".to_owned(),
            error => error.to_string(),
        };
        self.write(outcome(error), Some((error, text)));
    }
}

impl<State> OpenRecord<State> {
    /// The failure of anything before the plan runs.
    pub(crate) fn fail(&mut self, error: &QueryError) {
        self.write(outcome(error), Some((error, error.to_string())));
    }

    fn write(&mut self, outcome: Outcome, error: Option<(&QueryError, String)>) {
        let Some(draft) = self.draft.take() else { return };
        let Draft { mut record, tables, plan, started, sink } = *draft;
        let counts = plan.as_ref().map(scan_counts).unwrap_or_default();
        record.tables = tables
            .into_values()
            .map(|(declared, mut record)| {
                if let Some(counts) = counts.get(&declared) {
                    record.files_read = counts.files_read;
                    record.row_groups_read = counts.row_groups_read;
                    record.bytes_scanned = counts.bytes_scanned;
                }
                record
            })
            .collect();
        record.outcome = outcome;
        record.error_code = error.as_ref().map(|(error, _)| format!("{:?}", error.code()));
        record.error = error.map(|(_, text)| text);
        record.total = started.elapsed();
        sink.record(&record);
    }
}

impl<State> Drop for OpenRecord<State> {
    fn drop(&mut self) {
        self.write(Outcome::Cancelled, None);
    }
}

impl<State> std::fmt::Debug for OpenRecord<State> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let query_id = self.draft.as_ref().map(|draft| draft.record.query_id.as_str());
        formatter.debug_struct("OpenRecord").field("query_id", &query_id).finish_non_exhaustive()
    }
}

fn outcome(error: &QueryError) -> Outcome {
    match error {
        QueryError::Cancelled => Outcome::Cancelled,
        _ => Outcome::Failed,
    }
}
