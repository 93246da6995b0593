//! The house: data flows one way, so a module imports only from those above it.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in order.
const ORDER: [&str; 20] = [
    "error",
    "calendar",
    "finding",
    "event",
    "store",
    "model",
    "job",
    "sample",
    "extract",
    "land",
    "transform",
    "check",
    "publish",
    "observe",
    "deploy",
    "dates",
    "run",
    "backtest",
    "cli",
    "main",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of this crate that a source file mentions as `crate::name` or `tailwater::name`.
fn mentioned(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for prefix in ["crate::", "tailwater::"] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            match rest.strip_prefix('{') {
                Some(list) => names.extend(list.split('}').next().unwrap_or_default().split(',').map(first_word)),
                None => names.push(first_word(rest)),
            }
        }
    }
    names
}

fn first_word(text: &str) -> &str {
    let text = text.trim_start();
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[test]
fn modules_import_only_from_those_above_them() {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let own = relative.components().next().unwrap().as_os_str().to_string_lossy();
        let own = own.trim_end_matches(".rs");
        if own == "tests" || own == "lib" {
            continue;
        }
        let Some(own_rank) = rank(own) else {
            wrong.push(format!("{} is in no place of the order", relative.display()));
            continue;
        };
        for name in mentioned(&fs::read_to_string(&file).unwrap()) {
            if rank(name).is_some_and(|other| other > own_rank) {
                wrong.push(format!("{} imports from {name}", relative.display()));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_read() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Compares texts that users see with the file that holds the agreed ones; with `TAILWATER_BLESS` set, writes the file
/// instead, for a person to read before it is committed.
pub(crate) fn golden(file: &str, groups: &[(&str, Vec<String>)]) {
    let mut text = String::new();
    for (name, cases) in groups {
        text.push_str(&format!("== {name}\n{}\n\n", cases.join("\n--\n")));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("TAILWATER_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let agreed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(agreed, text, "{file} differs; look at it after a run with TAILWATER_BLESS=1");
}
