//! The log, on standard error.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use meshgate_query::{QueryRecord, RecordSink, TracingSink};
use serde::Deserialize;
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object a line, for a collector.
    Json,
}

/// Starts the log. `level` is a level (`info`) or `tracing` directives (`info,meshgate_tables=debug`).
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), String> {
    // The Delta kernel tells each scan, paths included, and its errors with their backtraces; what of them matters is
    // told again by the crate that called it. A directive of the operator's own comes after.
    let filter = EnvFilter::try_new(format!("delta_kernel=off,{level}")).map_err(|error| {
        format!("`{level}` is no log level ({error}); take `error`, `warn`, `info`, `debug` or `trace`")
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => registry.with(lines.with_ansi(may_colour(&io::stderr()))).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
    started.map_err(|error| error.to_string())
}

/// Tells where a panic was, and nothing more: its text may hold a value of a table.
pub(crate) fn withhold_panic_texts() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, "a task panicked; what it said is withheld");
    }));
}

/// Where the records of queries go in that format: one structured line each, in both.
pub(crate) fn record_sink(format: LogFormat) -> std::sync::Arc<dyn RecordSink> {
    match format {
        LogFormat::Text => std::sync::Arc::new(TracingSink),
        LogFormat::Json => std::sync::Arc::new(JsonLineSink),
    }
}

/// Whether what is written there may be coloured.
pub(crate) fn may_colour(output: &impl IsTerminal) -> bool {
    output.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Says something to the person at the terminal. Nothing can be done if nobody listens.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes each record as one JSON object with the record's own fields at its top, where a collector finds them;
/// `tracing` could carry them as one escaped string alone.
#[derive(Debug)]
struct JsonLineSink;

#[derive(serde::Serialize)]
struct JsonLine<'a> {
    timestamp: String,
    level: &'static str,
    target: &'static str,
    message: &'static str,
    #[serde(flatten)]
    record: &'a QueryRecord,
}

impl JsonLine<'_> {
    fn new(record: &QueryRecord) -> JsonLine<'_> {
        JsonLine {
            timestamp: chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            level: "INFO",
            target: "meshgate::query",
            message: "query",
            record,
        }
    }
}

impl RecordSink for JsonLineSink {
    fn record(&self, record: &QueryRecord) {
        match serde_json::to_string(&JsonLine::new(record)) {
            Ok(line) => tell(&format!("{line}\n")),
            Err(error) => tracing::error!(target: "meshgate::query", %error, "query record lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use meshgate_query::Outcome;

    use super::*;

    #[test]
    fn a_record_is_one_flat_json_line() {
        let record = QueryRecord {
            query_id: "q-1".to_owned(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            user: "analyst".to_owned(),
            purpose: None,
            sql: "SELECT 1\nFROM x".to_owned(),
            catalog_revision: "abc".to_owned(),
            tables: Vec::new(),
            outcome: Outcome::Finished,
            error_code: None,
            error: None,
            rows: 1,
            bytes: 8,
            planning: Duration::from_millis(2),
            total: Duration::from_millis(5),
        };
        let line = serde_json::to_string(&JsonLine::new(&record)).unwrap();
        assert!(!line.contains('\n'), "one line: {line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["user"], "analyst");
        assert_eq!(value["target"], "meshgate::query");
        assert_eq!(value["outcome"], "finished");
        assert_eq!(value["total_ms"], 5.0);
    }

    #[test]
    fn a_level_that_does_not_exist_is_named() {
        let error = start(LogFormat::Text, "meshgate=loud").unwrap_err();
        assert!(error.starts_with("`meshgate=loud` is no log level"), "{error}");
    }
}
