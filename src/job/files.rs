//! `[sources.<name>]` with `system = "files"`: which files, how they are written, what their rows become.

use super::{CsvFormat, EntitySql, FileInput, FilesSource, Format, RawColumn, Target, mapping, secret};
use crate::error::Error;
use crate::model::document::{Item, Table, suggestion};
use crate::model::header::{column_type, is_snake_case};
use crate::model::{Input, Model, Models, compile_source, place_of};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

/// Reads a `files` source; problems go to the table's report.
pub(super) fn source(table: &Table<'_>, models: &Models, folder: &Path) -> Option<FilesSource> {
    let root = match table.get("root") {
        Some(item) => secret::text(&item, folder).map(|root| folder.join(root.reveal())),
        None => Some(folder.to_owned()),
    };
    let items = table.need("inputs").and_then(|item| item.list()).unwrap_or_default();
    let mut inputs: Vec<(FileInput, Item<'_>)> = Vec::new();
    for item in &items {
        let Some(input) = item.table().and_then(|table| input(&table, models)) else { continue };
        if inputs.iter().any(|(earlier, _)| earlier.name == input.name) {
            let told = format!("two inputs of this source are named `{}`", input.name);
            item.report().error_with_help(&item.span, told, "give one of them another `name`");
        }
        inputs.push((input, item.clone()));
    }
    let entities = table.table("entities").map(|table| entities(&table, models, folder)).unwrap_or_default();
    check_landed(table, &inputs, &entities);
    Some(FilesSource { root: root?, inputs: inputs.into_iter().map(|(input, _)| input).collect(), entities })
}

/// Every `landed.<name>` that `entities` read is one of `known`.
pub(super) fn check_streams(table: &Table<'_>, known: &[&str], entities: &[EntitySql]) {
    for input in entities.iter().flat_map(|entity| entity.model.inputs.iter().map(move |input| (entity, input))) {
        let (entity, Input::Landed(name)) = input else { continue };
        if !known.contains(&name.as_str()) {
            let told = format!("unknown stream `landed.{name}`");
            let place = place_of(&entity.model, &Input::Landed(name.clone()));
            table.report().add(Error::usage(told).at(place).help(suggestion(name, known.iter().copied())));
        }
    }
}

/// Every `landed.<name>` is an input; every raw input is read by somebody.
fn check_landed(table: &Table<'_>, inputs: &[(FileInput, Item<'_>)], entities: &[EntitySql]) {
    let raw = || inputs.iter().filter(|(input, _)| matches!(input.target, Target::Raw { .. }));
    let mut read: BTreeSet<&str> = BTreeSet::new();
    for input in entities.iter().flat_map(|entity| entity.model.inputs.iter().map(move |input| (entity, input))) {
        let (entity, Input::Landed(name)) = input else { continue };
        read.insert(name);
        if !raw().any(|(input, _)| input.name == *name) {
            let known = raw().map(|(input, _)| input.name.as_str());
            let told = format!("unknown input `landed.{name}`");
            let place = place_of(&entity.model, &Input::Landed(name.clone()));
            table.report().add(Error::usage(told).at(place).help(suggestion(name, known)));
        }
    }
    for (input, item) in raw().filter(|(input, _)| !read.contains(input.name.as_str())) {
        let told = format!("nothing reads the input `{}`: name an entity, or read landed.{0} in a query", input.name);
        item.report().warn(&item.span, told);
    }
}

/// `[….entities]`: the queries that a job names, by entity.
pub(super) fn entities(table: &Table<'_>, models: &Models, folder: &Path) -> Vec<EntitySql> {
    let mut entities = Vec::new();
    for item in table.items() {
        let Some(entity) = entity(models, &item.key, &item, &item.key_span) else { continue };
        let Some(name) = item.text() else { continue };
        let file = folder.join(name);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) => {
                item.report().error(&item.span, format!("could not read {}: {error}", file.display()));
                continue;
            }
        };
        match compile_source(&file, &text, entity, models.policy()) {
            Ok(model) => entities.push(EntitySql { entity: item.key.clone(), model }),
            Err(error) => error.parts().iter().for_each(|part| item.report().add(part.clone())),
        }
    }
    entities
}

fn entity<'m>(models: &'m Models, name: &str, item: &Item<'_>, span: &std::ops::Range<usize>) -> Option<&'m Model> {
    let found = models.entity(name);
    if found.is_none() {
        let known = models.iter().filter(|model| models.entity(&model.name).is_some());
        item.report().unknown(span, "entity", name, known.map(|model| model.name.as_str()));
    }
    found
}

fn input(table: &Table<'_>, models: &Models) -> Option<FileInput> {
    let path = table.need("path").and_then(|item| pattern(&item));
    let entity_item = table.get("entity");
    let entity = entity_item.as_ref().map(|item| entity(models, item.text()?, item, &item.span));
    let name = name(table, entity_item.as_ref());
    let format = format(table, path.unwrap_or_default());
    let defaults = mapping::defaults(table);
    let nulls = table.texts("nulls").into_iter().map(|(text, _)| text.to_owned()).collect();
    let key = table.texts("key").into_iter().map(|(text, _)| text.to_owned()).collect();
    let (map, columns) = (table.get("map"), table.get("columns"));
    table.finish();
    let target = match entity {
        None => {
            if let Some(map) = map {
                map.report().error(&map.key_span, "`map` needs `entity`: which entity's columns it fills");
            }
            Target::Raw { columns: columns.map(|item| raw_columns(&item)).unwrap_or_default() }
        }
        Some(entity) => {
            let entity = entity?;
            if let Some(columns) = columns {
                let told = "`columns` is for inputs without `entity`: an entity's columns have their types already";
                columns.report().error(&columns.key_span, told);
            }
            let mapping = map.and_then(|item| item.table()).map(|map| mapping::columns(&map, entity));
            Target::Entity { entity: entity.name.clone(), mapping: mapping.unwrap_or_default() }
        }
    };
    Some(FileInput { name: name?, pattern: PathBuf::from(path?), format: format?, target, key, defaults, nulls })
}

