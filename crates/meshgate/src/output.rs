//! Rows on standard output: a table for a person, JSON lines or CSV for a program.

use std::{io::Write, sync::Arc};

use clap::ValueEnum;
use datafusion::arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    csv::{Writer as CsvWriter, WriterBuilder as CsvWriterBuilder},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
    json::{LineDelimitedWriter, WriterBuilder as JsonWriterBuilder, writer::LineDelimited},
    util::{
        display::{ArrayFormatter, FormatOptions},
        pretty::pretty_format_batches_with_options,
    },
};

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Boxes, for a person.
    Table,
    /// One JSON object a line.
    Json,
    /// Comma separated, with a header.
    Csv,
}

/// Prints the batches of one result as they come.
pub(crate) enum Printer<W: Write> {
    /// Keeps up to `most` rows, since a column is as wide as its widest value.
    Table { output: W, schema: SchemaRef, batches: Vec<RecordBatch>, rows: usize, most: usize },
    /// An object a row, as it comes.
    Json { output: LineDelimitedWriter<W> },
    /// A line a row, as it comes; nested columns as text.
    Csv { output: Box<CsvWriter<W>>, schema: SchemaRef },
}

/// Whether the printer takes more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It does.
    More,
    /// It has as many rows as it prints, and was given more.
    Full,
}

impl<W: Write> Printer<W> {
    /// A printer of rows of that schema; a table shows the first `most`.
    pub(crate) fn new(format: Format, schema: &SchemaRef, most: usize, output: W) -> Result<Self, ArrowError> {
        Ok(match format {
            Format::Table => Self::Table { output, schema: schema.clone(), batches: Vec::new(), rows: 0, most },
            Format::Json => Self::Json {
                output: JsonWriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(output),
            },
            Format::Csv => {
                let schema = flat_schema(schema);
                let mut output = CsvWriterBuilder::new().with_header(true).build(output);
                output.write(&RecordBatch::new_empty(schema.clone()))?;
                Self::Csv { output: Box::new(output), schema }
            }
        })
    }

    /// Takes one batch.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Progress, ArrowError> {
        match self {
            Self::Table { batches, rows, most, .. } => {
                let room = *most - *rows;
                let taken = batch.num_rows().min(room);
                batches.push(batch.slice(0, taken));
                *rows += taken;
                return Ok(if batch.num_rows() > room { Progress::Full } else { Progress::More });
            }
            Self::Json { output } => output.write(batch)?,
            Self::Csv { output, schema } => output.write(&flatten(schema, batch)?)?,
        }
        Ok(Progress::More)
    }

    /// Prints what was kept, and gives the output back.
    pub(crate) fn finish(self) -> Result<W, ArrowError> {
        match self {
            Self::Table { mut output, schema, batches, .. } => {
                match plans(&schema, &batches) {
                    Some(plans) => output.write_all(plans.as_bytes())?,
                    None => {
                        let batches = if batches.is_empty() { vec![RecordBatch::new_empty(schema)] } else { batches };
                        writeln!(output, "{}", pretty_format_batches_with_options(&batches, &display())?)?;
                    }
                }
                output.flush()?;
                Ok(output)
            }
            Self::Json { mut output } => {
                output.finish()?;
                let mut output = output.into_inner();
                output.flush()?;
                Ok(output)
            }
            Self::Csv { output, .. } => {
                let mut output = output.into_inner();
                output.flush()?;
                Ok(output)
            }
        }
    }
}

/// Rows as a table of text.
pub(crate) fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let mut printer = Printer::new(Format::Table, schema, usize::MAX, Vec::new())?;
    for batch in batches {
        printer.write(batch)?;
    }
    Ok(String::from_utf8_lossy(&printer.finish()?).into_owned())
}

/// What EXPLAIN answers, as text: a plan in a box of the table's width is unreadable.
fn plans(schema: &Schema, batches: &[RecordBatch]) -> Option<String> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    if names != ["plan_type", "plan"] {
        return None;
    }
    let mut text = String::new();
    for batch in batches {
        let options = display();
        let kinds = ArrayFormatter::try_new(batch.column(0), &options).ok()?;
        let plans = ArrayFormatter::try_new(batch.column(1), &options).ok()?;
        for row in 0..batch.num_rows() {
            text.push_str(&format!("-- {}\n{}\n", kinds.value(row), plans.value(row).to_string().trim_end()));
        }
    }
    Some(text)
}

fn display() -> FormatOptions<'static> {
    FormatOptions::new().with_null("NULL").with_display_error(true)
}

