//! `cargo xtask test`: the steps, their order, their sum.

use std::{
    path::PathBuf,
    process::ExitCode,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{clients, process, process::say, publish, server::Server, tally::Tally, workspace, workspace::Workspace};

/// What the command line asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    require_clients: bool,
    all: bool,
    only: Vec<Step>,
}

/// A part of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Rust,
    Publish,
    Python,
    Examples,
    Jdbc,
    Contracts,
}

impl Step {
    const ALL: [(&'static str, Step); 6] = [
        ("rust", Step::Rust),
        ("publish", Step::Publish),
        ("python", Step::Python),
        ("examples", Step::Examples),
        ("jdbc", Step::Jdbc),
        ("contracts", Step::Contracts),
    ];
}

impl Options {
    /// The options; `None` where help is asked for.
    pub(crate) fn parse(arguments: &[String]) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut words = arguments.iter().map(String::as_str);
        match words.next() {
            Some("test") => {}
            None | Some("help" | "--help" | "-h") => return Ok(None),
            Some(other) => return Err(format!("there is no command `{other}`")),
        }
        while let Some(word) = words.next() {
            match word {
                "--require-clients" => options.require_clients = true,
                "--all" => options.all = true,
                "--help" | "-h" => return Ok(None),
                "--only" => {
                    let name = words.next().ok_or("`--only` needs the name of a step")?;
                    let step = Step::ALL.iter().find(|(known, _)| *known == name);
                    options.only.push(step.ok_or_else(|| format!("there is no step `{name}`"))?.1);
                }
                other => return Err(format!("there is no option `{other}`")),
            }
        }
        Ok(Some(options))
    }

    fn wants(&self, step: Step) -> bool {
        self.only.is_empty() || self.only.contains(&step)
    }
}

/// Runs the suite; its exit code.
pub(crate) fn run(options: &Options) -> ExitCode {
    let workspace = match Workspace::find() {
        Ok(workspace) => workspace,
        Err(message) => {
            process::complain(&format!("error: {message}"));
            return ExitCode::FAILURE;
        }
    };
    let mut suite = Suite { options, workspace, steps: Vec::new() };
    suite.run();
    suite.close()
}

struct Suite<'a> {
    options: &'a Options,
    workspace: Workspace,
    steps: Vec<(&'static str, Tally, Duration)>,
}

/// A Python environment that is being made beside other work; its `bin` folder.
type Environment = JoinHandle<Result<PathBuf, String>>;

