//! SqlInfo: what the server says of itself, each value in the type that FlightSql.proto gives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use arrow_flight::sql::{
    SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlSupportedGroupBy,
    SqlSupportedResultSetConcurrency, SqlSupportedResultSetType, SqlSupportedSubqueries, SqlSupportedTransaction,
    SqlSupportedUnions, SqlSupportsConvert, SqlTransactionIsolationLevel, SupportedSqlGrammar,
    metadata::{SqlInfoData, SqlInfoDataBuilder},
};
use datafusion::{arrow::array::RecordBatch, functions, logical_expr::ScalarUDF};
use tonic::Status;

use crate::status::internal;

/// The Arrow format whose types are sent (https://arrow.apache.org/docs/format/Changelog.html).
const ARROW_FORMAT: &str = "1.5";
/// A limit that is not known, or that there is none.
const NO_LIMIT: i64 = 0;
/// Ids from here on are not Flight SQL's.
const LAST_ID: u32 = 1_000;

/// All values. Prepared statements are good for `handle_lifetime` since their last use.
pub(crate) fn data(handle_lifetime: Duration) -> Result<SqlInfoData, Status> {
    let mut values = SqlInfoDataBuilder::new();
    server(&mut values, handle_lifetime);
    language(&mut values);
    limits(&mut values);
    transactions(&mut values);
    result_sets(&mut values);
    values.build().map_err(|_| internal("SqlInfo could not be built"))
}

/// The values of those ids; no id = all.
pub(crate) fn answer(data: &SqlInfoData, ids: &[u32]) -> Result<RecordBatch, Status> {
    let known: BTreeSet<u32> = ids.iter().copied().filter(|id| *id < LAST_ID).collect();
    if known.is_empty() && !ids.is_empty() {
        return Ok(RecordBatch::new_empty(data.schema()));
    }
    data.record_batch(known).map_err(|_| internal("a SqlInfo answer could not be built"))
}

fn server(values: &mut SqlInfoDataBuilder, handle_lifetime: Duration) {
    values.append(SqlInfo::FlightSqlServerName, "meshgate");
    values.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    values.append(SqlInfo::FlightSqlServerArrowVersion, ARROW_FORMAT);
    values.append(SqlInfo::FlightSqlServerReadOnly, true);
    values.append(SqlInfo::FlightSqlServerSql, true);
    values.append(SqlInfo::FlightSqlServerSubstrait, false);
    values.append(SqlInfo::FlightSqlServerSubstraitMinVersion, "");
    values.append(SqlInfo::FlightSqlServerSubstraitMaxVersion, "");
    values.append(SqlInfo::FlightSqlServerTransaction, SqlSupportedTransaction::None as i32);
    values.append(SqlInfo::FlightSqlServerCancel, true);
    values.append(SqlInfo::FlightSqlServerBulkIngestion, false);
    values.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, false);
    let milliseconds = i32::try_from(handle_lifetime.as_millis()).unwrap_or(i32::MAX);
    values.append(SqlInfo::FlightSqlServerStatementTimeout, milliseconds);
    values.append(SqlInfo::FlightSqlServerTransactionTimeout, 0i32);
}

