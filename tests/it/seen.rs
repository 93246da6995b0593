//! What a job made of an entity: a mart of the job's own shows it, and it is compared cell by cell.

use crate::dsl::World;
use std::path::Path;
use tailwater::model::Model;
use tailwater::model::contract::ColumnType;

/// A mart `seen_<entity>` with these columns of the entity, and those of its grain.
pub fn mart(entity: &Model, columns: &[String]) -> String {
    let mut wanted: Vec<&String> = columns.iter().collect();
    wanted.extend(entity.contract.grain.iter().filter(|column| !columns.contains(*column)));
    let grain: Vec<String> = entity.contract.grain.iter().map(|column| format!("\"{column}\"")).collect();
    let mut header = format!(
        "/*---\ntitle = \"{} as seen\"\nowner = \"data\"\ngrain = [{}, \"as_of_date\"]\npartition_by = [\"as_of_date\"]\n\n[columns]\n\
         as_of_date = {{ type = \"date\", doc = \"The run's date\" }}\n",
        entity.name,
        grain.join(", ")
    );
    let mut select = String::from("select\n    cast($as_of as date) as as_of_date");
    for column in wanted {
        let ty = kind(entity, column);
        header.push_str(&format!("{column} = {{ type = \"{ty}\", doc = \"As in the entity\" }}\n"));
        select.push_str(&format!(",\n    {column}"));
    }
    format!("{header}---*/\n{select}\nfrom {}\n", entity.name)
}

fn kind(entity: &Model, column: &str) -> ColumnType {
    let found = entity.contract.columns.iter().find(|known| known.name == column);
    found.unwrap_or_else(|| panic!("{} has no column {column}", entity.name)).ty
}

/// The header of a CSV file whose comments begin with `#`.
pub fn header(path: &Path) -> Vec<String> {
    read(path).0
}

fn read(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

/// Compares `seen_<entity>` with a CSV file, whatever the rows' order.
///
/// # Errors
/// Rows that are missing, and rows that are too many, one a line.
pub fn compare(world: &World, entity: &Model, path: &Path) -> Result<(), String> {
    let (header, rows) = read(path);
    let types: Vec<ColumnType> = header.iter().map(|column| kind(entity, column)).collect();
    let typed = |row: &Vec<String>| row.iter().zip(&types).map(|(cell, ty)| normal(cell, *ty)).collect();
    let mut expected: Vec<Vec<String>> = rows.iter().map(typed).collect();
    let table = format!("seen_{}", entity.name);
    let mut found: Vec<Vec<String>> = rows_of(world, &table, &header).iter().map(typed).collect();
    expected.sort();
    found.sort();
    let missing: Vec<_> = surplus(&expected, &found);
    let extra: Vec<_> = surplus(&found, &expected);
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let line = |mark: &str, row: &Vec<String>| format!("  {mark} {}\n", row.join(" | "));
    Err(format!(
        "  {} of {} rows expected, columns {}\n{}{}",
        expected.len() - missing.len(),
        expected.len(),
        header.join(" | "),
        missing.iter().map(|row| line("missing", row)).collect::<String>(),
        extra.iter().map(|row| line("extra  ", row)).collect::<String>()
    ))
}

/// Rows of `these` that `those` lack, each as often as it is lacking; both are sorted.
fn surplus(these: &[Vec<String>], those: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut rest = those.to_vec();
    let lacking = |row: &&Vec<String>| match rest.iter().position(|other| other == *row) {
        Some(at) => {
            rest.swap_remove(at);
            false
        }
        None => true,
    };
    these.iter().filter(lacking).cloned().collect()
}

/// The newest partition of a table as text; an empty cell is null.
pub fn rows_of(world: &World, table: &str, columns: &[String]) -> Vec<Vec<String>> {
    let query = format!("select {} from latest.{table}", columns.join(", "));
    let answer = world.tailwater(&["sql", "job.toml", &query, "--format", "csv"]).run();
    let mut reader = csv::Reader::from_reader(answer.stdout.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// A cell in the one spelling of its type.
fn normal(cell: &str, ty: ColumnType) -> String {
    match ty {
        _ if cell.is_empty() => String::new(),
        ColumnType::Decimal { .. } | ColumnType::Float => {
            let plain = if cell.contains('.') { cell.trim_end_matches('0').trim_end_matches('.') } else { cell };
            if plain == "-0" { "0".to_owned() } else { plain.to_owned() }
        }
        ColumnType::Timestamp => chrono::DateTime::parse_from_rfc3339(&cell.replace(' ', "T"))
            .map_or_else(|e| format!("{cell}: {e}"), |at| at.to_utc().to_rfc3339()),
        _ => cell.to_owned(),
    }
}
