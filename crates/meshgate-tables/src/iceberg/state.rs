//! A snapshot's manifests as the scan's files, constants, bounds and deletes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use chrono::DateTime;
use datafusion::{
    arrow::{
        array::{ArrayRef, Int32Array, Int64Array},
        datatypes::{DataType, Field, FieldRef, Schema},
    },
    common::ScalarValue,
    datasource::table_schema::TableSchema,
};
use iceberg::spec::{
    DataContentType, DataFileFormat, Literal, NestedFieldRef, PartitionSpec, PrimitiveType, Struct, Transform, Type,
};

use super::{
    GLOBAL_PARTITION, PARTITION_COLUMN, SEQUENCE_COLUMN,
    bounds::{BoundsBuilder, Bucket},
    deletes::{Deletes, EqualityDelete, PositionDelete, Target, Vector},
    log::Wanted,
    manifests::{self, Entry},
    schema::{Names, arrow_field},
    value::{arrow_type, literal},
};
use crate::{
    SnapshotVersion,
    fault::Fault,
    mapping::TableMapping,
    state::{Bounds, DataFile, Deletes as TableDeletes, TableState},
};

/// Reads the manifests of the wanted snapshot.
pub(super) async fn load(wanted: &Wanted) -> Result<TableState, Fault> {
    let mut collector = Collector::new(wanted);
    manifests::read(wanted, |entry| collector.add(entry)).await?;
    collector.finish()
}

/// Gathers the entries of manifests.
struct Collector<'a> {
    wanted: &'a Wanted,
    columns: Vec<NestedFieldRef>,
    files: Vec<DataFile>,
    paths: Vec<String>,
    targets: Vec<Target>,
    /// The spec and the partition of each data file.
    partitions: Vec<(i32, Struct)>,
    bounds: Vec<Option<BoundsBuilder>>,
    numbers: HashMap<(i32, Struct), i64>,
    equality: Vec<Entry>,
    positions: Vec<Entry>,
}

impl<'a> Collector<'a> {
    fn new(wanted: &'a Wanted) -> Self {
        let columns = wanted.schema.as_struct().fields().to_vec();
        let bounds = columns
            .iter()
            .map(|column| {
                let data_type = arrow_type(&column.field_type);
                (!data_type.is_nested()).then(|| BoundsBuilder::new(column.id, data_type))
            })
            .collect();
        Self {
            wanted,
            columns,
            files: Vec::new(),
            paths: Vec::new(),
            targets: Vec::new(),
            partitions: Vec::new(),
            bounds,
            numbers: HashMap::new(),
            equality: Vec::new(),
            positions: Vec::new(),
        }
    }

