//! Which row filters bind, and which rows they show.

use std::collections::BTreeMap;

use datafusion::{
    arrow::{
        array::{
            ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringViewArray, StructArray,
            TimestampMicrosecondArray,
        },
        datatypes::{DataType, Field, Fields},
    },
    catalog::{MemTable, TableProvider},
};
use meshgate_catalog::AttributeValue;
use meshgate_policy::{ColumnAccess, RowAccess};

use super::*;
use crate::secure::{
    RawTable,
    tests::{Grants, Setup, declared, filter_source, run},
};

fn rows() -> Arc<dyn TableProvider> {
    let inner: ArrayRef = Arc::new(Int32Array::from(vec![1; 4]));
    let parts = StructArray::new(Fields::from(vec![Field::new("a", DataType::Int32, true)]), vec![inner], None);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3, 4]))),
        ("origin", Arc::new(StringViewArray::from(vec![Some("JFK"), Some("LGA"), Some("EWR"), None]))),
        ("delay", Arc::new(Int32Array::from(vec![Some(-5), Some(0), Some(70), None]))),
        ("late", Arc::new(BooleanArray::from(vec![Some(false), Some(false), Some(true), None]))),
        ("day", Arc::new(Date32Array::from(vec![15_706, 15_707, 15_708, 15_709]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 2, 3]))),
        ("gate", Arc::new(StringViewArray::from(vec!["1", "x", "3", "4"]))),
        ("parts", Arc::new(parts)),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)));
    let batch = batch.unwrap();
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

fn attributes() -> BTreeMap<String, AttributeValue> {
    BTreeMap::from([
        ("station".to_owned(), AttributeValue::String("JFK".into())),
        ("stations".to_owned(), AttributeValue::Strings(["JFK".into(), "EWR".into()].into())),
        ("nowhere".to_owned(), AttributeValue::Strings([].into())),
        ("Limit".to_owned(), AttributeValue::Integer(0)),
        ("senior".to_owned(), AttributeValue::Boolean(true)),
    ])
}

fn filtered(any_of: &[&str], none_of: &[&str]) -> Grants {
    let sources = |filters: &[&str]| filters.iter().map(|sql| filter_source(sql)).collect();
    Grants::new(&[("id", ColumnAccess::Raw)]).with_rows(RowAccess::Filtered {
        any_of: sources(any_of),
        none_of: sources(none_of),
        attributes: attributes(),
    })
}

async fn ids(grants: Grants) -> Vec<i64> {
    let context = Setup::new(1).context(rows(), grants);
    let batches = run(&context, "SELECT id FROM items ORDER BY id").await.unwrap();
    let ids = |batch: &RecordBatch| batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec();
    batches.iter().flat_map(ids).collect()
}

fn refused(filter: &str) -> String {
    let raw = RawTable { declared: declared(None), provider: rows() };
    match Setup::new(1).guard().govern(raw, filtered(&[filter], &[]).build()) {
        Ok(_) => panic!("`{filter}` was taken"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn filters_show_the_rows_for_which_they_are_true() {
    for (filter, expected) in [
        ("origin = principal.station", vec![1]),
        ("origin = PRINCIPAL.station", vec![1]),
        ("origin IN (principal.stations)", vec![1, 3]),
        ("origin IN ('LGA', principal.stations)", vec![1, 2, 3]),
        ("origin NOT IN (principal.stations)", vec![2]),
        ("origin IN (principal.nowhere)", vec![]),
        ("origin NOT IN (principal.nowhere)", vec![1, 2, 3, 4]),
        ("delay > principal.Limit", vec![3]),
        ("late OR delay < principal.Limit", vec![1, 3]),
        ("principal.senior AND id < 3", vec![1, 2]),
        ("NOT late", vec![1, 2]),
        ("origin IS NULL OR origin LIKE 'L%'", vec![2, 4]),
        ("origin ILIKE '%w_'", vec![3]),
        ("lower(origin) = 'jfk' OR starts_with(origin, 'E')", vec![1, 3]),
        ("left(origin, 1) = 'J' OR character_length(origin) > 3", vec![1]),
        ("coalesce(origin, 'none') = 'none'", vec![4]),
        ("day BETWEEN DATE '2013-01-02' AND DATE '2013-01-03'", vec![2, 3]),
        ("try_cast(gate AS int) >= 3", vec![3, 4]),
        ("delay IS DISTINCT FROM 0", vec![1, 3, 4]),
        ("id = 2.0", vec![2]),
        ("CASE WHEN late THEN id > 3 ELSE id < 2 END", vec![1]),
        ("true", vec![1, 2, 3, 4]),
        ("NULL", vec![]),
    ] {
        assert_eq!(ids(filtered(&[filter], &[])).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn permits_add_and_forbids_take_away() {
    assert_eq!(ids(filtered(&["id = 1", "id = 2"], &[])).await, [1, 2]);
    assert_eq!(ids(filtered(&[], &["id = 1"])).await, [2, 3, 4]);
    assert_eq!(ids(filtered(&["id < 4"], &["origin = 'JFK'"])).await, [2, 3]);
    // NULL hides, on either side.
    assert_eq!(ids(filtered(&["origin <> 'JFK'"], &[])).await, [2, 3]);
    assert_eq!(ids(filtered(&[], &["origin = 'JFK'"])).await, [2, 3]);
    assert_eq!(ids(filtered(&[], &["NULL"])).await, [0; 0]);
    assert_eq!(ids(filtered(&["true"], &[]).with_rows(RowAccess::Nothing)).await, [0; 0]);
}

#[tokio::test]
async fn an_absent_attribute_shows_nothing() {
    assert_eq!(ids(filtered(&["origin = principal.absent OR true"], &[])).await, [0; 0]);
    assert_eq!(ids(filtered(&["origin = principal.absent", "id = 3"], &[])).await, [3]);
    assert_eq!(ids(filtered(&["true"], &["origin = principal.absent"])).await, [0; 0]);
    // Attributes are named as written.
    assert_eq!(ids(filtered(&["delay > principal.limit"], &[])).await, [0; 0]);
}

#[test]
fn a_filter_that_could_fail_is_refused() {
    for filter in [
        "CAST(gate AS int) > 1",
        "gate::bigint > 1",
        "100 / delay > 1",
        "delay + 1 > 1",
        "-delay > 1",
        "delay % 2 = 0",
        "origin ~ 'J.*'",
        "origin SIMILAR TO 'J.*'",
        "origin LIKE gate",
        "abs(delay) > 1",
        "substr(origin, delay) = 'x'",
        "left(origin, id) = 'x'",
        "origin || gate = 'x'",
        "random() > 0.5",
        "now() > at",
        "delay = origin",
        "delay = principal.station",
        "origin = principal.stations",
        "at = day",
        "parts['a'] = 1",
        "EXISTS (SELECT 1)",
        "id IN (SELECT 1)",
        "id = (SELECT 1)",
        "count(*) > 1",
        "id",
        "origin",
        "missing = 1",
        "principal.station.x = 'a'",
        "id = 1 AS x",
        "id =",
        "id = 1; DROP TABLE x",
        "id = $1",
        "CAST(late AS int) / 0 = 1",
        "arrow_cast(gate, 'Int32') = 1",
        "try_cast(try_cast(gate AS int) + 1 AS bigint) = 1",
        "CASE gate WHEN 'a' THEN true END AND 1 / delay = 1",
    ] {
        let message = refused(filter);
        assert_eq!(
            message,
            "access to `sales.orders.items` is not possible: the row filter of policy `east-desk` can't be applied; \
             ask its owner",
            "{filter}"
        );
    }
}
