//! `tailwater plan JOB`: what a run would do, touching nothing.

use crate::check::text_table;
use crate::cli::check::described;
use crate::cli::{JobArguments, output};
use crate::error::Result;
use crate::extract::files;
use crate::job::api::ApiSource;
use crate::job::{FileInput, FilesSource, Job, SourceKind};
use crate::model::source::stream::{Origin, StreamSpec};
use crate::model::{Layer, Model};
use crate::publish::Manifest;
use crate::run::selected;
use crate::store::Store;
use chrono::NaiveDate;
use clap::Args;
use std::fmt::Write;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// Plan these tables and what they rest on; separated by commas
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    select: Vec<String>,
}

/// Prints sources, tables in order, parameters and what would be written.
///
/// # Errors
/// The job or a SQL file is wrong (64).
pub async fn run(arguments: Arguments) -> Result<()> {
    let (job, _, as_of) = arguments.job.load()?;
    let models = selected(&job, &arguments.select)?;
    let mut text = format!("{} as of {as_of}, into {}\n", job.name, job.warehouse.display());
    sources(&mut text, &job);
    tables(&mut text, &job, &models, as_of)?;
    parameters(&mut text, &job, &models, as_of);
    for warning in &job.warnings {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    output::bytes(text.as_bytes())
}

fn sources(text: &mut String, job: &Job) {
    text.push_str("\nSources\n");
    for source in &job.sources {
        let _ = writeln!(text, "  {}: {}", source.name, described(source));
        match &source.kind {
            SourceKind::Files(spec) => spec.inputs.iter().for_each(|input| found(text, spec, input)),
            SourceKind::Api(api) => {
                for stream in &api.spec.streams {
                    let _ = writeln!(text, "    {}: {}", stream.name, asked(api, stream));
                }
            }
            _ => {}
        }
    }
}

fn found(text: &mut String, spec: &FilesSource, input: &FileInput) {
    let _ = match files::find(&spec.root, input) {
        Ok(found) => {
            let names: Vec<&str> = found.iter().take(3).map(|file| file.name.as_str()).collect();
            let more = if found.len() > 3 { format!(" and {} more", found.len() - 3) } else { String::new() };
            writeln!(text, "    {}: {}{more}", input.name, names.join(", "))
        }
        Err(error) => writeln!(text, "    {}: missing: {}", input.name, error.message()),
    };
}

/// What of a stream a run asks for.
fn asked(api: &ApiSource, stream: &StreamSpec) -> String {
    if api.skip.contains(&stream.name) {
        return "skipped".to_owned();
    }
    let requests = match &stream.origin {
        Origin::Requests(requests) => requests,
        Origin::Inside(outer) => return format!("in the answers for {outer}"),
        Origin::Files(listing) => return format!("files {}", listing.pattern),
        Origin::Pushed => return "as it comes".to_owned(),
    };
    let mut said = match (&requests.cursor, &requests.window) {
        (Some(cursor), _) => {
            let first = cursor.first.map_or(api.start_date, |first| first.date_naive());
            let by = cursor.column.as_ref().map(|column| format!(" by {column}")).unwrap_or_default();
            format!("what is new{by}, from {first} on")
        }
        (None, Some(_)) => format!("all from {} on", api.start_date),
        (None, None) => "all of it".to_owned(),
    };
    if let Some(parent) = &requests.parent {
        let which = if parent.is_incremental { "new or changed " } else { "" };
        let _ = write!(said, ", for each {which}{}", parent.stream);
    }
    if requests.export.is_some() {
        said.push_str(", as an export");
    }
    if let Some(days) = stream.full_scan_days {
        let _ = write!(said, ", whole every {days} days");
    }
    said
}

fn tables(text: &mut String, job: &Job, models: &[&Model], as_of: NaiveDate) -> Result<()> {
    let manifest = match Store::open_existing(&job.warehouse) {
        Some(store) => Some(Manifest::read(&store, &job.name)?),
        None => None,
    };
    let written = |model: &Model| -> String {
        if !model.publish {
            return String::new();
        }
        let folders = manifest.as_ref().map(|manifest| manifest.folders(&model.name)).unwrap_or_default();
        let own = format!("as_of_date={as_of}");
        if model.contract.partition_by.iter().any(|column| column == "as_of_date") {
            let verb =
                if folders.iter().any(|folder| folder.split('/').any(|part| part == own)) { "replace" } else { "new" };
            return format!("{verb} {own}");
        }
        match folders.len() {
            0 => format!("new, by {}", model.contract.partition_by.join(", ")),
            count => format!("replace what changed of {count} partitions"),
        }
    };
    let rows: Vec<[String; 4]> = models
        .iter()
        .map(|model| {
            let reads: Vec<String> = model.inputs.iter().map(ToString::to_string).collect();
            [model.name.clone(), layer(model.layer).to_owned(), written(model), reads.join(" ")]
        })
        .collect();
    let cells: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let _ =
        write!(text, "\nTables, in order\n{}", text_table(&["table", "layer", "would be written", "reads"], &cells));
    text.push_str("A file is written only where its bytes differ from what is public.\n");
    Ok(())
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Source => "source",
        Layer::Rollup => "roll-up",
        Layer::Entity => "entity",
        Layer::Intermediate => "intermediate",
        Layer::Mart => "mart",
        Layer::Check => "check",
    }
}

fn parameters(text: &mut String, job: &Job, models: &[&Model], as_of: NaiveDate) {
    let params = job.params(as_of);
    let spec = job.models.policy();
    let is_used = |name: &str| models.iter().any(|model| model.parameters.contains(name));
    let rows: Vec<[String; 3]> = params
        .iter()
        .filter(|(name, _)| !name.starts_with("span_") && (is_used(name) || spec.entries.contains_key(*name)))
        .map(|(name, value)| {
            let set = match spec.entries.get(name) {
                None => "the run".to_owned(),
                Some(entry) if job.policy.get(name) == Some(&entry.default) => {
                    format!("{}:{}", entry.place.file.display(), entry.place.line)
                }
                Some(_) => format!("{} [policy]", job.file.display()),
            };
            let value = job.policy.get(name).map_or_else(|| value.to_string(), ToString::to_string);
            [name.to_owned(), value, set]
        })
        .collect();
    let cells: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    let _ = write!(text, "\nParameters\n{}", text_table(&["name", "value", "set in"], &cells));
}
