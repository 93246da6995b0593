//! Every built-in system, end to end: a server answers what `systems/<name>/routes.toml` says, a job reads it, and each
//! entity is compared with `systems/<name>/<entity>.csv`, value by value.
//!
//! `TAILWATER_SYSTEM=stripe` runs one.

use crate::dsl::World;
use crate::seen;
use crate::server::Server;
use crate::server::routes::Routes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use tailwater::model::Models;

/// Later than anything the fixtures tell of.
const NOW: &str = "2026-12-15T06:00:00Z";
const AS_OF: &str = "2026-12-14";

/// What stands in fixtures for the server's own address.
const SELF: &str = "http://server.test";

#[test]
fn every_system_comes_out_as_written() {
    let wanted = std::env::var("TAILWATER_SYSTEM").unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/systems");
    let models = Models::load(None).unwrap();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut failures = Vec::new();
    for folder in folders.iter().filter(|folder| folder.join("routes.toml").exists()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if wanted.is_empty() || wanted == name {
            failures.extend(system(&models, &name, folder).err());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Serves one folder, runs the job, compares; what differs is the error.
fn system(models: &Models, name: &str, folder: &Path) -> Result<(), String> {
    let routes = Arc::new(Routes::read(folder));
    let (answering, address) = (Arc::clone(&routes), Arc::new(OnceLock::<String>::new()));
    let own = Arc::clone(&address);
    let server = Server::start(move |request| answering.answer(request, own.get().map_or(SELF, String::as_str)));
    address.set(server.url()).unwrap();

    let world = World::new();
    copy(&folder.join("bucket"), &world, "bucket");
    let source = std::fs::read_to_string(folder.join("job.toml")).unwrap();
    world.file("job.toml", job(&source, &server.url()));
    let tables = entities(folder);
    let mut marts = Vec::new();
    for (entity, path) in &tables {
        let model = models.entity(entity).ok_or_else(|| format!("== {name}: there is no entity {entity}"))?;
        world.file(&format!("models/marts/seen_{entity}.sql"), seen::mart(model, &seen::header(path)));
        marts.push(format!("seen_{entity}"));
    }
    let mut environment = secrets(&source);
    environment.push(("TAILWATER_NOW".to_owned(), NOW.to_owned()));
    let run = ["run", "job.toml", "--as-of", AS_OF, "--select", &marts.join(",")];
    let answer = world.tailwater(&run).envs(&environment).any_status().run();
    let lost = routes.lost.lock().unwrap().join("\n  ");
    if answer.status != Some(0) {
        return Err(format!(
            "== {name}\nexit code {:?}\n{}\nrequests without a route:\n  {lost}",
            answer.status, answer.stderr
        ));
    }
    let mut differences = String::new();
    for (entity, path) in &tables {
        let Some(model) = models.entity(entity) else { continue };
        if let Err(difference) = seen::compare(&world, model, path) {
            differences.push_str(&format!("-- {name}: {entity}\n{difference}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(format!("{differences}requests without a route:\n  {lost}")) }
}

/// The job around a source's own tables, pointed at the server.
fn job(source: &str, address: &str) -> String {
    let mut lines = Vec::new();
    let says_where = source.contains(SELF) || source.lines().any(|line| line.starts_with("folder ="));
    for line in source.lines() {
        lines.push(line.replace(SELF, address));
        if line.starts_with("system =") && !says_where {
            lines.push(format!("base_url = \"{address}\""));
        }
    }
    format!(
        "name = \"system\"\nschedule = \"0 5 * * *\"\ntimezone = \"Etc/UTC\"\nwarehouse = \"warehouse\"\nsql = \"models\"\n\n\
         [company]\ncurrency = \"USD\"\n\n{}\n",
        lines.join("\n")
    )
}

/// A value for every secret that the job takes from the environment.
fn secrets(source: &str) -> Vec<(String, String)> {
    let names = source.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next());
    names.map(|name| (name.to_owned(), format!("secret-of-{}", name.to_lowercase()))).collect()
}

/// `<entity>.csv` of a folder, by entity; other CSV files are what the server answers with.
fn entities(folder: &Path) -> BTreeMap<String, PathBuf> {
    let routes = std::fs::read_to_string(folder.join("routes.toml")).unwrap();
    let is_answer = |path: &PathBuf| routes.contains(&*path.file_name().unwrap().to_string_lossy());
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|end| end == "csv") && !is_answer(path))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect()
}

/// Copies a folder of files, where there is one.
fn copy(from: &Path, world: &World, to: &str) {
    for path in crate::dsl::files_under(from) {
        let below = path.strip_prefix(from).unwrap().to_string_lossy().into_owned();
        world.file(&format!("{to}/{below}"), std::fs::read(&path).unwrap());
    }
}
