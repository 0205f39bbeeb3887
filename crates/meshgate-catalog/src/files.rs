//! The files of a catalog folder: which are read, and what is wrong with those that can't be.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{Diagnostic, rules, yaml::SourceFile};

/// The most bytes that a file may have.
const MAX_BYTES: u64 = 8 << 20;

/// The text of every file of a catalog.
#[derive(Debug, Default)]
pub(crate) struct SourceTree {
    pub(crate) mesh: Option<SourceFile>,
    pub(crate) users: Option<SourceFile>,
    pub(crate) governance_policies: Vec<SourceFile>,
    /// By the name of the folder.
    pub(crate) domains: BTreeMap<String, DomainFolder>,
    /// A hash of the paths and bytes of all of them, in hexadecimal.
    pub(crate) revision: String,
}

/// `domains/<domain>/`
#[derive(Debug, Default)]
pub(crate) struct DomainFolder {
    pub(crate) path: PathBuf,
    pub(crate) domain: Option<SourceFile>,
    pub(crate) policies: Vec<SourceFile>,
    /// By the name of the folder.
    pub(crate) products: BTreeMap<String, ProductFolder>,
}

/// `domains/<domain>/<product>/`
#[derive(Debug, Default)]
pub(crate) struct ProductFolder {
    pub(crate) products: Vec<SourceFile>,
    pub(crate) contracts: Vec<SourceFile>,
}

impl SourceTree {
    /// Reads a catalog folder. What can't be read is a finding and counts into the revision.
    pub(crate) fn read(folder: &Path, findings: &mut Vec<Diagnostic>) -> Self {
        let mut reader =
            Reader { root: folder, canonical_root: folder.canonicalize().ok(), findings, hash: Sha256::new() };
        let mut tree = Self::default();
        if !folder.is_dir() {
            let finding = rules::FILE_MISSING.of_file(folder, format!("there is no folder `{}`", folder.display()));
            reader.find(finding.with_hint("name the folder that holds `mesh.yaml`"));
            return tree;
        }
        tree.mesh = reader.expect(Path::new("mesh.yaml"), "name the mesh in it: `name: …`");
        if reader.exists(Path::new("users.yaml")) {
            tree.users = reader.file(Path::new("users.yaml"));
        }
        tree.governance_policies = reader.policies(Path::new("governance/policies"));
        for name in reader.folders(Path::new("domains")) {
            let path = Path::new("domains").join(&name);
            let domain = reader.domain(path);
            tree.domains.insert(name, domain);
        }
        tree.revision = hex::encode(reader.hash.finalize());
        tree
    }
}

struct Reader<'root, 'findings> {
    root: &'root Path,
    canonical_root: Option<PathBuf>,
    findings: &'findings mut Vec<Diagnostic>,
    hash: Sha256,
}

impl Reader<'_, '_> {
    fn domain(&mut self, path: PathBuf) -> DomainFolder {
        let domain = self.expect(&path.join("domain.yaml"), "say who owns the domain in it: `owner: …`");
        let policies = self.policies(&path.join("policies"));
        let mut products = BTreeMap::new();
        for name in self.folders(&path) {
            if name != "policies" {
                let product = self.product(&path.join(&name));
                products.insert(name, product);
            }
        }
        DomainFolder { path, domain, policies, products }
    }

    fn product(&mut self, path: &Path) -> ProductFolder {
        let mut folder = ProductFolder::default();
        for name in self.names(path) {
            let file = path.join(&name);
            if name.ends_with(".odps.yaml") {
                folder.products.extend(self.file(&file));
            } else if name.ends_with(".odcs.yaml") {
                folder.contracts.extend(self.file(&file));
            } else if name.ends_with(".yaml") || name.ends_with(".yml") {
                let finding = rules::FILE_IGNORED.of_file(&file, "the catalog does not read a file of this name");
                self.find(finding.with_hint("call a contract `….odcs.yaml` and a product `….odps.yaml`"));
            }
        }
        folder
    }

