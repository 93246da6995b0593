//! The worked examples: `tests/examples/<table>/<case>/` holds inputs that fit on a page, and the rows that must come out.
//!
//! Each case runs the real library: its files are landed through the `files` source (`<entity>@<source>.csv` through one of
//! that name), its table and all upstream are computed, and the rows are compared, whatever their order. `TAILWATER_EXAMPLE=table/case` runs one.

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tailwater::check::text_table;
use tailwater::event::Reporter;
use tailwater::job::{
    CsvFormat, FileInput, FilesSource, Format, Job, LandingConfig, Source, SourceKind, Target, ValueFormat,
};
use tailwater::model::Models;
use tailwater::model::contract::Contract;
use tailwater::model::engine::EngineConfig;
use tailwater::model::policy::{Policy, Value};
use tailwater::store::Store;
use tailwater::transform::write::TableWriter;
use tailwater::transform::{PartitionFile, Places, Public, Transform};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    as_of: NaiveDate,
    #[serde(default = "dollars")]
    currency: String,
    #[serde(default)]
    policy: BTreeMap<String, toml::Value>,
    ignore_rows_where: Option<String>,
}

fn dollars() -> String {
    "USD".to_owned()
}

#[test]
fn every_worked_example_comes_out_as_written() {
    let models = Arc::new(Models::load(None).unwrap());
    let cases = cases();
    assert!(!cases.is_empty(), "no worked example was found");
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(1)
                    .thread_stack_size(16 << 20)
                    .enable_all()
                    .build()
                    .unwrap();
                while let Some((table, folder)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (models, table, folder) = (Arc::clone(&models), table.clone(), folder.clone());
                    let name = format!("{table}/{}", folder.file_name().unwrap().to_string_lossy());
                    let ran = runtime.block_on(async move {
                        tokio::spawn(async move { run(&models, &table, &folder).await }).await
                    });
                    match ran {
                        Ok(Ok(())) => {}
                        Ok(Err(why)) => failures.lock().unwrap().push(format!("== {name}\n{why}")),
                        Err(panicked) => failures.lock().unwrap().push(format!("== {name}\n{panicked}")),
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{} of {} examples fail\n\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// (table, folder) of every case, or of those that the environment asks for.
fn cases() -> Vec<(String, PathBuf)> {
    let wanted = std::env::var("TAILWATER_EXAMPLE").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/examples");
    let mut found = Vec::new();
    for table in folders(&root) {
        for case in folders(&table) {
            let name = table.file_name().unwrap().to_string_lossy().into_owned();
            let full = format!("{name}/{}", case.file_name().unwrap().to_string_lossy());
            if case.join("case.toml").exists() && (full == wanted || full.starts_with(&wanted)) {
                found.push((name, case));
            }
        }
    }
    found
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

async fn run(models: &Arc<Models>, table: &str, folder: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(folder.join("case.toml")).map_err(|e| e.to_string())?;
    let case: Case = toml::from_str(&text).map_err(|e| format!("case.toml: {e}"))?;
    let scratch = tempfile::tempdir().unwrap();
    let job = Arc::new(job(models, &case, folder, scratch.path())?);
    let store = Store::open(&job.warehouse).map_err(|e| e.to_string())?;
    // The files arrive on the morning after: nothing is backdated.
    let now = case.as_of.succ_opt().unwrap().and_hms_opt(5, 0, 0).unwrap().and_utc();
    let catalog =
        tailwater::land::land(&store, &job, now, case.as_of, &Reporter::silent()).map_err(|e| e.to_string())?;
    for view in catalog.view(case.as_of).map_err(|e| e.to_string())? {
        if view.quarantined > 0 {
            let findings =
                tailwater::land::quarantine_findings(&catalog, case.as_of, &job.policy).map_err(|e| e.to_string())?;
            let told: Vec<String> =
                findings.iter().flat_map(|finding| &finding.sample).map(|row| format!("{row:?}")).collect();
            return Err(format!("{}.csv has rows that cannot be read\n{}", view.stream, told.join("\n")));
        }
    }
    let public = Public { earlier: earlier(models, folder, &scratch.path().join("published"))?, ..Public::default() };
    let places = Places { staging: scratch.path().join("staging"), scratch: scratch.path().join("scratch") };
    std::fs::create_dir_all(&places.scratch).unwrap();
    let wanted = models.closure(&[table.to_owned()]);
    if wanted.is_empty() {
        return Err(format!("there is no table {table}"));
    }
    let transform = Arc::new(Transform::new(&job, case.as_of, catalog, public, places, &Reporter::silent()));
    let results = transform.run(&wanted).await.map_err(|e| e.to_string())?;
    let model = models.get(table).ok_or("no such table")?;
    let rows = results.tables.get(table).and_then(|result| result.rows.as_ref());
    let findings = tailwater::check::contract(&results.session, model, rows, transform.params()).await;
    tailwater::check::gate(&findings.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    let (header, expected) = csv_rows(&folder.join("expected.csv"))?;
    let columns: Vec<String> = header.iter().map(|column| format!("\"{column}\"")).collect();
    let ignored =
        case.ignore_rows_where.map_or_else(String::new, |rows| format!(" where not coalesce(({rows}), false)"));
    let query = format!("select {} from {table}{ignored}", columns.join(", "));
    let frame = results.session.sql(&query).await.map_err(|e| e.strip_backtrace())?;
    let types: Vec<DataType> = frame.schema().fields().iter().map(|field| field.data_type().clone()).collect();
    let found = cells(&frame.collect().await.map_err(|e| e.strip_backtrace())?, &types);
    compare(&header, normalised(expected, &types), found)
}

fn job(models: &Arc<Models>, case: &Case, folder: &Path, scratch: &Path) -> Result<Job, String> {
    let mut inputs: BTreeMap<String, Vec<FileInput>> = BTreeMap::new();
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in
        names.iter().filter(|path| path.extension().is_some_and(|end| end == "csv") && !path.ends_with("expected.csv"))
    {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (entity, source) = stem.split_once('@').unwrap_or((stem.as_str(), "example"));
        let entity = entity.to_owned();
        if models.entity(&entity).is_none() {
            return Err(format!("{entity}.csv: there is no entity {entity}"));
        }
        inputs.entry(source.to_owned()).or_default().push(FileInput {
            name: entity.clone(),
            pattern: PathBuf::from(path.file_name().unwrap()),
            format: Format::Csv(CsvFormat { comment: Some(b'#'), ..CsvFormat::default() }),
            target: Target::Entity { entity, mapping: Vec::new() },
            key: Vec::new(),
            defaults: ValueFormat::default(),
            nulls: Vec::new(),
        });
    }
    let spec = models.policy();
    let mut overrides = BTreeMap::new();
    for (name, value) in &case.policy {
        let entry = spec.entries.get(name).ok_or_else(|| format!("case.toml: there is no policy {name}"))?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let value =
            Value::parse(&text, entry.ty).ok_or_else(|| format!("case.toml: {name} = {text} is no {}", entry.ty))?;
        overrides.insert(name.clone(), value);
    }
    let source = |(name, inputs)| {
        let files = FilesSource { root: folder.to_owned(), inputs, entities: Vec::new() };
        Source { name, kind: SourceKind::Files(files) }
    };
    let sources = inputs.into_iter().map(source).collect();
    Ok(Job {
        name: "example".to_owned(),
        file: folder.join("case.toml"),
        hash: String::new(),
        schedule: tailwater::calendar::Schedule::parse("@daily")?,
        timezone: chrono_tz::Tz::UTC,
        warehouse: scratch.join("warehouse"),
        currency: case.currency.clone(),
        sources,
        policy: Policy::new(spec, overrides),
        models: Arc::clone(models),
        engine: EngineConfig { partitions: 1, ..EngineConfig::default() },
        landing: LandingConfig::default(),
        warnings: Vec::new(),
    })
}

/// `published/<table>.csv`: what earlier runs published, as files.
fn earlier(models: &Models, folder: &Path, root: &Path) -> Result<BTreeMap<String, Vec<PartitionFile>>, String> {
    let mut earlier = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(folder.join("published")) else { return Ok(earlier) };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let table = path.file_stem().unwrap().to_string_lossy().into_owned();
        let model = models.get(&table).ok_or_else(|| format!("published/{table}.csv: there is no table {table}"))?;
        let (header, mut rows) = csv_rows(&path)?;
        let date =
            header.iter().position(|column| column == "as_of_date").ok_or("published rows need an as_of_date")?;
        rows.sort_by(|a, b| a[date].cmp(&b[date]));
        let mut writer = TableWriter::new(&model.contract, "", NaiveDate::MIN, root).map_err(|e| e.to_string())?;
        writer.write(&batch(&model.contract, &header, &rows)?).map_err(|e| e.to_string())?;
        let file = |file: tailwater::transform::StagedFile| PartitionFile {
            path: file.path,
            rows: file.rows,
            values: tailwater::store::keys::partition_values(&file.key).into_iter().map(|(_, value)| value).collect(),
        };
        earlier.insert(table, writer.finish(&[]).map_err(|e| e.to_string())?.into_iter().map(file).collect());
    }
    Ok(earlier)
}

fn batch(contract: &Contract, header: &[String], rows: &[Vec<String>]) -> Result<RecordBatch, String> {
    let mut columns: Vec<ArrayRef> = Vec::new();
    for column in &contract.columns {
        let at = header.iter().position(|name| *name == column.name);
        let text: StringArray =
            rows.iter().map(|row| at.map(|at| row[at].as_str()).filter(|cell| !cell.is_empty())).collect();
        columns.push(arrow::compute::cast(&text, &column.ty.arrow()).map_err(|e| format!("{}: {e}", column.name))?);
    }
    RecordBatch::try_new(contract.schema(), columns).map_err(|e| e.to_string())
}

fn csv_rows(path: &Path) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|e| e.to_string())?;
    let header = reader.headers().map_err(|e| e.to_string())?.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| record.map(|record| record.iter().map(str::to_owned).collect()));
    Ok((header, rows.collect::<Result<_, _>>().map_err(|e| format!("{}: {e}", path.display()))?))
}

fn cells(batches: &[RecordBatch], types: &[DataType]) -> Vec<Vec<String>> {
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in batches {
        let formatters: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cell = |at: usize| {
                if batch.column(at).is_null(row) { String::new() } else { formatters[at].value(row).to_string() }
            };
            rows.push((0..types.len()).map(cell).collect());
        }
    }
    normalised(rows, types)
}

