//! A job file, read into a [`Job`] with every problem of the file at once.

use super::{Job, LandingConfig, SampleSpec, Source, SourceKind, api, files, postgres, secret, singer};
use crate::calendar::Schedule;
use crate::error::{Error, Result};
use crate::model::document::{Item, Report, Table, parse, suggestion};
use crate::model::engine::EngineConfig;
use crate::model::policy::Policy;
use crate::model::source::Folder;
use crate::model::{Models, plan, sha256};
use arrow::datatypes::SchemaRef;
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::DeValue;

/// The systems a source can be beside the described ones.
const SYSTEMS: [&str; 4] = ["files", "postgres", "sample", "singer"];

impl Job {
    /// Reads a job file and its SQL, and compares every query with its contract. Nothing is read from the sources.
    ///
    /// # Errors
    /// Every problem of the job file, or of the SQL files, each with its place.
    pub fn load(path: &Path) -> Result<Job> {
        let job = Job::read(path)?;
        // The values do not matter here, only their types.
        let params = job.params(NaiveDate::default());
        let mut errors: Vec<Error> = Vec::new();
        let mut add = |checked: Result<()>| {
            errors.extend(checked.err().into_iter().flat_map(|error| error.parts().to_vec()));
        };
        add(plan::check(&job.models, &params));
        for source in &job.sources {
            let SourceKind::Api(api) = &source.kind else { continue };
            let streams = api.spec.streams.iter().map(|stream| (stream.name.clone(), stream.landed_schema()));
            let streams: BTreeMap<String, SchemaRef> = streams.collect();
            api.entities.iter().for_each(|query| add(plan::check_source(&query.model, &streams, &params)));
        }
        if errors.is_empty() { Ok(job) } else { Err(Error::all(errors)) }
    }

    /// Reads a job file and its SQL without planning the queries: enough to look at what earlier runs left.
    ///
    /// # Errors
    /// As [`Job::load`].
    pub fn read(path: &Path) -> Result<Job> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("could not read {}", path.display())).caused_by(error))?;
        let report = Report::new(path, &text);
        let job = parse(&report, &text).and_then(|parsed| whole(&Table::root(&report, &parsed), path, &text));
        let warnings = report.finish()?;
        let mut job = job.ok_or_else(|| Error::bug(format!("{} was lost", path.display())))?;
        job.warnings = warnings;
        Ok(job)
    }
}

fn whole(root: &Table<'_>, path: &Path, text: &str) -> Option<Job> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = root.need("name").and_then(|item| identifier(&item));
    let schedule = schedule(root);
    let timezone = root.get("timezone").map_or(Some(Tz::Etc__UTC), |item| timezone(&item));
    let warehouse = root.need("warehouse").and_then(|item| warehouse(&item, folder));
    let currency = currency(root);
    let engine = engine(root);
    let landing = landing(root);
    let sql = root.get("sql").map(|item| item.text().map(|sql| folder.join(sql)));
    let models = match &sql {
        Some(None) => None,
        Some(Some(sql)) => load_models(root.report(), Some(sql)),
        None => load_models(root.report(), None),
    };
    let sql = sql.flatten();
    // Without models no policy name and no entity is known: the keys are then taken as they are.
    let policy = root.table("policy");
    let source_tables = root.table("sources");
    if source_tables.is_none() {
        root.report().error_with_help(
            &(0..0),
            "the job has no source",
            "add a table such as [sources.demo] with system = \"sample\"",
        );
    }
    root.finish();
    let models = models?;
    let policy = policy.map(|table| models.policy().overrides(&table)).unwrap_or_default();
    let policy = Policy::new(models.policy(), policy);
    let sources = sources(&source_tables?, &models, folder, sql.as_deref());
    Some(Job {
        name: name?,
        file: path.to_owned(),
        hash: sha256(text),
        schedule: schedule?,
        timezone: timezone?,
        warehouse: warehouse?,
        currency: currency?,
        sources,
        policy,
        models: Arc::new(models),
        engine,
        landing,
        warnings: Vec::new(),
    })
}

