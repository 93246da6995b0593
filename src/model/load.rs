//! Loads the built-in SQL files, and the replacements and additions from a folder on top.

use super::document::Report;
use super::policy::PolicySpec;
use super::text::{find_word, nearest};
use super::{Input, Layer, Model, Models, graph, header, query};
use crate::error::{Error, Place, Result};
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/sql");

const POLICY_FILE: &str = "policy.toml";

/// The folders of models, in the order of the layers.
const LAYERS: [Layer; 5] = [Layer::Rollup, Layer::Entity, Layer::Intermediate, Layer::Mart, Layer::Check];

/// One SQL file before it is understood.
#[derive(Debug, Clone)]
pub struct SqlFile {
    /// The layer its folder stands for.
    pub layer: Layer,
    /// As shown to people.
    pub file: PathBuf,
    /// Its content.
    pub text: String,
}

impl Models {
    /// The built-in models, with those of the folder `overrides` instead or in addition.
    ///
    /// # Errors
    /// Every problem found in any file, each with its place.
    pub fn load(overrides: Option<&Path>) -> Result<Self> {
        let mut policies = vec![built_in_policy()?];
        let mut own = Vec::new();
        if let Some(folder) = overrides {
            own = read_folder(folder)?;
            let file = folder.join(POLICY_FILE);
            if file.exists() {
                let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
                policies.push((file, text));
            }
        }
        Models::from_files(built_in_files(), own, &policies)
    }

    /// Models from files: `own` ones replace those of `built_in` with the same name.
    ///
    /// # Errors
    /// Every problem found in any file, each with its place.
    pub fn from_files(built_in: Vec<SqlFile>, own: Vec<SqlFile>, policies: &[(PathBuf, String)]) -> Result<Self> {
        let mut policy = PolicySpec::default();
        for (file, text) in policies {
            policy.extend(file, text)?;
        }
        let mut errors = Vec::new();
        let mut by_name: BTreeMap<String, Model> = BTreeMap::new();
        for file in built_in {
            match compile(file, &policy) {
                Ok(model) => errors.extend(insert(&mut by_name, model, false)),
                Err(error) => errors.extend_from_slice(error.parts()),
            }
        }
        let mut replaced: BTreeMap<String, Model> = BTreeMap::new();
        for file in own {
            match compile(file, &policy) {
                Ok(model) => errors.extend(insert(&mut replaced, model, false)),
                Err(error) => errors.extend_from_slice(error.parts()),
            }
        }
        for model in replaced.into_values() {
            errors.extend(insert(&mut by_name, model, true));
        }
        if !errors.is_empty() {
            return Err(Error::all(errors));
        }
        let order = graph::order(&by_name).map_err(Error::all)?;
        Ok(Models { by_name, order, policy })
    }
}

fn insert(models: &mut BTreeMap<String, Model>, model: Model, replaces: bool) -> Vec<Error> {
    let mut errors = Vec::new();
    if let Some(earlier) = models.get(&model.name) {
        if !replaces || earlier.layer != model.layer {
            let message = format!("two models are named `{}`: {} and", model.name, earlier.file.display());
            errors.push(Error::usage(format!("{message} {}", model.file.display())).at(top_of(&model)));
            return errors;
        }
        errors.extend(broken_promises(earlier, &model));
    }
    models.insert(model.name.clone(), model);
    errors
}

/// A replacement keeps grain, partitions, names and types; it may add columns.
fn broken_promises(original: &Model, own: &Model) -> Vec<Error> {
    let at = |word: &str| {
        let span = find_word(&own.text, word);
        span.map_or_else(|| top_of(own), |span| Place::in_text(&own.file, &own.text, span))
    };
    let keeps = "a replacement keeps grain, partitions, names and types of the built-in table; it may add columns";
    let mut errors = Vec::new();
    for (key, ours, theirs) in [
        ("grain", &own.contract.grain, &original.contract.grain),
        ("partition_by", &own.contract.partition_by, &original.contract.partition_by),
    ] {
        if ours != theirs {
            let message = format!("`{}` replaces a table whose {key} is {}", own.name, theirs.join(", "));
            errors.push(Error::usage(message).at(at(key)).help(keeps));
        }
    }
    for column in &original.contract.columns {
        let wrong = match own.contract.column(&column.name) {
            None => format!("`{}` replaces a table with a column `{}`", own.name, column.name),
            Some(ours) if ours.ty != column.ty => {
                format!("column `{}` is {} here and {} in the table it replaces", column.name, ours.ty, column.ty)
            }
            Some(_) => continue,
        };
        let near = own.contract.column(&column.name).map_or("columns", |ours| ours.name.as_str());
        errors.push(Error::usage(wrong).at(at(near)).help(keeps));
    }
    errors
}

fn top_of(model: &Model) -> Place {
    Place { file: model.file.clone(), line: 1, column: 0, text: String::new(), width: 0 }
}

