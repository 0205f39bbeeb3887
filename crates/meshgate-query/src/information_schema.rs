//! `information_schema`, made of the caller's own listing.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{ArrayRef, Int32Builder, StringBuilder},
        datatypes::{DataType, Field, Schema, SchemaRef},
        record_batch::RecordBatch,
    },
    catalog::TableProvider,
    datasource::MemTable,
    error::Result as PlanResult,
};
use meshgate_catalog::nearest;

use crate::{ListedTable, Listing, ListingFilter, QueryError, Result, sql_type::SqlType};

/// A view of a request's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InformationSchema {
    /// The domain that it speaks of; `None` = all.
    pub(crate) domain: Option<String>,
    /// Which view.
    pub(crate) view: View,
}

/// The views of ISO/IEC 9075-11 that are offered. Those about keys speak of what contracts declare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Columns,
    KeyColumnUsage,
    Schemata,
    TableConstraints,
    Tables,
    Views,
}

impl View {
    /// The schema's name, in every domain.
    pub(crate) const SCHEMA: &str = "information_schema";

    const ALL: [Self; 6] =
        [Self::Columns, Self::KeyColumnUsage, Self::Schemata, Self::TableConstraints, Self::Tables, Self::Views];

    fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::KeyColumnUsage => "key_column_usage",
            Self::Schemata => "schemata",
            Self::TableConstraints => "table_constraints",
            Self::Tables => "tables",
            Self::Views => "views",
        }
    }

    /// The view of that name.
    pub(crate) fn named(name: &str) -> Result<Self> {
        if name == "df_settings" {
            return Err(QueryError::Unsupported(
                "the engine's options (`information_schema.df_settings`) are not offered".to_owned(),
            ));
        }
        Self::ALL.into_iter().find(|view| view.name() == name).ok_or_else(|| {
            let hint = nearest(name, Self::ALL.iter().map(|view| view.name()))
                .map(|candidate| format!("; did you mean `information_schema.{candidate}`?"))
                .unwrap_or_default();
            QueryError::NotFound(format!("table `information_schema.{name}` does not exist{hint}"))
        })
    }
}

impl InformationSchema {
    /// What has to be listed for it.
    pub(crate) fn filter(&self) -> ListingFilter {
        let with_columns = matches!(self.view, View::Columns | View::KeyColumnUsage | View::TableConstraints);
        ListingFilter { catalog: self.domain.clone(), with_columns, ..ListingFilter::default() }
    }

    /// The view's rows over what the caller may see.
    pub(crate) fn provider(&self, listing: &Listing) -> PlanResult<Arc<dyn TableProvider>> {
        let mut rows = Rows::new(self.view);
        match self.view {
            View::Tables => listing.tables.iter().for_each(|table| rows.table(table)),
            View::Columns => listing.tables.iter().for_each(|table| rows.columns(table)),
            View::Schemata => rows.schemata(listing),
            View::TableConstraints => listing.tables.iter().for_each(|table| rows.constraint(table)),
            View::KeyColumnUsage => listing.tables.iter().for_each(|table| rows.key_columns(table)),
            View::Views => {}
        }
        let (schema, batch) = rows.finish()?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}

/// A cell.
enum Cell<'a> {
    Text(&'a str),
    Number(i32),
    Null,
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<Option<i32>> for Cell<'_> {
    fn from(number: Option<i32>) -> Self {
        number.map_or(Self::Null, Self::Number)
    }
}

enum Column {
    Text(StringBuilder),
    Number(Int32Builder),
}

/// A view's columns while its rows are added.
struct Rows {
    schema: SchemaRef,
    columns: Vec<Column>,
}

impl Rows {
    fn new(view: View) -> Self {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let text_or_null = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int32, false);
        let number_or_null = |name: &str| Field::new(name, DataType::Int32, true);
        let table = || [text("table_catalog"), text("table_schema"), text("table_name")];
        let constraint = || [text("constraint_catalog"), text("constraint_schema"), text("constraint_name")];
        let fields: Vec<Field> = match view {
            View::Tables => table().into_iter().chain([text("table_type"), text_or_null("table_comment")]).collect(),
            View::Views => table().into_iter().chain([text_or_null("definition")]).collect(),
            View::Schemata => {
                vec![text("catalog_name"), text("schema_name"), text_or_null("schema_owner")]
            }
            View::Columns => table()
                .into_iter()
                .chain([
                    text("column_name"),
                    number("ordinal_position"),
                    text_or_null("column_default"),
                    text("is_nullable"),
                    text("data_type"),
                    number_or_null("character_maximum_length"),
                    number_or_null("numeric_precision"),
                    number_or_null("numeric_precision_radix"),
                    number_or_null("numeric_scale"),
                    number_or_null("datetime_precision"),
                    text_or_null("column_comment"),
                ])
                .collect(),
            View::TableConstraints => {
                constraint().into_iter().chain(table()).chain([text("constraint_type")]).collect()
            }
            View::KeyColumnUsage => {
                let column = [text("column_name"), number("ordinal_position")];
                constraint().into_iter().chain(table()).chain(column).collect()
            }
        };
        let columns = fields
            .iter()
            .map(|field| match field.data_type() {
                DataType::Int32 => Column::Number(Int32Builder::new()),
                _ => Column::Text(StringBuilder::new()),
            })
            .collect();
        Self { schema: Arc::new(Schema::new(fields)), columns }
    }