impl Suite<'_> {
    fn run(&mut self) {
        let options = self.options;
        let python = clients::python();
        let [for_clients, for_contracts] =
            [("python", "requirements.txt"), ("datacontract", "requirements-datacontract.txt")].map(|(name, file)| {
                let (workspace, python) = (self.workspace.clone(), python.clone());
                thread::spawn(move || clients::environment(&workspace, &python?, name, file))
            });

        if options.wants(Step::Rust) {
            self.step("Rust tests", |suite| rust_tests(&suite.workspace, options.all));
        }
        if options.only.iter().all(|step| matches!(step, Step::Rust | Step::Contracts)) && !options.only.is_empty() {
            // Neither needs the binary.
        } else if self.step("build the binary", |suite| build(&suite.workspace)) {
            if options.wants(Step::Publish) {
                self.step("publish a product, as the README says", |suite| publish::run(&suite.workspace));
            }
            self.clients(&python, for_clients);
        } else {
            say("skipped: everything that needs the binary");
        }
        if options.wants(Step::Contracts) {
            self.contracts(&python, for_contracts);
        }
    }

    /// What runs against a demo mesh.
    fn clients(&mut self, python: &Result<PathBuf, String>, environment: Environment) {
        let wanted = [Step::Python, Step::Examples, Step::Jdbc].map(|step| self.options.wants(step));
        if wanted == [false; 3] {
            return;
        }
        let mut server = None;
        self.step("start a demo mesh", |suite| {
            let folder = suite.workspace.fresh_folder("demo").map_err(|error| error.to_string())?;
            let log = suite.workspace.clients().join("demo.log");
            let arguments = ["demo", "--dir", &folder.to_string_lossy()];
            server = Some(Server::start(&suite.workspace.binary(), &arguments, &log)?);
            Ok(Tally::default())
        });
        let Some(mut server) = server else { return };

        if wanted[0] || wanted[1] {
            let bin = self.environment("Python", python, environment, |workspace| {
                clients::python_test_count(workspace) + clients::example_files(workspace).map_or(0, |files| files.len())
            });
            if let Some(bin) = bin {
                if wanted[0] {
                    self.step("Python clients", |suite| clients::python_tests(&suite.workspace, &bin, &mut server));
                }
                if wanted[1] {
                    self.step("examples", |suite| clients::examples(&suite.workspace, &bin, &mut server));
                }
            }
        }
        if wanted[2] {
            match clients::java() {
                Ok(()) => {
                    self.step("JDBC clients", |suite| clients::jdbc_tests(&suite.workspace, &mut server));
                }
                Err(reason) => self.missing("JDBC clients", &reason, clients::jdbc_test_count),
            }
        }
        self.step("stop the demo mesh", |_| Ok(Tally::one(server.stop()?.success())));
    }

    fn contracts(&mut self, python: &Result<PathBuf, String>, environment: Environment) {
        let count = |workspace: &Workspace| clients::contract_files(workspace).map_or(0, |files| files.len());
        if let Some(bin) = self.environment("datacontract", python, environment, count) {
            self.step("contracts, by datacontract", |suite| clients::contracts(&suite.workspace, &bin));
        }
    }

    /// Waits for an environment. A missing Python skips, anything else fails.
    fn environment(
        &mut self,
        name: &'static str,
        python: &Result<PathBuf, String>,
        environment: Environment,
        count: impl FnOnce(&Workspace) -> usize,
    ) -> Option<PathBuf> {
        if let Err(reason) = python {
            self.missing(name, reason, count);
            return None;
        }
        let mut bin = None;
        self.step(if name == "Python" { "set up Python" } else { "set up datacontract" }, |_| {
            bin = Some(environment.join().map_err(|_| "the set-up broke off".to_owned())??);
            Ok(Tally::default())
        });
        bin
    }

    /// A client that can't run here.
    fn missing(&mut self, name: &'static str, reason: &str, count: impl FnOnce(&Workspace) -> usize) {
        let skipped = count(&self.workspace);
        let tally = if self.options.require_clients {
            say(&format!("\n== {name}: FAILED, {reason}, and `--require-clients` was said"));
            Tally { failed: 1, skipped, passed: 0 }
        } else {
            say(&format!("\n== {name}: skipped {skipped} tests, {reason}"));
            Tally::skipped(skipped)
        };
        self.steps.push((name, tally, Duration::ZERO));
    }

    /// Runs a step and says how it went; whether nothing failed.
    fn step(&mut self, name: &'static str, run: impl FnOnce(&mut Self) -> Result<Tally, String>) -> bool {
        say(&format!("\n== {name}"));
        let started = Instant::now();
        let tally = run(self).unwrap_or_else(|message| {
            say(&format!("FAILED: {message}"));
            Tally::one(false)
        });
        let took = started.elapsed();
        say(&format!("== {name}: {tally} ({:.1} s)", took.as_secs_f64()));
        self.steps.push((name, tally, took));
        tally.failed == 0
    }

    /// The table of steps, and the line that everything ends with.
    fn close(self) -> ExitCode {
        let mut total = Tally::default();
        say("");
        for (name, tally, took) in &self.steps {
            say(&format!("{:>8.1} s  {name}: {tally}", took.as_secs_f64()));
            total += *tally;
        }
        say(&format!("\n{total}"));
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// `cargo test --workspace`, without the lines of tests that pass.
fn rust_tests(workspace: &Workspace, all: bool) -> Result<Tally, String> {
    let mut command = workspace::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]).current_dir(&workspace.root);
    if all {
        command.args(["--", "--include-ignored"]);
    }
    let mut total = Tally::default();
    let succeeded = process::run_lines(&mut command, |line| {
        if let Some(result) = line.strip_prefix("test result: ") {
            total += parse_result(result);
            say(line);
        } else if !(line.is_empty()
            || line.starts_with("running ")
            || (line.starts_with("test ") && (line.ends_with("... ok") || line.ends_with("... ignored"))))
        {
            say(line);
        }
    })?;
    Ok(total.or_failed(succeeded))
}

/// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
fn parse_result(text: &str) -> Tally {
    let count = |word: &str| {
        text.split([';', '.'])
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<usize>().ok())
            .unwrap_or(0)
    };
    Tally { passed: count("passed"), failed: count("failed"), skipped: count("ignored") }
}

/// The build that `cargo run` makes: of the same packages, so that neither compiles what the other has.
fn build(workspace: &Workspace) -> Result<Tally, String> {
    let mut command = workspace::cargo();
    command.arg("build").current_dir(&workspace.root);
    Ok(Tally::default().or_failed(process::run(&mut command)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        let options = parse(&["test", "--require-clients", "--only", "jdbc"]).unwrap().unwrap();
        assert!(options.require_clients && !options.all);
        assert!(options.wants(Step::Jdbc) && !options.wants(Step::Rust));
        assert!(parse(&["test"]).unwrap().unwrap().wants(Step::Rust));
        assert_eq!(parse(&[]), Ok(None));
        assert!(parse(&["tset"]).is_err());
        assert!(parse(&["test", "--only", "ruby"]).unwrap_err().contains("`ruby`"));
    }

    #[test]
    fn cargo_s_result_lines() {
        let line = "FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.10s";
        assert_eq!(parse_result(line), Tally { passed: 12, failed: 3, skipped: 1 });
    }
}