/// A file, a folder, or a pattern of names.
fn pattern<'a>(item: &Item<'a>) -> Option<&'a str> {
    let path = item.text()?;
    match glob::Pattern::new(path) {
        Ok(_) => Some(path),
        Err(error) => {
            item.report().error(&item.span, format!("`{path}` is not a pattern of file names: {error}"));
            None
        }
    }
}

fn name(table: &Table<'_>, entity: Option<&Item<'_>>) -> Option<String> {
    let Some(item) = table.get("name") else {
        let Some(entity) = entity else {
            table.report().error_with_help(
                table.span(),
                "the input has neither `entity` nor `name`",
                "an input in entity shape says entity = \"…\"; one that a query reads as landed.<name> says name = \"…\"",
            );
            return None;
        };
        return entity.text().map(str::to_owned);
    };
    let name = item.text()?;
    if !is_snake_case(name) {
        item.report().error(&item.span, format!("the name `{name}` is not lower snake case"));
        return None;
    }
    Some(name.to_owned())
}

const FORMATS: [&str; 3] = ["csv", "jsonl", "parquet"];

fn format(table: &Table<'_>, path: &str) -> Option<Format> {
    let said = table.get("format");
    let (kind, tabs) = match &said {
        Some(item) => (item.text()?, false),
        None => inferred(path),
    };
    let csv_only: Vec<Item<'_>> =
        ["delimiter", "quote", "comment", "header"].iter().filter_map(|key| table.get(key)).collect();
    if kind != "csv" {
        for item in csv_only {
            item.report().warn(&item.key_span, format!("`{}` means nothing for {kind} files", item.key));
        }
    }
    match kind {
        "csv" => csv(table, tabs).map(Format::Csv),
        "jsonl" => Some(Format::JsonLines),
        "parquet" => Some(Format::Parquet),
        other => {
            match said {
                Some(item) => item.report().unknown(&item.span, "format", other, FORMATS),
                None if path.is_empty() => {}
                None => table.report().error_with_help(
                    &table.get("path").map(|item| item.span).unwrap_or_default(),
                    "the name of the file does not tell its format",
                    "add format = \"csv\", \"jsonl\" or \"parquet\"",
                ),
            }
            None
        }
    }
}

/// The format a file name tells, under any compression, and whether its fields are separated by tabs.
fn inferred(path: &str) -> (&'static str, bool) {
    let lower = path.to_ascii_lowercase();
    let plain = [".gz", ".zst", ".zstd"].iter().find_map(|end| lower.strip_suffix(end)).unwrap_or(&lower);
    match plain.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "csv" => ("csv", false),
        "tsv" | "tab" => ("csv", true),
        "jsonl" | "ndjson" | "json" => ("jsonl", false),
        "parquet" | "pq" => ("parquet", false),
        _ => ("", false),
    }
}

fn csv(table: &Table<'_>, tabs: bool) -> Option<CsvFormat> {
    let mut format = CsvFormat { delimiter: if tabs { b'\t' } else { b',' }, ..CsvFormat::default() };
    if let Some(item) = table.get("delimiter") {
        format.delimiter = one_byte(&item)?;
    }
    if let Some(item) = table.get("quote") {
        format.quote = if item.text()?.is_empty() { None } else { Some(one_byte(&item)?) };
    }
    if let Some(item) = table.get("comment") {
        format.comment = Some(one_byte(&item)?);
    }
    if let Some(item) = table.get("header") {
        match item.value {
            DeValue::Boolean(true) => {}
            DeValue::Array(_) => {
                format.names = Some(item.texts().into_iter().map(|(name, _)| name.to_owned()).collect());
            }
            _ => {
                item.wrong("true, or the list of the column names where the file has no header line");
                return None;
            }
        }
    }
    Some(format)
}

fn one_byte(item: &Item<'_>) -> Option<u8> {
    match item.text()?.as_bytes() {
        [byte] if byte.is_ascii() => Some(*byte),
        _ => {
            item.report().error(&item.span, format!("`{}` must be one ASCII character", item.key));
            None
        }
    }
}

fn raw_columns(item: &Item<'_>) -> Vec<RawColumn> {
    let items = item.table().map(|table| table.items()).unwrap_or_default();
    items.iter().filter_map(raw_column).collect()
}

/// `name = "date"` or `name = { type = "date", format = "%d.%m.%Y" }`.
fn raw_column(item: &Item<'_>) -> Option<RawColumn> {
    let (ty, format) = match item.value {
        DeValue::Table(_) => {
            let table = item.table()?;
            let ty = table.need("type").and_then(|ty| column_type(&ty));
            let format = mapping::format(&table, ty);
            table.finish();
            (ty, format)
        }
        _ => (column_type(item), Default::default()),
    };
    Some(RawColumn { name: item.key.clone(), ty: ty?, format })
}
