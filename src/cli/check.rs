//! `tailwater check JOB`: everything that can be wrong before a run, found without running.

use crate::cli::{JobArguments, output};
use crate::error::{Class, Error, Result};
use crate::extract::{files, postgres, singer};
use crate::job::{FilesSource, Job, Source, SourceKind, Target};
use crate::land::try_system;
use crate::model::Layer;
use chrono::{DateTime, Utc};
use clap::Args;
use std::fs::File;
use std::io::Read;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    job: JobArguments,
    /// Try the sources too
    #[arg(long)]
    connect: bool,
}

/// Loads the job, plans every model and says what there is.
///
/// # Errors
/// The job or a SQL file is wrong (64); with `--connect` also a source that cannot be read.
pub async fn run(arguments: Arguments) -> Result<()> {
    let (job, clock, as_of) = arguments.job.load()?;
    for warning in &job.warnings {
        output::line(format!("warning: {warning}"))?;
    }
    let models = job.models.in_order();
    let count = |layer: Layer| models.iter().filter(|model| model.layer == layer).count();
    output::line(format!("{}: right, as of {as_of}", job.file.display()))?;
    for source in &job.sources {
        output::line(format!("  source {}: {}", source.name, described(source)))?;
    }
    output::line(format!(
        "  tables: {} entities, {} roll-ups, {} intermediate, {} marts; {} checks over several tables",
        count(Layer::Entity),
        count(Layer::Rollup),
        count(Layer::Intermediate),
        count(Layer::Mart),
        count(Layer::Check),
    ))?;
    if arguments.connect {
        let mut failed = Vec::new();
        for source in &job.sources {
            // Systems are asked by clients that wait, which the threads of the runtime must not.
            let tried = std::thread::scope(|scope| scope.spawn(|| connect(&job, source, clock.now())).join());
            failed.extend(tried.unwrap_or_else(|_| Err(Error::bug("trying a source crashed")))?);
        }
        if !failed.is_empty() {
            return Err(Error::all(failed));
        }
    }
    Ok(())
}

/// A source in one line.
pub fn described(source: &Source) -> String {
    let queried: Vec<&str> = source.kind.queries().iter().map(|query| query.entity.as_str()).collect();
    let queried = queried.join(", ");
    match &source.kind {
        SourceKind::Sample(spec) => format!(
            "made-up company, seed {}, {} accounts, from {}, usage {} permille of the normal volume",
            spec.seed, spec.accounts, spec.start, spec.usage_permille
        ),
        SourceKind::Files(files) => {
            let entities = files.inputs.iter().map(|input| match &input.target {
                Target::Entity { entity, .. } => entity.clone(),
                Target::Raw { .. } => format!("landed.{}", input.name),
            });
            let all: Vec<String> = entities.chain(Some(queried).filter(|text| !text.is_empty())).collect();
            format!("files under {} for {}", files.root.display(), all.join(", "))
        }
        SourceKind::Postgres(postgres) => {
            format!("PostgreSQL, {} tables for {queried}", postgres.tables.len())
        }
        SourceKind::Singer(tap) => {
            format!("Singer tap {} for {queried}", tap.command.join(" "))
        }
        SourceKind::Api(api) => {
            format!("{}, {} streams for {queried}", api.spec.title, api.streams().count())
        }
    }
}

/// Tries one source, and says what there is; what cannot be read is given back.
fn connect(job: &Job, source: &Source, now: DateTime<Utc>) -> Result<Vec<Error>> {
    match &source.kind {
        SourceKind::Files(spec) => find_files(source, spec).map(|()| Vec::new()),
        SourceKind::Sample(_) => output::line(format!("  source {}: needs nothing", source.name)).map(|()| Vec::new()),
        SourceKind::Api(api) => tell(source, try_system(job, source, api, now)?),
        SourceKind::Postgres(database) => {
            // It waits for the network in a runtime of its own, which has no place inside ours.
            let tried = std::thread::scope(|scope| scope.spawn(|| postgres::probe(database)).join());
            tell(source, tried.unwrap_or_else(|_| Err(Error::bug("trying a database failed unexpectedly")))?)
        }
        SourceKind::Singer(tap) => {
            let found = singer::probe(&source.name, tap, now)?;
            output::line(format!("  source {}: {found}", source.name)).map(|()| Vec::new())
        }
    }
}

/// Says what of a source may be read; what cannot is given back.
fn tell(source: &Source, tried: Vec<(String, Result<String>)>) -> Result<Vec<Error>> {
    let mut failed = Vec::new();
    for (stream, tried) in tried {
        match tried {
            Ok(found) => output::line(format!("  source {}: {stream}: {found}", source.name))?,
            Err(error) => {
                output::line(format!("  source {}: {stream} cannot be read", source.name))?;
                failed.push(error);
            }
        }
    }
    Ok(failed)
}

/// Whether every file of a source can be found and opened.
fn find_files(source: &Source, spec: &FilesSource) -> Result<()> {
    for input in &spec.inputs {
        let found = files::find(&spec.root, input)?;
        let mut bytes = 0;
        for file in &found {
            let unreadable = |error: &std::io::Error| {
                Error::new(Class::Unavailable, format!("{} cannot be read", file.path.display())).caused_by(error)
            };
            let mut open = File::open(&file.path).map_err(|e| unreadable(&e))?;
            open.read(&mut [0]).map_err(|e| unreadable(&e))?;
            bytes += open.metadata().map_err(|e| unreadable(&e))?.len();
        }
        let what = if found.len() == 1 { "1 file".to_owned() } else { format!("{} files", found.len()) };
        output::line(format!("  source {}: input {} finds {what}, {bytes} bytes", source.name, input.name))?;
    }
    Ok(())
}
