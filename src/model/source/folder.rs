//! The folders of described systems: those that are built in, and those of a job's own `sql` folder on top.

use super::read::{Additions, read};
use super::{SourceEntity, SourceSpec};
use crate::error::{Error, Result};
use crate::model::document::suggestion;
use crate::model::header::QueryHeader;
use crate::model::load::{built_in, compile_source};
use crate::model::query::span_of;
use crate::model::{Input, Model, Models};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const FOLDER: &str = "sources";
const DESCRIPTION: &str = "source.toml";

/// A system's files.
#[derive(Debug, Clone)]
pub struct Folder {
    system: String,
    description: (PathBuf, String),
    /// By entity.
    queries: BTreeMap<String, (PathBuf, String)>,
}

impl Folder {
    /// The folder of `system`: the built-in one with the files of `sql`, a job's own folder, in their place or beside
    /// them; none where there is no such system.
    ///
    /// # Errors
    /// The own folder cannot be read (64).
    pub fn find(system: &str, sql: Option<&Path>) -> Result<Option<Self>> {
        let mut files: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
        for (path, text) in built_in(&Path::new(FOLDER).join(system)) {
            files.insert(name_of(&path), (path, text));
        }
        if let Some(folder) = sql.map(|sql| sql.join(FOLDER).join(system)).filter(|folder| folder.is_dir()) {
            for path in entries(&folder)? {
                let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
                files.insert(name_of(&path), (path, text));
            }
        }
        let Some(description) = files.remove(DESCRIPTION) else { return Ok(None) };
        let queries = files.into_iter().filter_map(|(name, file)| Some((name.strip_suffix(".sql")?.to_owned(), file)));
        Ok(Some(Folder { system: system.to_owned(), description, queries: queries.collect() }))
    }

    /// The names of all systems.
    ///
    /// # Errors
    /// The own folder cannot be read (64).
    pub fn systems(sql: Option<&Path>) -> Result<BTreeSet<String>> {
        let mut systems: BTreeSet<String> = built_in_systems();
        if let Some(folder) = sql.map(|sql| sql.join(FOLDER)).filter(|folder| folder.is_dir()) {
            let own = entries(&folder)?.into_iter().filter(|entry| entry.join(DESCRIPTION).is_file());
            systems.extend(own.map(|entry| name_of(&entry)));
        }
        Ok(systems)
    }

    /// Understands the files as a job with `additions` reads them; none where what the job adds is wrong, which is then
    /// told in its report.
    ///
    /// # Errors
    /// Every problem of every file, each with its place.
    pub fn read(&self, models: &Models, additions: &Additions<'_>) -> Result<Option<SourceSpec>> {
        let mut errors = Vec::new();
        let mut entities = Vec::new();
        for (entity, (file, text)) in &self.queries {
            match query(models, entity, file, text) {
                Ok(model) => entities.push(SourceEntity { entity: entity.clone(), model }),
                Err(error) => errors.extend_from_slice(error.parts()),
            }
        }
        let (file, text) = &self.description;
        let spec = match read(&self.system, file, text, additions) {
            Ok(spec) => spec,
            Err(error) => {
                errors.extend_from_slice(error.parts());
                None
            }
        };
        if let Some(spec) = &spec {
            errors.extend(entities.iter().flat_map(|entity| spec.unknown_streams(&entity.model)));
        }
        if !errors.is_empty() {
            return Err(Error::all(errors));
        }
        Ok(spec.map(|spec| SourceSpec { entities, ..spec }))
    }
}

impl SourceSpec {
    /// What a query reads that is no stream of this source.
    pub fn unknown_streams(&self, query: &Model) -> Vec<Error> {
        let mut errors = Vec::new();
        for input in &query.inputs {
            let Input::Landed(name) = input else { continue };
            if !self.streams.iter().any(|stream| stream.name == *name) {
                let known = self.streams.iter().map(|stream| stream.name.as_str());
                let place = crate::error::Place::in_text(&query.file, &query.text, span_of(&query.sql, input));
                let told = Error::usage(format!("unknown stream `landed.{name}`"));
                errors.push(told.at(place).help(suggestion(name, known)));
            }
        }
        errors
    }
}

fn query(models: &Models, entity: &str, file: &Path, text: &str) -> Result<Model> {
    let Some(contract) = models.entity(entity) else {
        let known = models.iter().map(|model| model.name.as_str()).filter(|name| models.entity(name).is_some());
        let told = format!("{} is named after no entity", file.display());
        return Err(Error::usage(told).help(suggestion(entity, known)));
    };
    let header = QueryHeader::read(file, text)?;
    compile_source(file, text, contract, models.policy()).map(|model| header.onto(model))
}

fn built_in_systems() -> BTreeSet<String> {
    let all = crate::model::load::built_in_folders(Path::new(FOLDER));
    all.into_iter().filter(|folder| !built_in(folder).is_empty()).map(|folder| name_of(&folder)).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("could not read {}", path.display())).caused_by(error)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(folder, &error))?;
    paths.retain(|path| !name_of(path).starts_with('.') && (path.is_dir() || is_ours(path)));
    paths.sort();
    Ok(paths)
}

fn is_ours(path: &Path) -> bool {
    name_of(path) == DESCRIPTION || path.extension().is_some_and(|extension| extension == "sql")
}
