//! `tailwater init SYSTEM…`: a job over these systems, with everything a job may say about them.

use crate::calendar::Clock;
use crate::cli::output;
use crate::error::{Class, Error, Result};
use crate::job::api::KEEP_RAW_DAYS;
use crate::model::Models;
use crate::model::document::suggestion;
use crate::model::policy::PolicySpec;
use crate::model::source::stream::Origin;
use crate::model::source::{Additions, Folder, Setting, SourceSpec};
use chrono::Datelike;
use clap::Args;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The systems to read, such as salesforce, stripe, segment and zendesk
    #[arg(required = true, value_name = "SYSTEM")]
    systems: Vec<String>,
    /// The file to write
    #[arg(long, default_value = "jobs/nightly.toml")]
    file: PathBuf,
}

/// The widest line of the file, in characters.
const WIDTH: usize = 120;

/// Thresholds that companies set to their own values first.
const POLICY_HINTS: [&str; 6] = [
    "quarantine_max_share_pct",
    "issue_grace_days",
    "payment_terms_days",
    "collection_leak_days",
    "material_amount",
    "usage_lag_days",
];

/// Writes the file.
///
/// # Errors
/// A system is not known, or the file is there already (64); it cannot be written (75).
pub fn run(arguments: &Arguments) -> Result<()> {
    let models = Models::load(None)?;
    let mut specs: Vec<SourceSpec> = Vec::new();
    for system in &arguments.systems {
        let Some(folder) = Folder::find(system, None)? else {
            let known = Folder::systems(None)?;
            let told = Error::usage(format!("unknown source system {system}"));
            return Err(told.help(suggestion(system, known.iter().map(String::as_str))));
        };
        if !specs.iter().any(|spec| spec.system == *system) {
            specs.extend(folder.read(&models, &Additions::default())?);
        }
    }
    let start = Clock::from_env()?.now().year() - 2;
    let text = job(&name_of(&arguments.file), &specs, models.policy(), start);
    write(&arguments.file, &text)?;
    let shown = arguments.file.display();
    output::line(format!("wrote {shown}; set what it refers to, then: tailwater check {shown} --connect"))
}

/// The job's name: the file's, as far as a name may have its letters.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let legal = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' { c } else { '-' };
    let name: String = stem.chars().map(legal).take(52).collect();
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { "nightly".to_owned() }
}

fn write(file: &Path, text: &str) -> Result<()> {
    let failed = |error: &std::io::Error| {
        Error::new(Class::TryAgain, format!("could not write {}", file.display())).caused_by(error)
    };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
    }
    let mut open = match OpenOptions::new().write(true).create_new(true).open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let told = Error::usage(format!("{} is there already", file.display()));
            return Err(told.help("name another file with --file"));
        }
        opened => opened.map_err(|error| failed(&error))?,
    };
    open.write_all(text.as_bytes()).map_err(|error| failed(&error))
}

fn job(name: &str, specs: &[SourceSpec], policy: &PolicySpec, start: i32) -> String {
    let titles: Vec<&str> = specs.iter().map(|spec| spec.title.as_str()).collect();
    let mut text = String::new();
    comment(&mut text, &format!("Reads {} and publishes what it finds to ./warehouse.", titles.join(", ")));
    comment(
        &mut text,
        "A secret never stands in this file: { env = \"NAME\" } or { file = \"path\" } says where it is had.",
    );
    let _ = write!(
        text,
        "name = \"{name}\"
schedule = \"0 5 * * *\"       # five fields, as Kubernetes reads them
timezone = \"Etc/UTC\"         # the zone of the schedule, and that days end in; Europe/Berlin, America/New_York …
warehouse = \"./warehouse\"
# sql = \"sql\"                # a folder laid out as the built-in one, whose files come in place of those or beside them

[company]
currency = \"USD\"             # what amounts are reported in, ISO 4217

# Thresholds; `tailwater plan` lists all of them with their values.
[policy]
"
    );
    for name in POLICY_HINTS {
        if let Some(entry) = policy.entries.get(name) {
            comment(&mut text, &format!("{}:", entry.doc));
            let _ = writeln!(text, "# {name} = {}", entry.default);
        }
    }
    for spec in specs {
        source(&mut text, spec, start);
    }
    text
}

