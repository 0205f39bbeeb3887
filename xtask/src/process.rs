//! Other programs, and what is said meanwhile.

use std::{
    ffi::OsStr,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Says something on standard output. Nothing can be done if nobody listens.
pub(crate) fn say(text: &str) {
    let mut output = io::stdout().lock();
    let _ = writeln!(output, "{text}");
    let _ = output.flush();
}

/// Says something on standard error.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Runs a program whose standard output goes through `line`, line by line. Whether it succeeded.
pub(crate) fn run_lines(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool, String> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|error| describe(command, &error))?;
    if let Some(output) = child.stdout.take() {
        for text in BufReader::new(output).split(b'\n') {
            let text = text.map_err(|error| describe(command, &error))?;
            line(String::from_utf8_lossy(&text).trim_end_matches('\r'));
        }
    }
    Ok(child.wait().map_err(|error| describe(command, &error))?.success())
}

/// Runs a program and shows what it says. Whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<bool, String> {
    run_lines(command, say)
}

/// Runs a program in silence: what it said on both streams is the error if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| describe(command, &error))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text) } else { Err(format!("`{}` failed:\n{text}", line_of(command))) }
}

/// Whether a program is there and answers these arguments with success; what it said.
pub(crate) fn probe(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<String> {
    run_quietly(Command::new(program).args(arguments)).ok()
}

/// The last lines of a log.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn describe(command: &Command, error: &io::Error) -> String {
    format!("`{}` can't be run: {error}", line_of(command))
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