/// Understands one file: header, query, inputs, parameters.
///
/// # Errors
/// Every problem of the file that shows without the other files.
pub fn compile(file: SqlFile, policy: &PolicySpec) -> Result<Model> {
    let SqlFile { layer, file, text } = file;
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    if !header::is_snake_case(&name) {
        return Err(Error::usage(format!("{}: a table name is lower snake case", file.display())));
    }
    let header = header::read(&file, &text, &name, layer)?;
    let sql = header::blanked(&text, &header.span);
    let report = Report::new(&file, &text);
    let inputs = query::inputs(&report, &sql);
    let parameters = query::parameters(&report, &sql, layer, policy);
    report.finish()?;
    Ok(Model {
        name,
        layer,
        hash: sha256(&text),
        sql,
        contract: header.contract,
        title: header.title,
        owner: header.owner,
        each: header.each,
        month_of: header.month_of,
        publish: header.publish,
        expectations: header.expectations,
        check_severity: header.check_severity,
        severity: header.severity,
        derived: header.derived,
        decisions: header.decisions,
        never_reads: header.never_reads.into_iter().map(|(name, _)| name).collect(),
        inputs,
        parameters,
        file,
        text,
    })
}

/// Understands a user's query for `entity`: no header needed; the contract is what a source may
/// provide of the entity.
///
/// # Errors
/// Every problem of the file; reading anything but `landed.<input>`.
pub fn compile_source(file: &Path, text: &str, entity: &Model, policy: &PolicySpec) -> Result<Model> {
    let report = Report::new(file, text);
    let inputs = query::inputs(&report, text);
    let parameters = query::parameters(&report, text, Layer::Source, policy);
    for input in inputs.iter().filter(|input| !matches!(input, Input::Landed(_))) {
        let help = "write landed.<name of an input>";
        report.error_with_help(&query::span_of(text, input), format!("a source's query may not read `{input}`"), help);
    }
    report.finish()?;
    let mut contract = entity.contract.clone();
    contract.columns.retain(|column| column.name != "source" && !entity.derived.contains(&column.name));
    Ok(Model {
        name: entity.name.clone(),
        layer: Layer::Source,
        contract,
        file: file.to_owned(),
        text: text.to_owned(),
        sql: text.to_owned(),
        hash: sha256(text),
        inputs,
        parameters,
        expectations: Vec::new(),
        check_severity: BTreeMap::new(),
        decisions: BTreeMap::new(),
        never_reads: Vec::new(),
        publish: false,
        each: false,
        month_of: None,
        ..entity.clone()
    })
}

/// SHA-256 in lower-case hex.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn built_in_policy() -> Result<(PathBuf, String)> {
    let file = BUILT_IN.get_file(POLICY_FILE).and_then(|file| file.contents_utf8());
    let text = file.ok_or_else(|| Error::bug("the built-in policy.toml is missing"))?;
    Ok((Path::new("sql").join(POLICY_FILE), text.to_owned()))
}

/// The files of a built-in folder, below `sql/`, as shown to people.
pub(super) fn built_in(folder: &Path) -> Vec<(PathBuf, String)> {
    let files = BUILT_IN.get_dir(folder).map(|dir| dir.files()).into_iter().flatten();
    files.filter_map(|file| Some((Path::new("sql").join(file.path()), file.contents_utf8()?.to_owned()))).collect()
}

/// The built-in folders in a built-in folder, below `sql/`.
pub(super) fn built_in_folders(folder: &Path) -> Vec<PathBuf> {
    let folders = BUILT_IN.get_dir(folder).map(|dir| dir.dirs()).into_iter().flatten();
    folders.map(|dir| dir.path().to_owned()).collect()
}

fn built_in_files() -> Vec<SqlFile> {
    let mut files = Vec::new();
    for layer in LAYERS {
        for file in BUILT_IN.get_dir(layer.folder()).map(|dir| dir.files()).into_iter().flatten() {
            if is_sql(file.path())
                && let Some(text) = file.contents_utf8()
            {
                files.push(SqlFile { layer, file: Path::new("sql").join(file.path()), text: text.to_owned() });
            }
        }
    }
    files
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("could not read {}", path.display())).caused_by(error)
}

/// The SQL files of a user's folder, which is laid out like `sql/`.
fn read_folder(folder: &Path) -> Result<Vec<SqlFile>> {
    let mut files = Vec::new();
    for entry in sorted_entries(folder)? {
        let name = entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let layer = LAYERS.into_iter().find(|layer| layer.folder() == name);
        match layer {
            Some(layer) if entry.is_dir() => {
                for file in sorted_entries(&entry)?.into_iter().filter(|file| is_sql(file)) {
                    let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&file, &error))?;
                    files.push(SqlFile { layer, file, text });
                }
            }
            // The described systems, which are no layer of models.
            _ if entry.is_dir() && name == Layer::Source.folder() => {}
            _ if entry.is_dir() || is_sql(&entry) => {
                let folders: Vec<&str> = LAYERS.into_iter().chain([Layer::Source]).map(Layer::folder).collect();
                let error = Error::usage(format!("{} is not in a folder of models", entry.display()));
                return Err(error.help(match nearest(&name, folders.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the folders are {}", folders.join(", ")),
                }));
            }
            _ => {}
        }
    }
    Ok(files)
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, std::io::Error>>()
        .map_err(|error| unreadable(folder, &error))?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')));
    paths.sort();
    Ok(paths)
}