/// `[sources.<system>]`, complete: what must be said, then what may be.
fn source(text: &mut String, spec: &SourceSpec, start: i32) {
    let entities: Vec<&str> = spec.entities.iter().map(|entity| entity.entity.as_str()).collect();
    text.push('\n');
    comment(text, &format!("{}, for {}.", spec.title, entities.join(", ")));
    let _ = writeln!(text, "[sources.{0}]\nsystem = \"{0}\"", spec.system);
    let is_needed = |name: &str, setting: &Setting| setting.default.is_none() && spec.used.contains(name);
    let (needed, others): (Vec<_>, Vec<_>) = spec.settings.iter().partition(|(name, setting)| is_needed(name, setting));
    for (name, setting) in needed {
        comment(text, &documented(setting));
        let _ = writeln!(text, "{name} = {}", example(spec, name, setting));
    }
    for (name, setting) in others {
        comment(text, &documented(setting));
        let _ = match &setting.default {
            Some(default) => writeln!(text, "# {name} = {}", quoted(default)),
            None => writeln!(text, "# {name} = {}", example(spec, name, setting)),
        };
    }
    comment(text, "Where the first read begins.");
    let _ = writeln!(text, "start_date = \"{start}-01-01\"");
    comment(
        text,
        "How many days old what was landed may be while the source is down: then tables that rest on it are marked as stale; \
         with 0 the run stops. The policy source_max_age_days holds where nothing is said.",
    );
    let _ = writeln!(text, "# max_age_days = 2");
    comment(text, "How many days raw answers are kept, for `tailwater replay`.");
    let _ = writeln!(text, "# keep_raw_days = {KEEP_RAW_DAYS}");
    let streams: Vec<&str> = spec.streams.iter().map(|stream| stream.name.as_str()).collect();
    comment(text, &format!("Streams to do without, of: {}.", streams.join(", ")));
    text.push_str("# skip = []\n");
    let asked = spec.streams.iter().find(|stream| matches!(stream.origin, Origin::Requests(_)));
    if let Some(stream) = asked.or(spec.streams.first()) {
        comment(text, "Columns of your own; a column of a name that is there already takes its place:");
        let _ = writeln!(text, "# [sources.{}.streams.{}.columns]", spec.system, stream.name);
        text.push_str("# po_number = { type = \"text\", path = \"custom.po_number\" }\n");
        comment(text, "Queries of your own, in place of those that are built in, or beside them:");
        let _ = writeln!(text, "# [sources.{}.entities]", spec.system);
        let _ = writeln!(text, "# {0} = \"{0}.sql\"", entities.first().unwrap_or(&"account"));
    }
}

fn documented(setting: &Setting) -> String {
    let choices: Vec<&str> = setting.choices.keys().map(String::as_str).collect();
    match &choices[..] {
        [] => format!("{}.", setting.doc.trim_end_matches('.')),
        choices => format!("{}. One of {}.", setting.doc.trim_end_matches('.'), choices.join(", ")),
    }
}

/// A value that passes: a reference, as what it is cannot be known; a choice is written out.
fn example(spec: &SourceSpec, name: &str, setting: &Setting) -> String {
    match setting.choices.keys().next() {
        Some(choice) => quoted(choice),
        None => format!("{{ env = \"{}_{}\" }}", spec.system.to_uppercase(), name.to_uppercase()),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Comment lines of at most [`WIDTH`] characters.
fn comment(text: &mut String, sentence: &str) {
    let mut line = "#".to_owned();
    for word in sentence.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line = "#".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    #[test]
    fn what_it_writes_is_a_right_job_over_every_system() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jobs").join("Every night.toml");
        let systems: Vec<String> = Folder::systems(None).unwrap().into_iter().collect();
        run(&Arguments { systems: systems.clone(), file: file.clone() }).unwrap();
        let job = Job::load(&file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((job.name.as_str(), job.sources.len()), ("every-night", systems.len()));
        let again = run(&Arguments { systems, file }).unwrap_err();
        assert!(again.to_string().contains("is there already"), "{again}");
    }

    #[test]
    fn an_unknown_system_is_told_with_the_nearest() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = Arguments { systems: vec!["zendsk".to_owned()], file: folder.path().join("x.toml") };
        let told = run(&arguments).unwrap_err().to_string();
        assert!(told.contains("did you mean `zendesk`?"), "{told}");
        assert!(!folder.path().join("x.toml").exists());
    }
}
