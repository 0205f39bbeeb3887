//! Runs `tests/slt/*.slt`: `connection <user>` says who asks.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use meshgate_query::QueryError;
use meshgate_testkit::TestMesh;
use sqllogictest::{AsyncDB, Connection, DBOutput, DefaultColumnType, Record, Runner};

use super::mesh::mesh;

/// One user's session.
struct Session {
    mesh: Arc<TestMesh>,
    user: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{:?}: {}", .0.code(), .0)]
struct Told(QueryError);

#[async_trait::async_trait]
impl AsyncDB for Session {
    type Error = Told;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Told> {
        let batches = self.mesh.query(&self.user, sql).await.map_err(Told)?;
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &batches {
            let columns: Vec<ArrayFormatter<'_>> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| cell(&column.value(row).to_string())).collect());
            }
        }
        let width = batches.first().map_or(0, |batch| batch.num_columns());
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; width], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "meshgate"
    }
}

/// A file can't say an empty cell.
fn cell(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() }
}

async fn run(file: &Path, mesh: &Arc<TestMesh>) {
    let user = Arc::new(Mutex::new("owner".to_owned()));
    let make = {
        let (mesh, user) = (mesh.clone(), user.clone());
        move || {
            let session = Session { mesh: mesh.clone(), user: user.lock().unwrap().clone() };
            async move { Ok(session) }
        }
    };
    let mut runner = Runner::new(make);
    for record in sqllogictest::parse_file(file).unwrap() {
        if let Record::Statement { connection, .. } | Record::Query { connection, .. } = &record {
            *user.lock().unwrap() = match connection {
                Connection::Default => "owner".to_owned(),
                Connection::Named(name) => name.clone(),
            };
        }
        if let Err(error) = runner.run_async(record).await {
            panic!("{}", error.display(false));
        }
    }
}

#[tokio::test]
async fn sql_files_say_what_users_read() {
    let mesh = Arc::new(mesh().await);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        run(&file, &mesh).await;
    }
}
