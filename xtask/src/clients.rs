//! The real clients: their environments, their tests, their counts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{junit, process, server::Server, tally::Tally, workspace, workspace::Workspace};

/// The oldest Python that the pinned packages have wheels for.
const PYTHON: (u32, u32) = (3, 11);
/// The oldest Java that the tests compile for.
const JAVA: u32 = 17;

/// The Python that is there, if it is new enough and can make environments.
pub(crate) fn python() -> Result<PathBuf, String> {
    let check = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])";
    for program in ["python3", "python"] {
        if let Some(version) = process::probe(program, &["-c", check]) {
            let mut parts = version.trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
            let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
            if found >= PYTHON {
                return Ok(PathBuf::from(program));
            }
            return Err(format!("Python {} is too old; {}.{} or newer is needed", version.trim(), PYTHON.0, PYTHON.1));
        }
    }
    Err(format!("there is no Python {}.{} with `venv`", PYTHON.0, PYTHON.1))
}

/// Whether Java and Maven are there.
pub(crate) fn java() -> Result<(), String> {
    let said = process::probe("java", &["-version"]).ok_or("there is no Java")?;
    let version = said.split('"').nth(1).unwrap_or_default();
    let major: u32 = version.split(['.', '-']).next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < JAVA {
        return Err(format!("Java {version} is too old; a JDK {JAVA} or newer is needed"));
    }
    process::probe("javac", &["-version"]).ok_or("there is a Java but no JDK: `javac` is missing")?;
    process::probe("mvn", &["-version"]).ok_or("there is no Maven")?;
    Ok(())
}

/// A Python environment with those requirements; made once, and again when they change. Its `bin` folder.
pub(crate) fn environment(
    workspace: &Workspace,
    python: &Path,
    name: &str,
    requirements: &str,
) -> Result<PathBuf, String> {
    let folder = workspace.clients().join(name);
    let bin = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let requirements = workspace.root.join("tests/clients/python").join(requirements);
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| format!("`{}` can't be read: {error}", requirements.display()))?;
    let stamp = folder.join("requirements.installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(bin);
    }
    process::run_quietly(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    process::run_quietly(
        Command::new(bin.join("python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements),
    )?;
    fs::write(&stamp, wanted).map_err(|error| format!("`{}` can't be written: {error}", stamp.display()))?;
    Ok(bin)
}

/// pytest over `tests/clients/python`.
pub(crate) fn python_tests(workspace: &Workspace, bin: &Path, server: &mut Server) -> Result<Tally, String> {
    let reports = workspace.fresh_folder("python-reports").map_err(|error| error.to_string())?;
    let mut command = Command::new(bin.join("python"));
    command
        .args(["-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", "tests/clients/python"])
        .arg(format!("--junitxml={}", reports.join("pytest.xml").display()))
        .current_dir(&workspace.root);
    let succeeded = process::run(with_server(&mut command, workspace, server))?;
    let tally = junit::tally(&reports).map_err(|error| error.to_string())?;
    after(server, tally.or_failed(succeeded))
}

/// Maven over `tests/clients/jdbc`.
pub(crate) fn jdbc_tests(workspace: &Workspace, server: &mut Server) -> Result<Tally, String> {
    let build = workspace.fresh_folder("jdbc").map_err(|error| error.to_string())?;
    let mut command = Command::new("mvn");
    command
        .args(["-q", "-B", "-Dstyle.color=never", "-f"])
        .arg(workspace.root.join("tests/clients/jdbc/pom.xml"))
        .arg(format!("-Dmeshgate.build.directory={}", build.display()))
        .arg("test");
    let succeeded = process::run(with_server(&mut command, workspace, server))?;
    // There are no reports of tests that did not compile.
    let tally = junit::tally(&build.join("surefire-reports")).unwrap_or_default();
    after(server, tally.or_failed(succeeded))
}

/// Every runnable example, as a user would start it.
pub(crate) fn examples(workspace: &Workspace, bin: &Path, server: &mut Server) -> Result<Tally, String> {
    let mut total = Tally::default();
    for example in example_files(workspace)? {
        let shown = example.strip_prefix(&workspace.root).unwrap_or(&example).display().to_string();
        let mut command = Command::new(bin.join("python"));
        command.arg(&example).arg(format!("grpc://127.0.0.1:{}", server.port)).current_dir(&workspace.root);
        let outcome = process::run_quietly(with_server(&mut command, workspace, server));
        total += report(&shown, &outcome);
    }
    after(server, total)
}

/// The official validator over every contract.
pub(crate) fn contracts(workspace: &Workspace, bin: &Path) -> Result<Tally, String> {
    let mut total = Tally::default();
    for contract in contract_files(workspace)? {
        let shown = contract.strip_prefix(&workspace.root).unwrap_or(&contract).display().to_string();
        let mut command = Command::new(bin.join("datacontract"));
        command.arg("lint").arg(&contract).current_dir(&workspace.root);
        total += report(&shown, &process::run_quietly(&mut command));
    }
    Ok(total)
}

/// How many tests a missing Python skips: its test functions and examples.
pub(crate) fn python_test_count(workspace: &Workspace) -> usize {
    occurrences(&workspace.root.join("tests/clients/python"), ".py", "def test_")
}

/// How many tests a missing Java skips.
pub(crate) fn jdbc_test_count(workspace: &Workspace) -> usize {
    let folder = workspace.root.join("tests/clients/jdbc/src");
    occurrences(&folder, ".java", "@Test\n") + occurrences(&folder, ".java", "@ParameterizedTest")
}

/// The contracts of the catalog.
pub(crate) fn contract_files(workspace: &Workspace) -> Result<Vec<PathBuf>, String> {
    workspace::files_below(&workspace.root.join("catalog"), ".odcs.yaml").map_err(|error| error.to_string())
}

/// The runnable examples.
pub(crate) fn example_files(workspace: &Workspace) -> Result<Vec<PathBuf>, String> {
    workspace::files_below(&workspace.root.join("examples"), ".py").map_err(|error| error.to_string())
}

fn occurrences(folder: &Path, ending: &str, word: &str) -> usize {
    let files = workspace::files_below(folder, ending).unwrap_or_default();
    files.iter().map(|file| fs::read_to_string(file).unwrap_or_default().matches(word).count()).sum()
}

fn report(name: &str, outcome: &Result<String, String>) -> Tally {
    match outcome {
        Ok(_) => process::say(&format!("{name}: ok")),
        Err(text) => process::say(&format!("{name}: FAILED\n{text}")),
    }
    Tally::one(outcome.is_ok())
}

fn with_server<'a>(command: &'a mut Command, workspace: &Workspace, server: &Server) -> &'a mut Command {
    command
        .env("MESHGATE_HOST", "127.0.0.1")
        .env("MESHGATE_PORT", server.port.to_string())
        .env("MESHGATE_SOURCE", workspace.root.join("examples/nycflights13"))
        .env("MESHGATE_LOG", server.log())
        .env("MESHGATE_BINARY", workspace.binary())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // A proxy of the machine is not for loopback.
        .env("NO_PROXY", "127.0.0.1,localhost")
        .env("no_proxy", "127.0.0.1,localhost")
        .env_remove("GRPC_PROXY")
}

/// No client may end the server.
fn after(server: &mut Server, tally: Tally) -> Result<Tally, String> {
    if server.is_running() {
        if tally.failed > 0 {
            process::say(&format!("the server's log ends:\n{}", server.log_tail()));
        }
        Ok(tally)
    } else {
        Err(format!("the server ended while clients were connected ({tally}):\n{}", server.log_tail()))
    }
}
