//! Tables in an S3-compatible store, each domain with its own credentials.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use meshgate_catalog::{Table, TableFormat};
use meshgate_tables::{Config, Error, S3Credentials};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::support::{Bench, fixture, table_at};

/// Serves the objects below a folder as bucket `lake`, to whoever signs with one of the known keys.
struct Server {
    endpoint: String,
    /// The access keys of the requests so far.
    seen: Arc<Mutex<Vec<String>>>,
    /// Ends with the test.
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        let requests = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, folder.clone(), Arc::clone(&requests)));
            }
        });
        Self { endpoint, seen, _tasks: tasks }
    }
}

async fn serve(stream: TcpStream, folder: PathBuf, seen: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        let key =
            headers.get("authorization").and_then(|value| Some(value.split_once("Credential=")?.1.split_once('/')?.0));
        seen.lock().unwrap().push(key.unwrap_or("none").to_owned());
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let (head, body) = if key.is_some_and(|key| key.ends_with("-key")) {
            answer(&folder, target, headers.get("range").map(String::as_str))
        } else {
            ("403 Forbidden".to_owned(), b"<Error><Code>AccessDenied</Code></Error>".to_vec())
        };
        let mut response = format!(
            "HTTP/1.1 {head}\r\ncontent-length: {}\r\nlast-modified: Tue, 01 Jan 2013 00:00:00 GMT\r\netag: \"1\"\r\n\r\n",
            body.len()
        )
        .into_bytes();
        if method != "HEAD" {
            response.extend(body);
        }
        stream.write_all(&response).await.unwrap();
    }
}

/// Path-style requests: `/lake/key` and `/lake?list-type=2&prefix=…`.
fn answer(folder: &Path, target: &str, range: Option<&str>) -> (String, Vec<u8>) {
    let url = url::Url::parse(&format!("http://host{target}")).unwrap();
    let query: BTreeMap<String, String> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    if query.contains_key("list-type") {
        let prefix = query.get("prefix").map_or("", String::as_str);
        let after = query.get("start-after").map_or("", String::as_str);
        let mut keys = Vec::new();
        list(folder, folder, &mut keys);
        keys.sort();
        let contents: String = keys
            .iter()
            .filter(|(key, _)| key.starts_with(prefix) && key.as_str() > after)
            .map(|(key, size)| {
                format!(
                    "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>2013-01-01T00:00:00.000Z</LastModified>\
                     <ETag>1</ETag></Contents>"
                )
            })
            .collect();
        return ("200 OK".to_owned(), format!("<ListBucketResult>{contents}</ListBucketResult>").into_bytes());
    }
    let path = url.path().strip_prefix("/lake/").unwrap_or_default();
    let path = object_store_path(path);
    let Ok(content) = std::fs::read(folder.join(path)) else {
        return ("404 Not Found".to_owned(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
    };
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
        return ("200 OK".to_owned(), content);
    };
    let (from, to) = range.split_once('-').unwrap();
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, (to + 1).min(content.len())),
        (Ok(from), Err(_)) => (from, content.len()),
        (Err(_), to) => (content.len().saturating_sub(to.unwrap()), content.len()),
    };
    let head = format!("206 Partial Content\r\ncontent-range: bytes {from}-{}/{}", to - 1, content.len());
    (head, content[from..to].to_vec())
}

fn object_store_path(encoded: &str) -> String {
    let decoded = url::Url::parse(&format!("http://host/?x={encoded}")).unwrap();
    decoded.query_pairs().next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn list(root: &Path, folder: &Path, keys: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            list(root, &entry.path(), keys);
        } else {
            let key = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            keys.push((key, entry.metadata().unwrap().len()));
        }
    }
}

fn credentials(key: &str) -> S3Credentials {
    S3Credentials {
        access_key_id: key.to_owned(),
        secret_access_key: "secret".to_owned(),
        allow_http: true,
        ..S3Credentials::default()
    }
}

fn s3_table(server: &Server, domain: &str, format: TableFormat, path: &str) -> Table {
    let mut table = table_at(format, &format!("s3://lake/{path}/"));
    table.location.endpoint = Some(server.endpoint.clone());
    domain.clone_into(&mut table.location.domain);
    table
}

fn config(keys: [(&str, &str); 3]) -> Config {
    let s3 = keys.into_iter().map(|(domain, key)| (domain.to_owned(), credentials(key))).collect();
    Config { s3, ..Config::default() }
}

#[tokio::test]
async fn both_formats_are_read_from_s3_with_the_domains_own_key() {
    let server = Server::start(fixture("")).await;
    let bench = Bench::with(config([("red", "red-key"), ("blue", "blue-key"), ("grey", "stolen")]));
    let delta = s3_table(&server, "red", TableFormat::Delta, "delta/vectors");
    assert_eq!(bench.query(&delta, "SELECT count(id), max(id) FROM t").await.rows, ["171 | 189"]);
    let mapped = s3_table(&server, "red", TableFormat::Delta, "delta/mapping_name");
    assert_eq!(bench.query(&mapped, "SELECT title FROM t WHERE section = 'q'").await.rows, ["two"]);
    assert!(server.seen.lock().unwrap().drain(..).all(|key| key == "red-key"));

    let iceberg = s3_table(&server, "blue", TableFormat::Iceberg, "iceberg/positions");
    assert_eq!(bench.query(&iceberg, "SELECT count(id) FROM t").await.rows, ["4"]);
    assert!(server.seen.lock().unwrap().drain(..).all(|key| key == "blue-key"));

    // The bucket is open in this process for two domains already: a third one does not borrow their keys.
    for domain in ["grey", "unknown"] {
        let table = s3_table(&server, domain, TableFormat::Delta, "delta/vectors");
        let error = bench.open(&table).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{domain}: {error:?}");
    }
    assert!(server.seen.lock().unwrap().drain(..).all(|key| key == "stolen" || key == "none"));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_unavailable() {
    let server = Server::start(fixture("")).await;
    let bench = Bench::with(config([("red", "red-key"), ("blue", "blue-key"), ("grey", "stolen")]));
    for format in [TableFormat::Delta, TableFormat::Iceberg, TableFormat::Parquet] {
        let table = s3_table(&server, "grey", format, "delta/vectors");
        let error = bench.open(&table).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{format:?}: {error:?}");
        assert_eq!(
            error.to_string(),
            "table `lab.samples.t` can't be read now: its store does not answer; try again, or ask its owner"
        );
    }
}
