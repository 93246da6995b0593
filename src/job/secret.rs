//! Values that stand elsewhere: `{ env = "NAME" }` and `{ file = "path" }`, resolved last and never shown.

use crate::model::document::Item;
use std::fmt;
use std::path::Path;
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

/// The text of an item, written out or referred to; a reference that leads nowhere is reported at its place. Files are
/// relative to `folder`; their trailing line break is not part of the value.
pub fn text(item: &Item<'_>, folder: &Path) -> Option<Secret> {
    if matches!(item.value, DeValue::String(_)) {
        return item.text().map(|text| Secret(text.to_owned()));
    }
    if !matches!(item.value, DeValue::Table(_)) {
        item.wrong("text in quotes, { env = \"NAME\" } or { file = \"path\" }");
        return None;
    }
    let table = item.table()?;
    let (env, file) = (table.get("env"), table.get("file"));
    table.finish();
    match (env, file) {
        (Some(env), None) => from_env(&env),
        (None, Some(file)) => from_file(&file, folder),
        _ => {
            item.report().error(&item.span, format!("`{}` must be {{ env = … }} or {{ file = … }}", item.key));
            None
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that resolves references to the environment")]
fn from_env(item: &Item<'_>) -> Option<Secret> {
    let name = item.text()?;
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Some(Secret(value)),
        Ok(_) => {
            item.report().error(&item.span, format!("the environment variable `{name}` is empty"));
            None
        }
        Err(_) => {
            item.report().error(&item.span, format!("the environment variable `{name}` is not set"));
            None
        }
    }
}

fn from_file(item: &Item<'_>, folder: &Path) -> Option<Secret> {
    let path = folder.join(item.text()?);
    match std::fs::read_to_string(&path) {
        Ok(value) => Some(Secret(value.trim_end_matches(['\r', '\n']).to_owned())),
        Err(error) => {
            item.report().error(&item.span, format!("could not read the file {}: {error}", path.display()));
            None
        }
    }
}