    fn spec(&self, id: i32) -> Option<&'a PartitionSpec> {
        self.wanted.metadata.partition_spec_by_id(id).map(AsRef::as_ref)
    }

    /// A number for a partition, the same for the same values under the same spec.
    fn number(&mut self, entry: &Entry) -> i64 {
        let (spec, values) = entry.partition();
        if self.spec(spec).is_none_or(PartitionSpec::is_unpartitioned) {
            return GLOBAL_PARTITION;
        }
        let next = i64::try_from(self.numbers.len()).unwrap_or(i64::MAX);
        *self.numbers.entry((spec, values.clone())).or_insert(next)
    }

    fn add(&mut self, entry: Entry) -> Result<(), Fault> {
        match entry.file.content_type() {
            DataContentType::EqualityDeletes => self.equality.push(entry),
            DataContentType::PositionDeletes => self.positions.push(entry),
            DataContentType::Data => {
                let partition = self.number(&entry);
                let spec = self.spec(entry.spec);
                for builder in self.bounds.iter_mut().flatten() {
                    builder
                        .add(&entry.file, spec)
                        .map_err(|error| Fault::corrupt_by("a bound in a manifest is damaged", error))?;
                }
                self.files.push(DataFile {
                    location: self.wanted.locator.locate(entry.file.file_path())?,
                    size: entry.file.file_size_in_bytes(),
                    modified: DateTime::UNIX_EPOCH,
                    rows: Some(entry.file.record_count()),
                });
                self.paths.push(entry.file.file_path().to_owned());
                self.targets.push(Target { sequence: entry.sequence, partition });
                self.partitions.push((entry.spec, entry.file.partition().clone()));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<TableState, Fault> {
        let names = Names::of(&self.wanted.metadata)?;
        let constant = self.constant_columns();
        let builders = std::mem::take(&mut self.bounds);

        let mut file_fields: Vec<FieldRef> = Vec::new();
        let mut mappings = Vec::new();
        let mut constant_fields: Vec<FieldRef> = Vec::new();
        let mut constants: Vec<ArrayRef> = Vec::new();
        let mut bounds = HashMap::new();
        let mut renamed = false;
        for (column, builder) in self.columns.iter().zip(builders) {
            let field = arrow_field(column, &column.name);
            if constant.contains(&column.id) {
                constants.push(self.identity(column, field.data_type())?);
                constant_fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
                continue;
            }
            if let Some(builder) = builder {
                let column_bounds =
                    builder.finish().map_err(|error| Fault::corrupt_by("a bound in a manifest is damaged", error))?;
                bounds.insert(column.name.clone(), column_bounds);
            }
            renamed |= field.data_type().is_nested();
            mappings.push(names.column(column));
            file_fields.push(field);
        }
        // Deletes may compare columns that the table has dropped since: they are read, but not shown.
        for column in self.dropped_columns()? {
            mappings.push(names.column(&column));
            let field = arrow_field(&column, &hidden_name(column.id));
            file_fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        }
        if !self.equality.is_empty() {
            let numbers = |number: fn(&Target) -> i64| {
                Arc::new(self.targets.iter().map(number).collect::<Int64Array>()) as ArrayRef
            };
            constants.push(numbers(|target| target.sequence));
            constants.push(numbers(|target| target.partition));
            constant_fields.push(Arc::new(Field::new(SEQUENCE_COLUMN, DataType::Int64, false)));
            constant_fields.push(Arc::new(Field::new(PARTITION_COLUMN, DataType::Int64, false)));
        }
        let layout =
            TableSchema::builder(Arc::new(Schema::new(file_fields))).with_table_partition_cols(constant_fields).build();
        let positions: Vec<usize> = self
            .columns
            .iter()
            .map(|column| layout.table_schema().index_of(&column.name))
            .collect::<Result<_, _>>()
            .map_err(|error| Fault::corrupt_by("its schema is damaged", error))?;
        let schema = layout
            .table_schema()
            .project(&positions)
            .map_err(|error| Fault::corrupt_by("its schema is damaged", error))?;
        let buckets = self.buckets();
        let deletes = self.deletes(&layout, &names)?;
        Ok(TableState {
            version: SnapshotVersion::Iceberg(self.wanted.snapshot.as_ref().map(|snapshot| snapshot.snapshot_id())),
            schema: Arc::new(schema),
            column_ids: self.columns.iter().map(|column| (column.name.clone(), i64::from(column.id))).collect(),
            layout,
            positions,
            mapping: Arc::new(TableMapping { matching: names.matching, renamed, columns: mappings }),
            files: self.files,
            constants,
            bounds: Bounds { columns: bounds, buckets },
            deletes,
            root: self.wanted.locator.root().clone(),
        })
    }

    /// Columns whose value is the same in all rows of every file, for every file was written under a spec that
    /// partitions by the column itself. The value need not be in the file then (specification, "Column Projection").
    fn constant_columns(&self) -> BTreeSet<i32> {
        let specs: BTreeSet<i32> = self.partitions.iter().map(|(spec, _)| *spec).collect();
        let identities = |id: &i32| -> BTreeSet<i32> {
            let fields = self.spec(*id).map(PartitionSpec::fields).unwrap_or_default();
            fields.iter().filter(|field| field.transform == Transform::Identity).map(|field| field.source_id).collect()
        };
        let sets = specs.iter().map(identities);
        sets.reduce(|one, other| one.intersection(&other).copied().collect()).unwrap_or_default()
    }

    /// The identity partition value of each file.
    fn identity(&self, column: &NestedFieldRef, data_type: &DataType) -> Result<ArrayRef, Fault> {
        let damaged = || Fault::corrupt("a partition value is not of its column's type");
        let mut values = Vec::with_capacity(self.partitions.len());
        for (spec, partition) in &self.partitions {
            let index = self.spec(*spec).and_then(|spec| {
                let mut fields = spec.fields().iter();
                fields.position(|field| field.source_id == column.id && field.transform == Transform::Identity)
            });
            let value = index.and_then(|index| partition.fields().get(index)).and_then(Option::as_ref);
            values.push(match value {
                Some(value) => {
                    let written = written_type(value, &column.field_type).ok_or_else(damaged)?;
                    literal(value, &written, data_type).ok_or_else(damaged)?
                }
                None => ScalarValue::try_new_null(data_type).map_err(|_| damaged())?,
            });
        }
        ScalarValue::iter_to_array(values).map_err(|_| damaged())
    }

    fn buckets(&self) -> Vec<Bucket> {
        let mut found: BTreeMap<(i32, u32), Transform> = BTreeMap::new();
        for spec in self.wanted.metadata.partition_specs_iter() {
            for field in spec.fields() {
                if let Transform::Bucket(count) = field.transform {
                    found.insert((field.source_id, count), field.transform);
                }
            }
        }
        found
            .into_iter()
            .filter_map(|((source, _), transform)| {
                let column = self.columns.iter().find(|column| column.id == source)?;
                Bucket::new(column.name.clone(), transform, self.bucket_numbers(source, transform))
            })
            .collect()
    }

    fn bucket_numbers(&self, source: i32, transform: Transform) -> Int32Array {
        let number = |(spec, partition): &(i32, Struct)| {
            let mut fields = self.spec(*spec)?.fields().iter();
            let index = fields.position(|field| field.source_id == source && field.transform == transform)?;
            match partition.fields().get(index)? {
                Some(Literal::Primitive(iceberg::spec::PrimitiveLiteral::Int(bucket))) => Some(*bucket),
                _ => None,
            }
        };
        self.partitions.iter().map(number).collect()
    }

    /// Columns of equality deletes that today's schema lacks.
    fn dropped_columns(&self) -> Result<Vec<NestedFieldRef>, Fault> {
        let ids: BTreeSet<i32> =
            self.equality.iter().flat_map(|entry| entry.file.equality_ids().unwrap_or_default()).collect();
        let unknown = ids.into_iter().filter(|id| !self.columns.iter().any(|column| column.id == *id));
        unknown
            .map(|id| {
                let mut schemas = self.wanted.metadata.schemas_iter();
                let found = schemas.find_map(|schema| schema.as_struct().field_by_id(id).cloned());
                found.ok_or_else(|| Fault::unsupported("equality deletes on nested fields"))
            })
            .collect()
    }

    fn deletes(&mut self, layout: &TableSchema, names: &Names) -> Result<TableDeletes, Fault> {
        if self.equality.is_empty() && self.positions.is_empty() {
            return Ok(TableDeletes::None);
        }
        let paths: HashMap<String, usize> =
            std::mem::take(&mut self.paths).into_iter().enumerate().map(|(index, path)| (path, index)).collect();
        let dropped = self.dropped_columns()?;
        let mut equality = Vec::new();
        for entry in std::mem::take(&mut self.equality) {
            let mut columns = Vec::new();
            let mut mappings = Vec::new();
            for id in entry.file.equality_ids().unwrap_or_default() {
                let visible = self.columns.iter().find(|column| column.id == id);
                let (column, name) = match visible {
                    Some(column) => (Some(column), column.name.clone()),
                    None => (dropped.iter().find(|column| column.id == id), hidden_name(id)),
                };
                let damaged = || Fault::corrupt("an equality delete is about an unknown column");
                columns.push(layout.table_schema().index_of(&name).map_err(|_| damaged())?);
                mappings.push(names.column(column.ok_or_else(damaged)?));
            }
            if columns.is_empty() {
                return Err(Fault::corrupt("an equality delete names no column"));
            }
            let partition = self.number(&entry);
            let location = self.wanted.locator.locate(entry.file.file_path())?;
            equality.push(EqualityDelete { location, columns, mappings, sequence: entry.sequence, partition });
        }
        let mut files = Vec::new();
        let mut vectors = HashMap::new();
        for entry in std::mem::take(&mut self.positions) {
            let location = self.wanted.locator.locate(entry.file.file_path())?;
            let referenced = entry.file.referenced_data_file();
            let about = referenced.as_ref().and_then(|path| paths.get(path).copied());
            if entry.file.file_format() == DataFileFormat::Puffin {
                let damaged = || Fault::corrupt("a deletion vector's entry in a manifest is damaged");
                let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).ok_or_else(damaged);
                let offset = number(entry.file.content_offset())?;
                let length = number(entry.file.content_size_in_bytes())?;
                // A vector of a file that the snapshot no longer has deletes nothing.
                if let Some(index) = about {
                    let cardinality = entry.file.record_count();
                    vectors.insert(index, Vector { location, offset, length, cardinality });
                }
            } else if referenced.is_none() || about.is_some() {
                let partition = self.number(&entry);
                files.push(PositionDelete { location, sequence: entry.sequence, partition, about });
            }
        }
        let targets = std::mem::take(&mut self.targets);
        let cache = Mutex::default();
        Ok(TableDeletes::Iceberg(Deletes { equality, files, vectors, targets, paths, cache }))
    }
}

fn hidden_name(id: i32) -> String {
    format!("\u{0}{id}")
}

/// The type that a partition value was written with: its column's, before that was widened.
fn written_type(value: &Literal, column: &Type) -> Option<PrimitiveType> {
    use iceberg::spec::PrimitiveLiteral as Value;
    let Type::Primitive(column) = column else { return None };
    let Literal::Primitive(value) = value else { return None };
    Some(match (value, column) {
        (Value::Int(_), PrimitiveType::Long) => PrimitiveType::Int,
        (Value::Float(_), PrimitiveType::Double) => PrimitiveType::Float,
        _ => column.clone(),
    })
}