    fn push<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match (column, cell) {
                (Column::Text(column), Cell::Text(text)) => column.append_value(text),
                (Column::Text(column), _) => column.append_null(),
                (Column::Number(column), Cell::Number(number)) => column.append_value(number),
                (Column::Number(column), _) => column.append_null(),
            }
        }
    }

    fn table(&mut self, table: &ListedTable) {
        let name = &table.name;
        let name = [name.domain.as_str().into(), name.product.as_str().into(), name.table.as_str().into()];
        self.push(name.into_iter().chain(["BASE TABLE".into(), comment(&table.declared.description)]));
    }

    fn columns(&mut self, table: &ListedTable) {
        let name = &table.name;
        for (index, field) in table.schema.iter().flat_map(|schema| schema.fields()).enumerate() {
            let sql = SqlType::of(field.data_type());
            let described = table.declared.column(field.name()).map_or("", |column| column.description.as_str());
            let position = i32::try_from(index + 1).ok();
            self.push([
                name.domain.as_str().into(),
                name.product.as_str().into(),
                name.table.as_str().into(),
                field.name().as_str().into(),
                position.into(),
                Cell::Null,
                yes_or_no(field.is_nullable()).into(),
                sql.name.as_str().into(),
                Cell::Null,
                sql.precision.into(),
                sql.radix.into(),
                sql.scale.into(),
                sql.datetime_precision.into(),
                comment(described),
            ]);
        }
    }

    fn schemata(&mut self, listing: &Listing) {
        let mut last = None;
        for table in &listing.tables {
            let schema = (&table.name.domain, &table.name.product);
            if last != Some(schema) {
                let owner = comment(&table.declared.contract.team);
                self.push([schema.0.as_str().into(), schema.1.as_str().into(), owner]);
                last = Some(schema);
            }
        }
    }

    fn constraint(&mut self, table: &ListedTable) {
        if !primary_key(table).is_empty() {
            let cells = constraint_cells(table).into_iter().chain(["PRIMARY KEY".into()]);
            self.push(cells);
        }
    }

    fn key_columns(&mut self, table: &ListedTable) {
        for (index, column) in primary_key(table).into_iter().enumerate() {
            let position = i32::try_from(index + 1).ok();
            self.push(constraint_cells(table).into_iter().chain([column.into(), position.into()]));
        }
    }

    fn finish(self) -> PlanResult<(SchemaRef, RecordBatch)> {
        let columns: Vec<ArrayRef> = self
            .columns
            .into_iter()
            .map(|column| match column {
                Column::Text(mut column) => Arc::new(column.finish()) as ArrayRef,
                Column::Number(mut column) => Arc::new(column.finish()) as ArrayRef,
            })
            .collect();
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        Ok((self.schema, batch))
    }
}

fn constraint_cells(table: &ListedTable) -> Vec<Cell<'_>> {
    let name = &table.name;
    let (domain, product, table) = (name.domain.as_str(), name.product.as_str(), name.table.as_str());
    [domain, product, "primary_key", domain, product, table].into_iter().map(Cell::from).collect()
}

/// The columns of the declared primary key in its order; none if the caller lacks one of them.
pub(crate) fn primary_key(table: &ListedTable) -> Vec<&str> {
    let mut key: Vec<_> = table
        .declared
        .columns
        .iter()
        .filter_map(|column| column.primary_key.map(|position| (position, column.name.as_str())))
        .collect();
    key.sort_unstable();
    let visible = |name: &str| table.schema.as_ref().is_some_and(|schema| schema.field_with_name(name).is_ok());
    if key.iter().all(|(_, name)| visible(name)) { key.into_iter().map(|(_, name)| name).collect() } else { Vec::new() }
}

fn comment(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Null } else { Cell::Text(text) }
}

/// `YES` or `NO`, as the standard has it.
pub(crate) fn yes_or_no(condition: bool) -> &'static str {
    if condition { "YES" } else { "NO" }
}