fn load_models(report: &Report, folder: Option<&Path>) -> Option<Models> {
    match Models::load(folder) {
        Ok(models) => Some(models),
        Err(error) => {
            error.parts().iter().for_each(|part| report.add(part.clone()));
            None
        }
    }
}

/// A name that becomes part of paths and of Kubernetes objects.
fn identifier(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    check_identifier(item, name, &item.span).then(|| name.to_owned())
}

pub(super) fn check_identifier(item: &Item<'_>, name: &str, span: &std::ops::Range<usize>) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let good = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(legal) && name.len() <= 52;
    if !good {
        let told = format!("the name `{name}` must be lower-case letters, digits, - and _, begin with a letter");
        item.report().error(span, format!("{told} and have at most 52 characters"));
    }
    good
}

fn schedule(root: &Table<'_>) -> Option<Schedule> {
    let Some(item) = root.get("schedule") else { return Schedule::parse("0 0 * * *").ok() };
    match Schedule::parse(item.text()?) {
        Ok(schedule) => Some(schedule),
        Err(told) => {
            item.report().error(&item.span, told);
            None
        }
    }
}

fn timezone(item: &Item<'_>) -> Option<Tz> {
    let text = item.text()?;
    let zone = text.parse().ok();
    if zone.is_none() {
        item.report().error_with_help(&item.span, format!("unknown time zone `{text}`"), zone_help(text));
    }
    zone
}

fn zone_help(text: &str) -> String {
    let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    match crate::model::text::nearest(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write a name of the time zone database, such as `Europe/Berlin`".to_owned(),
    }
}

fn warehouse(item: &Item<'_>, folder: &Path) -> Option<PathBuf> {
    let text = secret::text(item, folder)?;
    let text = text.reveal();
    if let Some((scheme, _)) = text.split_once("://") {
        let told = match scheme {
            "s3" => "a warehouse on S3 arrives in a later version; this one writes to a folder".to_owned(),
            other => format!("`{other}://` is no warehouse; this version writes to a folder"),
        };
        item.report().error(&item.span, told);
        return None;
    }
    if text.trim().is_empty() {
        item.report().error(&item.span, "the warehouse has no name");
        return None;
    }
    Some(PathBuf::from(text))
}

fn currency(root: &Table<'_>) -> Option<String> {
    let company = root.need("company")?.table()?;
    let item = company.need("currency");
    company.finish();
    let item = item?;
    let text = item.text()?;
    if text.len() != 3 || !text.chars().all(|c| c.is_ascii_uppercase()) {
        item.report().error(&item.span, format!("`{text}` is not an ISO 4217 currency such as USD"));
        return None;
    }
    Some(text.to_owned())
}

fn engine(root: &Table<'_>) -> EngineConfig {
    let mut config = EngineConfig::default();
    let Some(table) = root.table("engine") else { return config };
    if let Some(partitions) = table.get("partitions").and_then(|item| item.integer(1, 1024)) {
        config.partitions = usize::try_from(partitions).unwrap_or(config.partitions);
    }
    if let Some(bytes) = table.get("memory").and_then(|item| bytes(&item)) {
        config.memory_bytes = bytes;
    }
    if let Some(folder) = table.text("spill") {
        config.spill_dir = Some(PathBuf::from(folder));
    }
    table.finish();
    config
}

/// `"512MiB"`, `"2GB"` or a number of bytes; at least a mebibyte.
fn bytes(item: &Item<'_>) -> Option<usize> {
    const UNITS: [(&str, u64); 6] =
        [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    if matches!(item.value, DeValue::Integer(_)) {
        return item.integer(1 << 20, i64::MAX).and_then(|bytes| usize::try_from(bytes).ok());
    }
    let text = item.text()?;
    let parsed = UNITS.iter().find_map(|(unit, size)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        usize::try_from(number.checked_mul(*size)?).ok().filter(|bytes| *bytes >= 1 << 20)
    });
    if parsed.is_none() {
        item.report().error(&item.span, format!("`{text}` is not an amount of memory such as \"512MiB\""));
    }
    parsed
}