fn language(values: &mut SqlInfoDataBuilder) {
    for unsupported in [SqlInfo::SqlDdlCatalog, SqlInfo::SqlDdlSchema, SqlInfo::SqlDdlTable] {
        values.append(unsupported, false);
    }
    values.append(SqlInfo::SqlIdentifierCase, ordinal(SqlSupportedCaseSensitivity::SqlCaseSensitivityLowercase as i32));
    values.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    // A quoted name keeps its case, which of Flight SQL's four words none says.
    values.append(
        SqlInfo::SqlQuotedIdentifierCase,
        ordinal(SqlSupportedCaseSensitivity::SqlCaseSensitivityUnknown as i32),
    );
    values.append(SqlInfo::SqlAllTablesAreSelectable, true);
    values.append(SqlInfo::SqlNullOrdering, ordinal(SqlNullOrdering::SqlNullsSortedHigh as i32));
    values.append(SqlInfo::SqlKeywords, &KEYWORDS[..]);
    values.append(SqlInfo::SqlNumericFunctions, names(&functions::math::functions()));
    let mut strings = functions::string::functions();
    strings.extend(functions::unicode::functions());
    values.append(SqlInfo::SqlStringFunctions, names(&strings));
    values.append(SqlInfo::SqlSystemFunctions, names(&functions::core::functions()));
    values.append(SqlInfo::SqlDatetimeFunctions, names(&functions::datetime::functions()));
    values.append(SqlInfo::SqlSearchStringEscape, "\\");
    values.append(SqlInfo::SqlExtraNameCharacters, "");
    values.append(SqlInfo::SqlSupportsColumnAliasing, true);
    values.append(SqlInfo::SqlNullPlusNullIsNull, true);
    values.append(SqlInfo::SqlSupportsConvert, conversions());
    values.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    values.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    values.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    values.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    // Columns that are not selected may be grouped by; columns that are not grouped by may not be selected.
    values.append(SqlInfo::SqlSupportedGroupBy, bits(&[SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32]));
    values.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    values.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    values.append(
        SqlInfo::SqlSupportedGrammar,
        bits(&[SupportedSqlGrammar::SqlMinimumGrammar as i32, SupportedSqlGrammar::SqlCoreGrammar as i32]),
    );
    // ANSI92_ENTRY_SQL, the first bit.
    values.append(SqlInfo::SqlAnsi92SupportedLevel, bits(&[0]));
    values.append(SqlInfo::SqlSupportsIntegrityEnhancementFacility, false);
    // FlightSql.proto calls it an ordinal; JDBC and ODBC read bits.
    values.append(
        SqlInfo::SqlOuterJoinsSupportLevel,
        bits(&[
            SqlOuterJoinsSupportLevel::SqlLimitedOuterJoins as i32,
            SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
        ]),
    );
    values.append(SqlInfo::SqlSchemaTerm, "schema");
    values.append(SqlInfo::SqlProcedureTerm, "procedure");
    values.append(SqlInfo::SqlCatalogTerm, "catalog");
    values.append(SqlInfo::SqlCatalogAtStart, true);
    // None of procedure calls, index and privilege definitions; no positioned DELETE or UPDATE, no FOR UPDATE.
    values.append(SqlInfo::SqlSchemasSupportedActions, bits(&[]));
    values.append(SqlInfo::SqlCatalogsSupportedActions, bits(&[]));
    values.append(SqlInfo::SqlSupportedPositionedCommands, bits(&[]));
    values.append(SqlInfo::SqlSelectForUpdateSupported, false);
    values.append(SqlInfo::SqlStoredProceduresSupported, false);
    values.append(
        SqlInfo::SqlSupportedSubqueries,
        bits(&[
            SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
            SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
            SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
        ]),
    );
    values.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    values.append(
        SqlInfo::SqlSupportedUnions,
        bits(&[SqlSupportedUnions::SqlUnion as i32, SqlSupportedUnions::SqlUnionAll as i32]),
    );
}

fn limits(values: &mut SqlInfoDataBuilder) {
    for limit in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxConnections,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxStatementLength,
        SqlInfo::SqlMaxStatements,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
        SqlInfo::SqlMaxUsernameLength,
    ] {
        values.append(limit, NO_LIMIT);
    }
    values.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, true);
}

fn transactions(values: &mut SqlInfoDataBuilder) {
    let none = SqlTransactionIsolationLevel::SqlTransactionNone as i32;
    values.append(SqlInfo::SqlDefaultTransactionIsolation, ordinal(none));
    values.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, bits(&[none]));
    for unsupported in [
        SqlInfo::SqlTransactionsSupported,
        SqlInfo::SqlDataDefinitionCausesTransactionCommit,
        SqlInfo::SqlDataDefinitionsInTransactionsIgnored,
        SqlInfo::SqlBatchUpdatesSupported,
        SqlInfo::SqlSavepointsSupported,
        SqlInfo::SqlNamedParametersSupported,
        SqlInfo::SqlLocatorsUpdateCopy,
        SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported,
    ] {
        values.append(unsupported, false);
    }
}

fn result_sets(values: &mut SqlInfoDataBuilder) {
    let forward_only = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    let read_only = SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32;
    values.append(SqlInfo::SqlSupportedResultSetTypes, bits(&[forward_only]));
    values.append(SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified, bits(&[]));
    values.append(SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly, bits(&[read_only]));
    values.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive, bits(&[]));
    values.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive, bits(&[]));
}

/// Words that need quotes as names beyond those of SQL:2003; clients quote what is listed.
const KEYWORDS: [&str; 12] =
    ["ANTI", "ASOF", "EXPLAIN", "ILIKE", "LIMIT", "OFFSET", "PIVOT", "QUALIFY", "RLIKE", "SEMI", "SHOW", "UNPIVOT"];