/// The same value always as the same text: decimals without trailing zeros, instants in one spelling.
fn normalised(mut rows: Vec<Vec<String>>, types: &[DataType]) -> Vec<Vec<String>> {
    for row in &mut rows {
        for (cell, ty) in row.iter_mut().zip(types).filter(|(cell, _)| !cell.is_empty()) {
            if matches!(ty, DataType::Decimal128(..)) && cell.contains('.') {
                *cell = cell.trim_end_matches('0').trim_end_matches('.').to_owned();
            } else if matches!(ty, DataType::Timestamp(..)) {
                let plain = cell.trim_end_matches('Z').replace(' ', "T");
                *cell = if plain.len() == 16 { format!("{plain}:00") } else { plain };
            } else if ty.is_floating() {
                *cell = format!("{:.9e}", cell.parse::<f64>().unwrap_or(f64::NAN));
            }
        }
    }
    rows
}

fn compare(header: &[String], mut expected: Vec<Vec<String>>, mut found: Vec<Vec<String>>) -> Result<(), String> {
    expected.retain(|row| match found.iter().position(|other| other == row) {
        Some(at) => {
            found.remove(at);
            false
        }
        None => true,
    });
    if expected.is_empty() && found.is_empty() {
        return Ok(());
    }
    // Neighbours in both lists then are the rows that differ in little.
    expected.sort();
    found.sort();
    let header: Vec<&str> = std::iter::once("").chain(header.iter().map(String::as_str)).collect();
    let marked = |mark: &'static str, rows: &[Vec<String>]| -> Vec<Vec<String>> {
        rows.iter().map(|row| std::iter::once(mark.to_owned()).chain(row.iter().cloned()).collect()).collect()
    };
    let all: Vec<Vec<String>> = [marked("expected", &expected), marked("found", &found)].concat();
    let lines: Vec<Vec<&str>> = all.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
    Err(text_table(&header, &lines))
}
