//! Values that stand elsewhere: `{ env = "NAME" }` and `{ file = "path" }`, resolved last and never shown.

use crate::error::{Error, Result};
use crate::model::document::Item;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// A resolved value that may be secret: it never prints itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one who needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A value as a job writes it: the text itself, or where the text stands. What a secret setting holds is only ever a
/// reference, so a value may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Written out.
    Text(String),
    /// In the environment variable of that name.
    Env(String),
    /// In a file, up to its trailing line break.
    File(PathBuf),
}

impl Value {
    /// The text, fetched from where it stands now.
    ///
    /// # Errors
    /// The environment variable is not set or empty, or the file cannot be read (64); what it holds is never told.
    pub fn resolve(&self) -> Result<Secret> {
        match self {
            Value::Text(text) => Ok(Secret(text.clone())),
            Value::Env(name) => env_value(name).map_err(Error::usage),
            Value::File(path) => file_value(path).map_err(Error::usage),
        }
    }
}

/// An item as a [`Value`], with nothing fetched yet; files are relative to `folder`.
pub fn value(item: &Item<'_>, folder: &Path) -> Option<Value> {
    reference(item, folder).map(|(value, _)| value)
}

/// The text of an item, written out or referred to; a reference that leads nowhere is reported at its place. Files are
/// relative to `folder`; their trailing line break is not part of the value.
pub fn text(item: &Item<'_>, folder: &Path) -> Option<Secret> {
    let (value, place) = reference(item, folder)?;
    let fetched = match &value {
        Value::Text(text) => Ok(Secret(text.clone())),
        Value::Env(name) => env_value(name),
        Value::File(path) => file_value(path),
    };
    fetched.map_err(|told| item.report().error(&place.span, told)).ok()
}

/// What an item says, and the item that says it.
fn reference<'a>(item: &Item<'a>, folder: &Path) -> Option<(Value, Item<'a>)> {
    if matches!(item.value, DeValue::String(_)) {
        return Some((Value::Text(item.text()?.to_owned()), item.clone()));
    }
    if !matches!(item.value, DeValue::Table(_)) {
        item.wrong("text in quotes, { env = \"NAME\" } or { file = \"path\" }");
        return None;
    }
    let table = item.table()?;
    let (env, file) = (table.get("env"), table.get("file"));
    table.finish();
    match (env, file) {
        (Some(env), None) => Some((Value::Env(env.text()?.to_owned()), env)),
        (None, Some(file)) => Some((Value::File(folder.join(file.text()?)), file)),
        _ => {
            item.report().error(&item.span, format!("`{}` must be {{ env = … }} or {{ file = … }}", item.key));
            None
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that resolves references to the environment")]
fn env_value(name: &str) -> std::result::Result<Secret, String> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(Secret(value)),
        Ok(_) => Err(format!("the environment variable `{name}` is empty")),
        Err(_) => Err(format!("the environment variable `{name}` is not set")),
    }
}

fn file_value(path: &Path) -> std::result::Result<Secret, String> {
    match std::fs::read_to_string(path) {
        Ok(value) => Ok(Secret(value.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => Err(format!("could not read the file {}: {error}", path.display())),
    }
}
