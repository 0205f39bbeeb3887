//! Values of the file that stand for something else: secrets of the environment, relative paths.

use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

use super::error::{Error, Place};

/// Looks a variable up.
pub(super) type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The secret that `${VAR}` stands for. A secret written out is refused: the file is for a repository.
pub(super) fn secret<'a>(
    value: &Spanned<String>,
    place: impl Fn(&Spanned<String>) -> Place<'a>,
    environment: &Environment<'_>,
) -> Result<String, Error> {
    let Some(name) = value.value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return Err(place(value)
            .error("a secret does not stand in the configuration; write `${VAR}` and set that environment variable"));
    };
    match environment(name) {
        Some(secret) if !secret.trim().is_empty() => Ok(secret),
        Some(_) => Err(place(value).error(format!("the environment variable `{name}` is empty"))),
        None => Err(place(value).error(format!("the environment variable `{name}` is not set"))),
    }
}

/// [`secret`], where one may be absent.
pub(super) fn optional_secret<'a>(
    value: Option<&Spanned<String>>,
    place: impl Fn(&Spanned<String>) -> Place<'a>,
    environment: &Environment<'_>,
) -> Result<Option<String>, Error> {
    value.map(|value| secret(value, place, environment)).transpose()
}

/// A path, relative to the configuration's folder.
pub(super) fn plain_path<'a>(
    folder: &Path,
    value: &Spanned<String>,
    place: impl Fn(&Spanned<String>) -> Place<'a>,
) -> Result<PathBuf, Error> {
    if value.value.contains("${") {
        return Err(place(value).error("`${…}` stands for a secret alone; write the path out"));
    }
    if value.value.is_empty() {
        return Err(place(value).error("the path is empty"));
    }
    Ok(folder.join(&value.value))
}