fn landing(root: &Table<'_>) -> LandingConfig {
    let mut config = LandingConfig::default();
    let Some(table) = root.table("landing") else { return config };
    if let Some(days) = table.get("history_days").and_then(|item| item.integer(0, 36_500)) {
        config.history_days = u32::try_from(days).unwrap_or(config.history_days);
    }
    table.finish();
    config
}

fn sources(tables: &Table<'_>, models: &Models, folder: &Path, sql: Option<&Path>) -> Vec<Source> {
    let mut sources = Vec::new();
    for item in tables.items() {
        let legal = check_identifier(&item, &item.key, &item.key_span);
        let Some(table) = item.table() else { continue };
        let Some(system) = table.need("system") else { continue };
        let kind = match system.text() {
            Some("sample") => Some(SourceKind::Sample(sample(&table))),
            Some("files") => files::source(&table, models, folder).map(SourceKind::Files),
            Some("postgres") => postgres::source(&table, models, folder).map(SourceKind::Postgres),
            Some("singer") => singer::source(&table, models, folder).map(|tap| SourceKind::Singer(Box::new(tap))),
            Some(other) => match described(other, &system, sql) {
                Some(described) => {
                    let api = api::source(&item, &table, &described, models, folder);
                    api.map(|api| SourceKind::Api(Box::new(api)))
                }
                None => continue,
            },
            None => continue,
        };
        table.finish();
        if legal && let Some(kind) = kind {
            sources.push(Source { name: item.key.clone(), kind });
        }
    }
    unique_raw_names(tables, &sources);
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    sources
}

/// The folder that describes a system; says what is known where there is none.
fn described(system: &str, item: &Item<'_>, sql: Option<&Path>) -> Option<Folder> {
    let found = Folder::find(system, sql).and_then(|found| match found {
        Some(folder) => Ok(folder),
        None => {
            let known = Folder::systems(sql)?;
            let known = known.iter().map(String::as_str).chain(SYSTEMS);
            let place = item.report().place(&item.span);
            let told = Error::usage(format!("unknown source system `{system}`"));
            Err(told.at(place).help(suggestion(system, known)))
        }
    });
    found.map_err(|error| item.report().add(error)).ok()
}

/// `landed.<name>` has no room for the source, so the names of raw inputs are unique over the whole job.
fn unique_raw_names(tables: &Table<'_>, sources: &[Source]) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for source in sources {
        let SourceKind::Files(files) = &source.kind else { continue };
        for input in files.inputs.iter().filter(|input| matches!(input.target, super::Target::Raw { .. })) {
            if let Some(other) = owners.insert(&input.name, &source.name)
                && other != source.name
            {
                let told = format!("the sources `{other}` and `{}` both have an input `{}`", source.name, input.name);
                let span = tables.get(&source.name).map(|item| item.key_span).unwrap_or_default();
                tables.report().error(&span, told);
            }
        }
    }
}

fn sample(table: &Table<'_>) -> SampleSpec {
    let mut spec = SampleSpec::default();
    if let Some(seed) = table.get("seed").and_then(|item| item.integer(0, i64::MAX)) {
        spec.seed = seed.unsigned_abs();
    }
    if let Some(accounts) = table.get("accounts").and_then(|item| item.integer(1, 1_000_000)) {
        spec.accounts = u32::try_from(accounts).unwrap_or(spec.accounts);
    }
    if let Some(start) = table.get("start").and_then(|item| item.date()) {
        spec.start = start;
    }
    if let Some(scale) = table.get("usage_scale").and_then(|item| item.positive()) {
        spec.usage_permille = SampleSpec::permille(scale);
    }
    spec
}
