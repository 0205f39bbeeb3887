//! The binary as a person or a script meets it: verbs, streams, exit codes, signals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's helpers fail as its assertions do")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A demo mesh, built once for all tests; `DIR/catalog` and the data beside it.
static MESH: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let built = run(meshgate(&["demo", "--once", "--dir", text(folder.path())]));
    assert!(built.status.success(), "{}", stderr(&built));
    assert!(stdout(&built).contains("newcomer"), "the tour asks as every user");
    folder
});

fn catalog() -> PathBuf {
    MESH.path().join("catalog")
}

fn meshgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshgate"));
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

fn run_with_input(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn query(user: &str, arguments: &[&str]) -> Output {
    let catalog = catalog();
    run(meshgate(&[&["query", "--catalog", text(&catalog), "--as", user], arguments].concat()))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of the demo's catalog that a test may break. It points at no data.
fn copied_catalog() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&catalog(), &folder.path().join("catalog"));
    folder
}

#[test]
fn lint_passes_the_demo_s_catalog() {
    let linted = run(meshgate(&["lint", text(&catalog())]));
    assert_eq!(code(&linted), 0, "{}", stdout(&linted));
    assert_eq!(stdout(&linted), "0 errors, 0 warnings\n");
    assert!(stderr(&linted).contains("4 domains, 5 tables"), "{}", stderr(&linted));
}

#[test]
fn lint_names_file_line_and_remedy() {
    let folder = copied_catalog();
    let catalog = folder.path().join("catalog");
    let policies = catalog.join("domains/fleet/policies/fleet.cedar");
    fs::write(&policies, "permit (principal, action, resource in Domain::\"weather\");\n").unwrap();

    let linted = run(meshgate(&["lint", text(&catalog)]));
    assert_eq!(code(&linted), 1);
    let said = stdout(&linted);
    assert!(said.contains("domains/fleet/policies/fleet.cedar:1"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colour where there is no terminal");

    let linted = run(meshgate(&["lint", "--format", "json", text(&catalog)]));
    assert_eq!(code(&linted), 1);
    let findings: Vec<serde_json::Value> =
        stdout(&linted).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finding = findings.iter().find(|finding| finding["severity"] == "error").unwrap();
    assert_eq!(finding["file"], "domains/fleet/policies/fleet.cedar");
    assert_eq!(finding["line"], 1);
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for line in [
        &["lint", "/no/such/folder"][..],
        &["lnit"],
        &["serve"],
        &["serve", "--catalog", "/no/such/folder"],
        &["serve", "--catalog", "catalog", "--listen", "0.0.0.0:0"],
        &["serve", "--config", "/no/such/file.yaml"],
        &["query", "--catalog", "/no/such/folder", "--as", "owner", "SELECT 1"],
        &["demo", "--listen", "0.0.0.0:0"],
    ] {
        let output = run(meshgate(line));
        assert_eq!(code(&output), 2, "{line:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{line:?}");
        assert!(stderr(&output).starts_with("error: "), "{line:?}: {}", stderr(&output));
    }
    let output = query("analist", &["SELECT 1"]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("did you mean `analyst`?"), "{}", stderr(&output));
}

#[test]
fn a_wrong_configuration_names_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("meshgate.yaml");
    fs::write(&file, "catalog: x\nlisten: 127.0.0.1:0\nmemory: 1\n").unwrap();
    let output = run(meshgate(&["serve", "--config", text(&file)]));
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("meshgate.yaml:3:1: unknown field `memory`"), "{}", stderr(&output));
}

#[test]
fn hash_password_reads_standard_input() {
    let hashed = run_with_input(meshgate(&["hash-password"]), "secret\n");
    assert_eq!(code(&hashed), 0, "{}", stderr(&hashed));
    assert!(stdout(&hashed).starts_with("$argon2id$v=19$"), "{}", stdout(&hashed));
    assert_eq!(stdout(&hashed).lines().count(), 1);
    assert_eq!(code(&run_with_input(meshgate(&["hash-password"]), "\n")), 2);
}

