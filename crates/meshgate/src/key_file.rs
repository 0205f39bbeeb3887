//! Secrets in files of their own, which only their owner reads.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The fewest bytes a secret may have.
const SHORTEST: usize = 16;

/// Why a secret's file can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file can't be read or written.
    #[error("the key file `{}` can't be {doing}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("the key file `{0}` can be read by other users of this machine; `chmod 600 {0}`", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The secret is too short to be one.
    #[error("the key file `{}` holds fewer than {SHORTEST} bytes; make one with `openssl rand -hex 32`", .path.display())]
    Short {
        /// The file.
        path: PathBuf,
    },
}

/// The secret in `path`: its text without the white space around it.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let io = |source| Error::Io { path: path.to_owned(), doing: "read", source };
    if is_open_to_others(&fs::metadata(path).map_err(io)?) {
        return Err(Error::Open { path: path.to_owned() });
    }
    let secret = fs::read_to_string(path).map_err(io)?.trim().to_owned();
    if secret.len() < SHORTEST { Err(Error::Short { path: path.to_owned() }) } else { Ok(secret) }
}

/// The secret in `path`, made first if there is none: 32 random bytes in hexadecimal, in a file of mode 600 in a
/// folder of mode 700.
pub(crate) fn read_or_create(path: &Path) -> Result<String, Error> {
    let io = |source| Error::Io { path: path.to_owned(), doing: "written", source };
    if let Some(folder) = path.parent() {
        create_private_folder(folder).map_err(io)?;
    }
    match write_new_private(path, &random_secret()) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    read(path)
}

/// The file in which a mesh that was built on this machine keeps the key of its hash masks: beside the catalog's
/// folder, never in it, since the catalog is for a repository.
pub(crate) fn mask_key_beside(catalog: &Path) -> PathBuf {
    catalog.join("..").join("secrets").join("mask.key")
}

/// 32 random bytes in hexadecimal.
pub(crate) fn random_secret() -> String {
    // Two version 4 UUIDs hold 244 bits of the operating system's randomness.
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() { Ok(()) } else { fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) }
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn write_new_private(path: &Path, secret: &str) -> io::Result<()> {
    use std::io::Write;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets").join("mask.key");
        let made = read_or_create(&path).unwrap();
        assert_eq!(made.len(), 64);
        assert_eq!(read_or_create(&path).unwrap(), made);
        assert_eq!(read(&path).unwrap(), made);
        assert_ne!(random_secret(), random_secret());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.key");
        read_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("`chmod 600 {}`", path.display())), "{error}");
    }

    #[test]
    fn a_short_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.key");
        write_new_private(&path, "demo").unwrap();
        assert!(matches!(read(&path), Err(Error::Short { .. })));
    }
}
