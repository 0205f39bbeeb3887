//! Iceberg equality deletes as anti joins above the scan.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema},
    catalog::Session,
    common::{JoinSide, JoinType, NullEquality, Result, ScalarValue, Statistics},
    datasource::{listing::PartitionedFile, table_schema::TableSchema},
    logical_expr::Operator,
    physical_expr::{
        PhysicalExpr,
        expressions::{BinaryExpr, Column, Literal},
    },
    physical_plan::{
        ExecutionPlan,
        joins::{
            HashJoinExec, PartitionMode,
            utils::{ColumnIndex, JoinFilter},
        },
        projection::ProjectionExec,
    },
};
use object_store::ObjectStoreExt;

use super::{
    file::ScanFiles,
    plan::{FileScan, ScanError},
};
use crate::{
    fault::Fault,
    iceberg::{EqualityDelete, GLOBAL_PARTITION, PARTITION_COLUMN, SEQUENCE_COLUMN},
    mapping::TableMapping,
    state::TableState,
};

/// The table's own scan, from which deleted rows are taken.
pub(crate) struct Probe {
    pub(crate) files: ScanFiles,
    /// Columns of the layout, in the order that the caller wants.
    pub(crate) projection: Vec<usize>,
}

/// The scan of the data with one anti join for each set of equality columns.
pub(crate) async fn plan(
    scan: &FileScan<'_>,
    state: &TableState,
    session: &dyn Session,
    probe: Probe,
) -> Result<Arc<dyn ExecutionPlan>, ScanError> {
    let mut sets: BTreeMap<&[usize], Vec<&EqualityDelete>> = BTreeMap::new();
    for delete in state.deletes.equality() {
        sets.entry(&delete.columns).or_default().push(delete);
    }

    let Probe { mut files, projection: wanted } = probe;
    files.statistics = files.statistics.to_inexact();
    let schema = state.layout.table_schema();
    let mut read = wanted.clone();
    let keys = sets.keys().flat_map(|columns| columns.iter().copied());
    let stamps = [SEQUENCE_COLUMN, PARTITION_COLUMN].map(|name| schema.index_of(name));
    for column in keys.chain(stamps.into_iter().flatten()) {
        if !read.contains(&column) {
            read.push(column);
        }
    }

    let mut plan = scan.build(session, files, Some(read))?;
    for (columns, deletes) in sets {
        let build = build_side(scan, state, session, KeySet { columns, deletes: &deletes }).await?;
        plan = anti_join(build, plan, columns.iter().map(|&column| schema.field(column).name().as_str()))?;
    }
    let output = wanted
        .iter()
        .enumerate()
        .map(|(index, &column)| {
            let name = schema.field(column).name();
            (Arc::new(Column::new(name, index)) as Arc<dyn PhysicalExpr>, name.clone())
        })
        .collect::<Vec<_>>();
    Ok(Arc::new(ProjectionExec::try_new(output, plan)?))
}

struct KeySet<'a> {
    columns: &'a [usize],
    deletes: &'a [&'a EqualityDelete],
}

/// Reads the delete files that share one set of columns.
async fn build_side(
    scan: &FileScan<'_>,
    state: &TableState,
    session: &dyn Session,
    keys: KeySet<'_>,
) -> Result<Arc<dyn ExecutionPlan>, ScanError> {
    let layout_schema = state.layout.table_schema();
    let fields: Vec<_> =
        keys.columns.iter().map(|&column| Arc::new(layout_schema.field(column).clone().with_nullable(true))).collect();
    let layout = TableSchema::builder(Arc::new(Schema::new(fields)))
        .with_table_partition_cols(vec![
            Arc::new(Field::new(SEQUENCE_COLUMN, DataType::Int64, false)),
            Arc::new(Field::new(PARTITION_COLUMN, DataType::Int64, false)),
        ])
        .build();
    let mapping = TableMapping {
        matching: state.mapping.matching,
        renamed: state.mapping.renamed,
        columns: keys.deletes.first().map(|delete| delete.mappings.clone()).unwrap_or_default(),
    };

    let mut files = Vec::with_capacity(keys.deletes.len());
    for delete in keys.deletes {
        // The size that a manifest gives for a delete file is not to be trusted:
        // https://github.com/apache/iceberg/issues/12554
        let head = scan.store.store.head(&delete.location).await;
        let meta = head.map_err(|error| Fault::store("a delete file", error))?;
        let mut file = PartitionedFile::new_from_meta(meta);
        file.partition_values =
            vec![ScalarValue::Int64(Some(delete.sequence)), ScalarValue::Int64(Some(delete.partition))];
        files.push(file);
    }
    let statistics = Statistics::new_unknown(layout.table_schema());
    let scan = FileScan {
        table: scan.table,
        store: scan.store,
        layout: &layout,
        mapping: &Arc::new(mapping),
        predicate: None,
        limit: None,
        considered: 0,
    };
    Ok(scan.build(session, ScanFiles { files, statistics }, None)?)
}

/// The rows of `probe` for which `build` holds no delete that is younger and of the same partition, or of all.
fn anti_join<'a>(
    build: Arc<dyn ExecutionPlan>,
    probe: Arc<dyn ExecutionPlan>,
    keys: impl Iterator<Item = &'a str>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let (build_schema, probe_schema) = (build.schema(), probe.schema());
    let on = keys
        .map(|name| {
            let build = Arc::new(Column::new_with_schema(name, &build_schema)?) as Arc<dyn PhysicalExpr>;
            let probe = Arc::new(Column::new_with_schema(name, &probe_schema)?) as Arc<dyn PhysicalExpr>;
            Ok((build, probe))
        })
        .collect::<Result<Vec<_>>>()?;
    let indices = vec![
        ColumnIndex { index: build_schema.index_of(SEQUENCE_COLUMN)?, side: JoinSide::Left },
        ColumnIndex { index: probe_schema.index_of(SEQUENCE_COLUMN)?, side: JoinSide::Right },
        ColumnIndex { index: build_schema.index_of(PARTITION_COLUMN)?, side: JoinSide::Left },
        ColumnIndex { index: probe_schema.index_of(PARTITION_COLUMN)?, side: JoinSide::Right },
    ];
    let names = ["delete_sequence", "sequence", "delete_partition", "partition"];
    let schema = Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Int64, false)).to_vec()));
    let column = |index: usize| Arc::new(Column::new(names[index], index)) as Arc<dyn PhysicalExpr>;
    let binary = |left, operator, right| Arc::new(BinaryExpr::new(left, operator, right)) as Arc<dyn PhysicalExpr>;
    let global = Arc::new(Literal::new(ScalarValue::Int64(Some(GLOBAL_PARTITION)))) as Arc<dyn PhysicalExpr>;
    let everywhere = binary(column(2), Operator::Eq, global);
    let same_partition = binary(column(2), Operator::Eq, column(3));
    let younger = binary(column(0), Operator::Gt, column(1));
    let applies = binary(younger, Operator::And, binary(everywhere, Operator::Or, same_partition));
    Ok(Arc::new(HashJoinExec::try_new(
        build,
        probe,
        on,
        Some(JoinFilter::new(applies, indices, schema)),
        &JoinType::RightAnti,
        None,
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNull,
        false,
    )?))
}
