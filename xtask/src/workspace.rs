//! Where things are.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process;

/// The folders of this clone.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The root of the clone.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned();
        let metadata = process::run_quietly(
            cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]).current_dir(&root),
        )?;
        let key = "\"target_directory\":\"";
        let start = metadata.find(key).ok_or("cargo does not tell its target folder")? + key.len();
        let length = metadata[start..].find('"').ok_or("cargo does not tell its target folder")?;
        Ok(Self { root, target: PathBuf::from(metadata[start..start + length].replace("\\\\", "\\")) })
    }

    /// The debug binary.
    pub(crate) fn binary(&self) -> PathBuf {
        self.target.join("debug").join(format!("meshgate{}", env::consts::EXE_SUFFIX))
    }

    /// Where the client tests keep what they make: environments, reports, meshes, logs.
    pub(crate) fn clients(&self) -> PathBuf {
        self.target.join("clients")
    }

    /// An empty folder of that name among [`Self::clients`].
    pub(crate) fn fresh_folder(&self, name: &str) -> io::Result<PathBuf> {
        let folder = self.clients().join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        Ok(folder)
    }
}

/// The cargo that runs us, in the environment that a shell would give it. What cargo set for this very package must
/// not pass on: build scripts that look at it (ring's) would run again, and DataFusion be compiled anew.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| text.starts_with(prefix))
            || ["CARGO", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&text.as_ref())
        {
            command.env_remove(&name);
        }
    }
    command
}

/// The files below `folder` whose name ends so, in path order.
pub(crate) fn files_below(folder: &Path, ending: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with(ending) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