/// CSV has no nested values: they are printed as text.
fn flat_schema(schema: &Schema) -> SchemaRef {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| {
            if field.data_type().is_nested() {
                Field::new(field.name(), DataType::Utf8, field.is_nullable())
            } else {
                field.as_ref().clone()
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

fn flatten(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(flat_column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}

fn flat_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if !column.data_type().is_nested() {
        return Ok(column.clone());
    }
    let options = display();
    let formatter = ArrayFormatter::try_new(column.as_ref(), &options)?;
    let texts: StringArray =
        (0..column.len()).map(|row| column.is_valid(row).then(|| formatter.value(row).to_string())).collect();
    Ok(Arc::new(texts))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{
        array::{Int64Array, StructArray, TimestampMicrosecondArray},
        datatypes::TimeUnit,
    };

    use super::*;

    fn batch() -> RecordBatch {
        let inner: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let nested = StructArray::from(vec![(Arc::new(Field::new("a", DataType::Int64, true)), inner)]);
        let schema = Arc::new(Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Field::new("nested", nested.data_type().clone(), true),
        ]));
        let names = StringArray::from(vec![Some("a,\"b\""), None, Some("c")]);
        let times = TimestampMicrosecondArray::from(vec![0, 1_500_000, -1]).with_timezone("UTC");
        RecordBatch::try_new(schema, vec![Arc::new(names), Arc::new(times), Arc::new(nested)]).unwrap()
    }

    fn print(format: Format, most: usize, batches: &[RecordBatch]) -> (String, Progress) {
        let mut printer = Printer::new(format, &batch().schema(), most, Vec::new()).unwrap();
        let mut progress = Progress::More;
        for batch in batches {
            progress = printer.write(batch).unwrap();
        }
        (String::from_utf8(printer.finish().unwrap()).unwrap(), progress)
    }

    #[test]
    fn a_table_shows_the_first_rows_and_says_when_there_are_more() {
        let (text, progress) = print(Format::Table, 2, &[batch()]);
        assert_eq!(progress, Progress::Full);
        insta::assert_snapshot!(text, @r#"
        +-------+--------------------------+-----------+
        | name  | at                       | nested    |
        +-------+--------------------------+-----------+
        | a,"b" | 1970-01-01T00:00:00Z     | {a: 1}    |
        | NULL  | 1970-01-01T00:00:01.500Z | {a: NULL} |
        +-------+--------------------------+-----------+
        "#);
        assert_eq!(print(Format::Table, 3, &[batch()]).1, Progress::More);
    }

    #[test]
    fn json_is_an_object_a_line_with_every_key() {
        insta::assert_snapshot!(print(Format::Json, 1, &[batch()]).0, @r#"
        {"name":"a,\"b\"","at":"1970-01-01T00:00:00Z","nested":{"a":1}}
        {"name":null,"at":"1970-01-01T00:00:01.500Z","nested":{"a":null}}
        {"name":"c","at":"1969-12-31T23:59:59.999999Z","nested":{"a":3}}
        "#);
        assert_eq!(print(Format::Json, 1, &[]).0, "");
    }

    #[test]
    fn csv_has_one_header_and_quotes() {
        insta::assert_snapshot!(print(Format::Csv, 1, &[batch(), batch()]).0, @r#"
        name,at,nested
        "a,""b""",1970-01-01T00:00:00Z,{a: 1}
        ,1970-01-01T00:00:01.500Z,{a: NULL}
        c,1969-12-31T23:59:59.999999Z,{a: 3}
        "a,""b""",1970-01-01T00:00:00Z,{a: 1}
        ,1970-01-01T00:00:01.500Z,{a: NULL}
        c,1969-12-31T23:59:59.999999Z,{a: 3}
        "#);
        assert_eq!(print(Format::Csv, 1, &[]).0, "name,at,nested\n");
    }

    #[test]
    fn a_plan_is_printed_as_it_is() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("plan_type", DataType::Utf8, false),
            Field::new("plan", DataType::Utf8, false),
        ]));
        let kinds: ArrayRef = Arc::new(StringArray::from(vec!["logical_plan", "physical_plan"]));
        let plans: ArrayRef = Arc::new(StringArray::from(vec!["Limit\n  Scan", "LimitExec\n  Leaf\n"]));
        let batch = RecordBatch::try_new(schema.clone(), vec![kinds, plans]).unwrap();
        insta::assert_snapshot!(table(&schema, &[batch]).unwrap(), @r"
        -- logical_plan
        Limit
          Scan
        -- physical_plan
        LimitExec
          Leaf
        ");
    }
}