fn names(functions: &[Arc<ScalarUDF>]) -> Vec<String> {
    let mut names: Vec<_> = functions.iter().map(|function| function.name().to_uppercase()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// FlightSql.proto calls these four int32; its reference server sends int64, JDBC 18.3 fails on anything else
/// (`ClassCastException`) and ODBC reads eight bytes whatever comes.
fn ordinal(value: i32) -> i64 {
    i64::from(value)
}

fn bits(set: &[i32]) -> i32 {
    set.iter().fold(0, |mask, bit| mask | 1 << bit)
}

/// What `CAST` converts to what.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert::*;
    let numbers = [
        SqlConvertBigint,
        SqlConvertDecimal,
        SqlConvertFloat,
        SqlConvertInteger,
        SqlConvertReal,
        SqlConvertSmallint,
        SqlConvertTinyint,
    ];
    let texts = [SqlConvertChar, SqlConvertVarchar];
    let codes = |groups: &[&[SqlSupportsConvert]]| {
        groups.iter().flat_map(|group| group.iter().map(|code| *code as i32)).collect::<Vec<_>>()
    };
    let mut conversions = BTreeMap::new();
    for number in numbers {
        conversions.insert(number as i32, codes(&[&[SqlConvertBit], &numbers, &texts]));
    }
    for text in texts {
        let times = [SqlConvertDate, SqlConvertTime, SqlConvertTimestamp, SqlConvertVarbinary];
        conversions.insert(text as i32, codes(&[&[SqlConvertBit], &numbers, &texts, &times]));
    }
    conversions.insert(SqlConvertBit as i32, codes(&[&numbers, &texts]));
    conversions.insert(SqlConvertDate as i32, codes(&[&[SqlConvertTimestamp], &texts]));
    conversions.insert(SqlConvertTime as i32, codes(&[&texts]));
    conversions.insert(SqlConvertTimestamp as i32, codes(&[&[SqlConvertDate, SqlConvertTime], &texts]));
    conversions.insert(SqlConvertVarbinary as i32, codes(&[&texts]));
    conversions
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::AsArray,
        datatypes::{Int32Type, UInt32Type},
    };

    use super::*;

    fn told() -> SqlInfoData {
        data(Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn every_id_is_answered_once() {
        let batch = told().record_batch([]).unwrap();
        let ids: Vec<u32> = batch.column(0).as_primitive::<UInt32Type>().values().to_vec();
        let expected: BTreeSet<u32> = (0..=11).chain(100..=101).chain(500..=576).collect();
        assert_eq!(ids.len(), expected.len());
        assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    /// The union's children: 0 string, 1 bool, 2 bigint, 3 int32, 4 list of strings, 5 map.
    #[test]
    fn every_value_has_the_type_that_drivers_read() {
        let batch = told().record_batch([]).unwrap();
        let values = batch.column(1).as_union();
        for (row, id) in batch.column(0).as_primitive::<UInt32Type>().values().iter().enumerate() {
            let expected = match id {
                0..=2 | 6 | 7 | 504 | 513 | 514 | 529..=531 => 0,
                3..=5
                | 9..=11
                | 500..=502
                | 506
                | 515
                | 516
                | 518..=521
                | 523
                | 524
                | 527
                | 532
                | 536
                | 537
                | 539
                | 556
                | 563
                | 565
                | 566
                | 572..=576 => 1,
                503 | 505 | 507 | 541..=555 | 557..=562 => 2,
                508..=512 => 4,
                517 => 5,
                _ => 3,
            };
            assert_eq!(values.type_id(row), expected, "SqlInfo {id}");
        }
    }

    #[test]
    fn single_values_are_what_drivers_ask_for() {
        let value = |id: u32| told().record_batch([id]).unwrap().column(1).as_union().value(0);
        assert_eq!(value(504).as_string::<i32>().value(0), "\"");
        assert_eq!(value(513).as_string::<i32>().value(0), "\\");
        assert!(value(3).as_boolean().value(0));
        assert_eq!(value(8).as_primitive::<Int32Type>().value(0), 0);
        assert_eq!(value(100).as_primitive::<Int32Type>().value(0), 60_000);
        assert_eq!(answer(&told(), &[]).unwrap().num_rows(), 91);
        assert_eq!(answer(&told(), &[0, 0, 3, u32::MAX]).unwrap().num_rows(), 2);
        assert_eq!(answer(&told(), &[4711]).unwrap().num_rows(), 0);
    }
}