#[test]
fn rows_in_each_format() {
    let sql = "SELECT carrier, name FROM network.reference.airlines ORDER BY carrier LIMIT 2";
    let output = query("analyst", &[sql]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output), @r"
    +---------+------------------------+
    | carrier | name                   |
    +---------+------------------------+
    | 9E      | Endeavor Air Inc.      |
    | AA      | American Airlines Inc. |
    +---------+------------------------+
    ");
    assert_eq!(stderr(&output), "", "data alone, and no talk");
    insta::assert_snapshot!(stdout(&query("analyst", &["--format", "json", sql])), @r#"
    {"carrier":"9E","name":"Endeavor Air Inc."}
    {"carrier":"AA","name":"American Airlines Inc."}
    "#);
    insta::assert_snapshot!(stdout(&query("analyst", &["--format", "csv", sql])), @r"
    carrier,name
    9E,Endeavor Air Inc.
    AA,American Airlines Inc.
    ");
}

#[test]
fn a_long_table_is_cut_and_says_so() {
    let output = query("analyst", &["--max-rows", "3", "SELECT faa FROM network.reference.airports"]);
    assert_eq!(code(&output), 0);
    assert_eq!(stdout(&output).lines().count(), 7);
    assert!(stderr(&output).contains("the first 3 rows"), "{}", stderr(&output));
    let all = query("analyst", &["--format", "csv", "--max-rows", "3", "SELECT faa FROM network.reference.airports"]);
    assert_eq!(stdout(&all).lines().count(), 1 + 1458, "CSV has every row");
}

#[test]
fn the_statement_may_come_from_standard_input() {
    let catalog = catalog();
    let command = meshgate(&["query", "--catalog", text(&catalog), "--as", "desk", "--format", "csv", "-"]);
    let output =
        run_with_input(command, "SELECT origin, count(*) AS n\nFROM operations.departures.flights\nGROUP BY 1");
    assert_eq!(stdout(&output), "origin,n\nJFK,111279\n", "{}", stderr(&output));
}

#[test]
fn a_hash_is_the_same_in_every_run_on_one_mesh() {
    let sql = "SELECT min(tailnum) AS t FROM fleet.aircraft.planes";
    let (one, other) = (query("analyst", &["--format", "csv", sql]), query("analyst", &["--format", "csv", sql]));
    assert_eq!(stdout(&one), stdout(&other));
    assert_eq!(stdout(&one).trim().len(), "t\n".len() + 64);
    assert_ne!(stdout(&one), stdout(&query("owner", &["--format", "csv", sql])));

    let key = MESH.path().join("other.key");
    fs::write(&key, "another secret of 32 bytes, or so\n").unwrap();
    let refused = query("analyst", &["--mask-key-file", text(&key), sql]);
    assert_eq!(code(&refused), if cfg!(unix) { 2 } else { 0 }, "others could read it");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let keyed = query("analyst", &["--format", "csv", "--mask-key-file", text(&key), sql]);
        assert_ne!(stdout(&keyed), stdout(&one), "another key, another hash");
    }
}

#[test]
fn a_failed_query_exits_with_1_and_names_itself() {
    let output = query("analyst", &["SELECT carier FROM operations.departures.flights"]);
    assert_eq!(code(&output), 1);
    assert_eq!(stdout(&output), "");
    let said = stderr(&output);
    assert!(said.starts_with("error: ") && said.contains("carrier"), "{said}");
    assert!(said.contains("query id: "), "{said}");
}

#[test]
fn a_plan_is_readable() {
    let output = query("desk", &["EXPLAIN SELECT carrier FROM operations.departures.flights"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let said = stdout(&output);
    assert!(said.starts_with("-- logical_plan\n") && said.contains("\n-- physical_plan\n"), "{said}");
    assert!(!said.contains("JFK") && !said.contains(".parquet"), "{said}");
}

#[test]
fn a_table_whose_files_are_gone_fails_alone() {
    let folder = copied_catalog();
    copy_folder(&MESH.path().join("lake"), &folder.path().join("lake"));
    fs::remove_dir_all(folder.path().join("lake/fleet")).unwrap();
    let catalog = folder.path().join("catalog");
    let ask = |sql| run(meshgate(&["query", "--catalog", text(&catalog), "--as", "owner", "--format", "csv", sql]));
    let gone = ask("SELECT count(*) FROM fleet.aircraft.planes");
    assert_eq!(code(&gone), 1);
    assert!(stderr(&gone).contains("fleet.aircraft.planes"), "{}", stderr(&gone));
    assert!(!stderr(&gone).contains(text(folder.path())), "no path: {}", stderr(&gone));
    let rest = ask("SELECT count(*) AS n FROM network.reference.airlines");
    assert_eq!(stdout(&rest), "n\n16\n", "{}", stderr(&rest));
}

/// A server, killed at the end of a test whatever happens.
struct Server {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut child = meshgate(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = std::sync::mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, lines }
    }

    /// The next line of the log that has these words.
    fn line_with(&self, words: &str) -> String {
        let started = Instant::now();
        let mut seen = String::new();
        while let Some(left) = Duration::from_secs(60).checked_sub(started.elapsed()) {
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => seen.push_str(&format!("{line}\n")),
                Err(_) => break,
            }
        }
        panic!("no line with `{words}` in the log:\n{seen}");
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(unix)]
#[test]
fn a_server_reloads_survives_a_broken_catalog_and_ends_on_sigterm() {
    let folder = copied_catalog();
    let catalog = folder.path().join("catalog");
    let mut server = Server::start(&["--catalog", text(&catalog)]);
    server.line_with("listening for Flight SQL");

    let file = catalog.join("domains/network/domain.yaml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{good}no_such_key: 1\n")).unwrap();
    let line = server.line_with("the last good");
    assert!(line.contains("ERROR"), "{line}");

    fs::write(&file, good.replace("\nowner:", "\n# On a line of its own.\nowner:")).unwrap();
    server.line_with("a new catalog revision serves");

    // By signal too, where nothing changed: it must not end the server, which SIGHUP does by default.
    server.signal("-HUP");
    server.signal("-TERM");
    server.line_with("draining");
    let status = server.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
}

#[cfg(unix)]
#[test]
fn a_json_log_is_one_object_a_line() {
    let catalog = catalog();
    let mut server = Server::start(&["--catalog", text(&catalog), "--log-format", "json"]);
    let line = server.line_with("listening for Flight SQL");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["level"], "INFO");
    assert!(value["address"].as_str().unwrap().starts_with("127.0.0.1:"), "{line}");
    server.signal("-INT");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    for line in server.lines.iter() {
        serde_json::from_str::<serde_json::Value>(&line).unwrap();
    }
}
