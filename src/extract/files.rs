//! The `files` source: which files an input means, and how one of them is read.

use super::rows::Seen;
use super::shape::{Origin, Plan};
use super::{Receiver, bytes, csv, jsonl, parquet};
use crate::error::{Class, Error, Result};
use crate::job::{FileInput, Format, MappedFrom, Target};
use crate::model::contract::{ColumnType, Contract};
use std::path::{Path, PathBuf};

/// One file of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path relative to the source's root with `/` between segments: its identity from run to run.
    pub name: String,
}

/// The files `input` means, sorted by name: one file, all of a folder, or all that match a pattern. Names that begin
/// with `.` or `_` are left out of folders, as readers of data lakes do.
///
/// # Errors
/// There are none, or a folder cannot be read (69); the pattern is malformed (64).
pub fn find(root: &Path, input: &FileInput) -> Result<Vec<Found>> {
    // A job file named without a folder lies in the working directory.
    let root = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let shown = input.pattern.display();
    let pattern = input.pattern.to_string_lossy();
    let whole = root.join(&input.pattern);
    let mut found = Vec::new();
    if pattern.contains(['*', '?', '[']) && !whole.exists() {
        let escaped = PathBuf::from(glob::Pattern::escape(&root.to_string_lossy())).join(&input.pattern);
        let matches = glob::glob(&escaped.to_string_lossy()).map_err(|error| {
            Error::usage(format!("the path \"{shown}\" of input {} is no pattern", input.name)).caused_by(error)
        })?;
        for path in matches {
            let path = path.map_err(|error| unlistable(error.path(), error.error()))?;
            collect(&path, &mut found)?;
        }
    } else if whole.exists() {
        collect(&whole, &mut found)?;
    }
    if found.is_empty() {
        let lies = if root.is_dir() { "nothing there matches" } else { "that folder does not exist" };
        return Err(Error::new(
            Class::Unavailable,
            format!("input {} finds no file: \"{shown}\" in {}: {lies}", input.name, root.display()),
        )
        .help("correct `path` or `root` in the job, or wait for the export"));
    }
    found.sort();
    found.dedup();
    Ok(found.into_iter().map(|path| Found { name: name_of(&path, root), path }).collect())
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(|error| unlistable(path, &error))? {
        let entry = entry.map_err(|error| unlistable(path, &error))?;
        if !entry.file_name().to_string_lossy().starts_with(['.', '_']) {
            collect(&entry.path(), found)?;
        }
    }
    Ok(())
}

fn unlistable(path: &Path, error: &std::io::Error) -> Error {
    Error::io("list", path, error).class_as(Class::Unavailable).help("give this user the right to read the folder")
}

fn name_of(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Reads one file into `receiver`. `entity` is the contract its rows must meet; `scratch` is a path where a wrapped
/// Parquet file may be unpacked; `seen` holds the keys of the landing so far.
///
/// # Errors
/// The file is empty, cut off, damaged or unreadable (69), not what the job says, or lacks a column (64).
pub fn read(
    found: &Found,
    input: &FileInput,
    entity: Option<&Contract>,
    scratch: &Path,
    seen: &mut Seen,
    receiver: &mut dyn Receiver,
) -> Result<()> {
    let (path, name) = (found.path.as_path(), found.name.as_str());
    let text = |_: usize| Some(ColumnType::Text);
    match &input.format {
        Format::Csv(format) => {
            let plan = |header: &[String]| checked(Plan::new(input, entity, header, &text, name)?, input);
            csv::read(bytes::open(path, name)?, name, format, plan, seen, receiver)
        }
        Format::JsonLines => {
            let paths = match (&input.target, entity) {
                (Target::Entity { mapping, .. }, Some(contract)) => {
                    let mapped = mapping.iter().filter_map(|mapped| match &mapped.from {
                        MappedFrom::Column(path) => Some(path.clone()),
                        MappedFrom::Constant(_) => None,
                    });
                    let own = contract.columns.iter().map(|column| column.name.clone());
                    mapped.chain(own).chain(["source_id".to_owned()]).collect()
                }
                _ => jsonl::paths(bytes::open(path, name)?, name)?,
            };
            let plan = checked(Plan::new(input, entity, &paths, &text, name)?, input)?;
            jsonl::read(bytes::open(path, name)?, name, &plan, seen, receiver)
        }
        Format::Parquet => {
            let opened = parquet::open(path, name, scratch)?;
            let plan = Plan::new(input, entity, &opened.header(), &|at| opened.natural(at), name)?;
            let plan = checked(plan, input)?;
            opened.read(name, &plan, seen, receiver)
        }
    }
}

/// A constant that is no value of its column is the job's mistake, not the rows'.
fn checked(plan: Plan, input: &FileInput) -> Result<Plan> {
    for field in &plan.fields {
        if let Origin::Constant(text) = &field.from {
            let mut probe = super::batch::ColumnBuilder::new(field.ty, 1);
            probe.value(text, &field.spelling).map_err(|refusal| {
                Error::usage(format!(
                    "input {}: the constant \"{text}\" for {} ({}) {refusal}",
                    input.name, field.name, field.ty
                ))
            })?;
        }
    }
    Ok(plan)
}
