//! What a caller sees of a plan, and what the check lets pass.

use std::collections::BTreeSet;

use datafusion::datasource::{
    file_format::csv::CsvFormat,
    listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
};

use super::*;
use crate::{
    QueryError,
    secure::{scan_counts, verify},
};

#[tokio::test]
async fn explain_ends_at_the_barrier() {
    // 9
    for partitions in [1, 4] {
        let mut answers = Vec::new();
        for mesh in Mesh::BOTH {
            let setup = Setup::new(partitions);
            let context = setup.context(mesh.table(partitions), east());
            let query = "SELECT region, count(*) FROM items WHERE CAST(note AS BIGINT) > 1 AND id < 9 GROUP BY region";
            let mut shown = String::new();
            for explain in [
                "EXPLAIN",
                "EXPLAIN VERBOSE",
                "EXPLAIN FORMAT INDENT",
                "EXPLAIN FORMAT TREE",
                "EXPLAIN FORMAT PGJSON",
                "EXPLAIN FORMAT GRAPHVIZ",
            ] {
                shown += &outcome(&context, &format!("{explain} {query}")).await;
            }
            for hidden in ["DataSourceExec", "principal", "EAST", "E%", "mask-alphanum", "ssn", CANARY, "raw."] {
                assert!(!shown.contains(hidden), "{hidden}: {shown}");
            }
            assert!(
                shown.contains("SecurityBarrierExec: table=sales.orders.items, policies=[analysts-read]"),
                "{shown}"
            );
            let analyzed = outcome(&context, &format!("EXPLAIN ANALYZE VERBOSE {query}")).await;
            for hidden in ["DataSourceExec", "EAST", "mask-alphanum", "output_batches=", CANARY] {
                let line = analyzed.lines().find(|line| line.contains("SecurityBarrierExec")).unwrap();
                assert!(!line.contains(hidden), "{hidden}: {line}");
            }
            assert!(!analyzed.contains("DataSourceExec"), "{analyzed}");
            answers.push(shown);
        }
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn explain_of_a_tree_names_table_and_policies() {
    let context = Setup::new(1).context(Mesh::One.table(1), east());
    let plan = plan(&context, "SELECT id FROM items").await.unwrap();
    let tree = datafusion::physical_plan::displayable(plan.as_ref()).tree_render().to_string();
    assert!(tree.contains("sales.orders.items") && tree.contains("analysts-read"), "{tree}");
}

#[tokio::test]
async fn the_check_passes_barriers_and_memory() {
    let context = Setup::new(4).context(Mesh::One.table(4), east());
    for sql in [
        "SELECT * FROM items",
        "SELECT 1",
        "VALUES (1), (2)",
        "SELECT * FROM items i JOIN (VALUES (1)) AS v(id) USING (id)",
        "SELECT * FROM items WHERE false",
        "EXPLAIN SELECT * FROM items",
        "EXPLAIN ANALYZE SELECT * FROM items",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT * FROM n",
        "SELECT (SELECT max(id) FROM items)",
        "SELECT * FROM generate_series(1, 3)",
    ] {
        let plan = plan(&context, sql).await.unwrap();
        verify(&plan, &BTreeSet::new()).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[tokio::test]
async fn the_check_refuses_other_leaves() {
    let setup = Setup::new(1);
    let files = files::Files::write(&Mesh::One.rows(), 8);
    let parquet = files.provider().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.csv"), "a\n1\n").unwrap();
    let options = ListingOptions::new(Arc::new(CsvFormat::default())).with_file_extension("csv");
    let url = ListingTableUrl::parse(folder.path().to_str().unwrap()).unwrap();
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
    let csv = Arc::new(ListingTable::try_new(config).unwrap());
    let context = setup.context(Mesh::One.table(1), east());
    context.register_table("bare", parquet).unwrap();
    context.register_table("csv", csv).unwrap();
    for sql in [
        "SELECT count(*) FROM bare WHERE id = 1",
        "SELECT * FROM items JOIN bare USING (id)",
        "SELECT * FROM csv",
        "SELECT id FROM items WHERE id IN (SELECT id FROM bare)",
        "SELECT * FROM information_schema.df_settings",
        "SELECT id, (SELECT max(a) FROM csv) FROM items",
    ] {
        let plan = plan(&context, sql).await.unwrap();
        let refused = verify(&plan, &BTreeSet::from([name()]));
        assert!(matches!(refused, Err(QueryError::Internal)), "{sql}");
        assert!(scan_counts(&plan).is_empty());
    }
}

#[test]
fn a_missing_column_is_named_to_those_who_may_see_it() {
    let govern = |access| {
        let raw = RawTable { declared: declared(None), provider: Mesh::One.table(1) };
        Setup::new(1).guard().govern(raw, Grants::new(&[("id", ColumnAccess::Raw), ("gone", access)]).build())
    };
    for access in [ColumnAccess::Raw, ColumnAccess::Masked(Mask::Null)] {
        let error = govern(access).unwrap_err();
        assert_eq!(
            error.to_string(),
            "table `sales.orders.items` can't be read: its contract declares column `gone`, which it does not have; ask \
             its owner"
        );
    }
    let governed = govern(ColumnAccess::Denied).unwrap();
    assert_eq!(governed.schema().fields().len(), 1);
}

#[test]
fn the_schema_is_the_contracts_order_without_metadata() {
    let metadata = [("secret".to_owned(), CANARY.to_owned())];
    let nested = Field::new("text", DataType::Utf8View, true).with_metadata(metadata.clone().into());
    let schema = Schema::new_with_metadata(
        vec![
            Field::new("b", DataType::Struct(vec![nested].into()), true).with_metadata(metadata.clone().into()),
            Field::new("a", DataType::Date32, false),
        ],
        metadata.into(),
    );
    let raw = Arc::new(MemTable::try_new(Arc::new(schema), vec![vec![]]).unwrap());
    let masked = ColumnAccess::Masked(Mask::TruncateToYear);
    let governed = Setup::new(1).govern(raw.clone(), Grants::new(&[("a", masked), ("b", ColumnAccess::Raw)]));
    let inner = Field::new("text", DataType::Utf8View, true);
    let expected = Schema::new(vec![
        Field::new("a", DataType::Date32, true),
        Field::new("b", DataType::Struct(vec![inner].into()), true),
    ]);
    assert_eq!(*governed.schema(), expected);
    let all = Grants::new(&[("a", ColumnAccess::Raw), ("b", ColumnAccess::Raw)]);
    assert!(!Setup::new(1).govern(raw, all).is_free(), "metadata is a restriction too");
}

#[tokio::test]
async fn nested_metadata_is_taken_off_the_rows_as_well() {
    let nested = Field::new("text", DataType::Utf8View, true);
    let tagged = nested.clone().with_metadata([("id".to_owned(), "1".to_owned())].into());
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a"]));
    let column: ArrayRef = Arc::new(datafusion::arrow::array::StructArray::new(vec![tagged].into(), vec![texts], None));
    let batch = RecordBatch::try_from_iter([("b", column)]).unwrap();
    let raw = Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap());
    let context = Setup::new(1).context(raw, Grants::new(&[("b", ColumnAccess::Raw)]));
    let batches = run(&context, "SELECT * FROM items").await.unwrap();
    assert_eq!(batches[0].schema().field(0).data_type(), &DataType::Struct(vec![nested].into()));
}
