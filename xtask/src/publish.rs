//! The README's section "Publish your product", executed as it stands.
//!
//! A fenced block counts if an HTML comment stands right above it:
//! `<!-- publish: file=PATH -->` writes the block to that file, `<!-- publish: run -->` gives it to `sh`, and
//! `<!-- publish: expect -->` compares it with what the last run wrote, standard error after standard output.
//! All of it happens in a folder of its own that is also the home folder, with the clone's `examples` and a demo mesh
//! in it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{process::say, tally::Tally, workspace::Workspace};

/// One marked block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    action: Action,
    /// The line of its comment, from 1.
    line: usize,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    File(String),
    Run,
    Expect,
}

/// Executes the section; each block is a test.
pub(crate) fn run(workspace: &Workspace) -> Result<Tally, String> {
    let readme = workspace.root.join("README.md");
    let text = fs::read_to_string(&readme).map_err(|error| format!("`{}`: {error}", readme.display()))?;
    let blocks = blocks(&text)?;
    if !blocks.iter().any(|block| block.action == Action::Run) {
        return Err("the README has no block marked `<!-- publish: run -->`".to_owned());
    }
    let home = workspace.fresh_folder("publish").map_err(|error| error.to_string())?;
    copy_folder(&workspace.root.join("examples"), &home.join("examples")).map_err(|error| error.to_string())?;
    let path = search_path(workspace)?;

    // The section begins with the mesh that the demo has built; the tour is that, and a test of its own.
    let tour = shell(&home, &path, "meshgate demo --once");
    let mut total = Tally::one(tour.is_ok());
    let mut said = tour.inspect(|_| say("meshgate demo --once: ok"))?;
    for block in &blocks {
        let outcome = match &block.action {
            Action::File(name) => write(&home, name, &block.text),
            Action::Run => shell(&home, &path, &block.text).map(|output| said = output),
            Action::Expect => expect(&said, &block.text),
        };
        total += Tally::one(outcome.is_ok());
        match outcome {
            Ok(()) => say(&format!("README.md:{}: ok", block.line)),
            Err(message) => {
                say(&format!("README.md:{}: FAILED: {message}", block.line));
                // What follows builds on it.
                break;
            }
        }
    }
    Ok(total)
}

/// The marked blocks, in order.
fn blocks(markdown: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(mark) = line.trim().strip_prefix("<!-- publish:").and_then(|rest| rest.strip_suffix("-->")) else {
            continue;
        };
        let line = index + 1;
        let action = match mark.trim() {
            "run" => Action::Run,
            "expect" => Action::Expect,
            other => match other.strip_prefix("file=") {
                Some(name) if is_below(name) => Action::File(name.to_owned()),
                _ => return Err(format!("README.md:{line}: there is no mark `{other}`")),
            },
        };
        if !lines.next().is_some_and(|(_, fence)| fence.starts_with("```")) {
            return Err(format!("README.md:{line}: no fenced block follows the mark"));
        }
        let mut text = String::new();
        loop {
            match lines.next() {
                Some((_, "```")) => break,
                Some((_, content)) => text.extend([content, "\n"]),
                None => return Err(format!("README.md:{line}: the block has no end")),
            }
        }
        blocks.push(Block { action, line, text });
    }
    Ok(blocks)
}

/// Whether a path stays in the folder it is relative to; `~/` is that folder too.
fn is_below(name: &str) -> bool {
    let name = name.strip_prefix("~/").unwrap_or(name);
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn write(home: &Path, name: &str, text: &str) -> Result<(), String> {
    let path = home.join(name.strip_prefix("~/").unwrap_or(name));
    let folder = path.parent().unwrap_or(home);
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|error| format!("`{name}`: {error}"))
}

fn shell(home: &Path, path: &str, text: &str) -> Result<String, String> {
    let output = Command::new("sh")
        .args(["-eu", "-c", text])
        .current_dir(home)
        .env("HOME", home)
        .env("PATH", path)
        .env_remove("XDG_CACHE_HOME")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`sh` can't be run: {error}"))?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    if output.status.success() { Ok(said) } else { Err(format!("{}:\n{text}\nsaid:\n{said}", output.status)) }
}

/// Trailing white space does not show in a README. `…` at a line's end stands for any rest of that line.
fn expect(said: &str, expected: &str) -> Result<(), String> {
    let (said_lines, expected_lines) = (trimmed(said), trimmed(expected));
    let same = said_lines.len() == expected_lines.len()
        && said_lines.iter().zip(&expected_lines).all(|(said, expected)| match expected.strip_suffix('…') {
            Some(start) => said.starts_with(start),
            None => said == expected,
        });
    if same { Ok(()) } else { Err(format!("the README expects\n{expected}\nbut the command said\n{said}")) }
}

fn trimmed(text: &str) -> Vec<&str> {
    text.trim_end().lines().map(str::trim_end).collect()
}

/// The search path with the debug binary in front.
fn search_path(workspace: &Workspace) -> Result<String, String> {
    let mut folders = vec![workspace.binary().parent().map(PathBuf::from).unwrap_or_default()];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    let joined = env::join_paths(folders).map_err(|error| error.to_string())?;
    Ok(joined.to_string_lossy().into_owned())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_blocks_alone_count() {
        let markdown = "# Title\n```sh\nnot this\n```\n<!-- publish: file=a/b.yaml -->\n```yaml\nx: 1\n\ny: 2\n```\n\n\
                        <!-- publish: run -->\n```sh\nls\n```\n<!-- publish: expect -->\n```text\na\n```\n";
        let found = blocks(markdown).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].action, Action::File("a/b.yaml".to_owned()));
        assert_eq!((found[0].line, found[0].text.as_str()), (5, "x: 1\n\ny: 2\n"));
        assert_eq!((&found[1].action, found[1].text.as_str()), (&Action::Run, "ls\n"));
        assert_eq!(found[2].action, Action::Expect);
    }

    #[test]
    fn a_mark_that_means_nothing_is_an_error_with_its_line() {
        for (markdown, words) in [
            ("\n<!-- publish: rnu -->\n```sh\n```\n", "README.md:2: there is no mark `rnu`"),
            ("<!-- publish: file=../x -->\n```\n```\n", "there is no mark `file=../x`"),
            ("<!-- publish: run -->\ntext\n", "no fenced block"),
            ("<!-- publish: run -->\n```sh\nls\n", "the block has no end"),
        ] {
            let error = blocks(markdown).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn expected_output_may_leave_the_end_of_a_line_open() {
        assert!(expect("a  \nrevision 12ab, 3 tables\n", "a\nrevision …\n").is_ok());
        assert!(expect("a\nb\n", "a\n").is_err());
        assert!(expect("a\n", "b\n").is_err());
    }
}