    fn policies(&mut self, folder: &Path) -> Vec<SourceFile> {
        if !self.exists(folder) {
            return Vec::new();
        }
        let names = self.names(folder);
        names.iter().filter(|name| name.ends_with(".cedar")).filter_map(|name| self.file(&folder.join(name))).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// The text of a file that the layout asks for.
    fn expect(&mut self, path: &Path, purpose: &str) -> Option<SourceFile> {
        if self.exists(path) {
            return self.file(path);
        }
        let name = path.file_name().unwrap_or_default().display();
        self.find(rules::FILE_MISSING.of_file(path, format!("there is no `{name}`")).with_hint(purpose));
        None
    }

    /// The folders in a folder, by name.
    fn folders(&mut self, folder: &Path) -> Vec<String> {
        if !self.exists(folder) {
            return Vec::new();
        }
        let mut names = self.names(folder);
        names.retain(|name| self.root.join(folder).join(name).is_dir());
        names.retain(|name| self.is_inside(&folder.join(name)));
        names
    }

    /// What is in a folder, by name, without hidden files.
    fn names(&mut self, folder: &Path) -> Vec<String> {
        let entries: io::Result<Vec<_>> = fs::read_dir(self.root.join(folder)).and_then(Iterator::collect);
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(folder, &error);
                return Vec::new();
            }
        };
        let mut names = Vec::with_capacity(entries.len());
        for entry in entries {
            match entry.file_name().into_string() {
                Ok(name) if name.starts_with('.') => {}
                Ok(name) => names.push(name),
                Err(name) => {
                    let file = folder.join(name.to_string_lossy().as_ref());
                    let finding = rules::FILE_NAME.of_file(&file, "the file's name is not UTF-8");
                    self.find(finding.with_hint("rename it"));
                }
            }
        }
        names.sort_unstable();
        names
    }

    /// The text of a file that exists.
    fn file(&mut self, path: &Path) -> Option<SourceFile> {
        if !self.is_inside(path) {
            return None;
        }
        let file = self.root.join(path);
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "a folder" } else { "not a regular file" };
            let finding = rules::FILE_KIND.of_file(path, format!("this is {what}, but has the name of a catalog file"));
            self.find(finding.with_hint("rename or remove it"));
            return None;
        }
        let bytes = match read_limited(&file) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        self.hash_field(path.as_os_str().as_encoded_bytes());
        self.hash_field(&bytes);
        if bytes.len() as u64 > MAX_BYTES {
            let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
            self.find(rules::FILE_TOO_LARGE.of_file(path, message).with_hint("split it"));
            return None;
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(SourceFile { path: path.to_path_buf(), text }),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
                let message = format!("the file is not UTF-8 text: line {line} has a byte that no character has");
                self.find(rules::FILE_ENCODING.of_file(path, message).with_hint("save the file as UTF-8"));
                None
            }
        }
    }

    /// Whether a path, its links followed, stays in the catalog's folder.
    fn is_inside(&mut self, path: &Path) -> bool {
        let file = self.root.join(path);
        let is_link = file.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let target = if is_link { file.canonicalize().ok() } else { None };
        match (target, &self.canonical_root) {
            (Some(target), Some(root)) if !target.starts_with(root) => {
                let finding = rules::FILE_OUTSIDE.of_file(path, "the link leads out of the catalog's folder");
                self.find(finding.with_hint("put the file itself here"));
                false
            }
            _ => true,
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let finding = rules::FILE_UNREADABLE.of_file(path, format!("can't be read: {}", reason(error)));
        self.find(finding);
    }

    fn find(&mut self, finding: Diagnostic) {
        self.hash_field(finding.to_string().as_bytes());
        self.findings.push(finding);
    }

    /// Length first, so that no two lists of fields hash alike.
    fn hash_field(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}

/// Reads one file that stands by itself, as `--users FILE` does.
pub(crate) fn read_file(file: &Path, findings: &mut Vec<Diagnostic>) -> Option<SourceFile> {
    let folder = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = Path::new(file.file_name().unwrap_or(file.as_os_str()));
    let mut reader = Reader { root: folder, canonical_root: None, findings, hash: Sha256::new() };
    let mut source = reader.file(name)?;
    source.path = file.to_path_buf();
    Some(source)
}

/// At most one byte more than a file may have.
fn read_limited(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(file)?, MAX_BYTES + 1), &mut bytes)?;
    Ok(bytes)
}

/// The system's words for an error, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.chars().next().map_or_else(String::new, |first| first.to_lowercase().chain(text.chars().skip(1)).collect())
}
