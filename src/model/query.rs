//! What a query reads and which parameters it mentions, from the SQL itself.

use super::contract::ColumnType;
use super::document::Report;
use super::params::{BUILT_IN, mentions};
use super::policy::PolicySpec;
use super::text::{code_only, find_word};
use super::{Input, Layer};
use datafusion::common::TableReference;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use std::collections::BTreeSet;
use std::ops::Range;

/// The tables `sql` reads; reports what does not parse, is no single `select`, or names a schema that is none.
pub fn inputs(report: &Report, sql: &str) -> BTreeSet<Input> {
    let code = code_only(sql);
    let body = {
        let start = code.len() - code.trim_start().len();
        start..code.trim_end().len().max(start)
    };
    let statements = match DFParser::parse_sql(sql) {
        Ok(statements) => statements,
        Err(error) => {
            let message = error.strip_backtrace();
            let span = parse_error_span(sql, &message).unwrap_or_else(|| first_line(sql, &body));
            report.error(&span, format!("not valid SQL: {}", without_position(&message)));
            return BTreeSet::new();
        }
    };
    let [statement] = &Vec::from(statements)[..] else {
        report.error(&first_line(sql, &body), "a model is exactly one select");
        return BTreeSet::new();
    };
    let is_query =
        matches!(statement, Statement::Statement(inner) if matches!(inner.as_ref(), ast::Statement::Query(_)));
    if !is_query {
        report.error(&first_line(sql, &body), "a model is a select, nothing else");
        return BTreeSet::new();
    }
    match resolve_table_references(statement, true) {
        Ok((tables, _)) => tables.iter().filter_map(|table| input(report, &code, table)).collect(),
        Err(error) => {
            report.error(&first_line(sql, &body), format!("not valid SQL: {}", error.strip_backtrace()));
            BTreeSet::new()
        }
    }
}

fn input(report: &Report, code: &str, table: &TableReference) -> Option<Input> {
    let name = table.table().to_owned();
    let span = || find_word(code, &table.to_string()).or_else(|| find_word(code, &name)).unwrap_or_default();
    if table.catalog().is_some() {
        report.error(&span(), format!("`{table}` has three parts; a table is `name` or `schema.name`"));
        return None;
    }
    Some(match table.schema() {
        None => Input::Model(name),
        Some("provided") => Input::Provided(name),
        Some("published") => Input::Published(name),
        Some("landed") => Input::Landed(name),
        Some("run") => Input::Run(name),
        Some(other) => {
            report.unknown(&span(), "schema", other, super::engine::SCHEMAS);
            return None;
        }
    })
}

/// Where `input` stands in a query.
pub fn span_of(sql: &str, input: &Input) -> Range<usize> {
    let code = code_only(sql);
    let table = input.table();
    find_word(&code, &input.to_string())
        .or_else(|| ["from", "join"].iter().find_map(|word| find_after(&code, word, table)))
        .or_else(|| find_word(&code, table))
        .unwrap_or_default()
}

/// `table` right behind `word`, so that a CTE or a column of the same name is not mistaken for it.
fn find_after(code: &str, word: &str, table: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = find_word(&code[from..], word) {
        let behind = from + found.end;
        let start = behind + code[behind..].len() - code[behind..].trim_start().len();
        if find_word(&code[start..], table).is_some_and(|range| range.start == 0) {
            return Some(start..start + table.len());
        }
        from = behind;
    }
    None
}

/// The parameters `sql` mentions; reports unknown ones, and every `$name` that is not written `cast($name as type)`
/// with the type that policy or the built-in parameter has.
pub fn parameters(report: &Report, sql: &str, layer: Layer, policy: &PolicySpec) -> BTreeSet<String> {
    let code = code_only(sql);
    let mut names = BTreeSet::new();
    for mention in mentions(sql) {
        let name = mention.name;
        let span = mention.start..mention.start + 1 + name.len();
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, ty)| *ty);
        let Some(ty) = built_in.or_else(|| policy.entries.get(name).map(|entry| entry.ty)) else {
            let known = BUILT_IN.iter().map(|(known, _)| *known).chain(policy.entries.keys().map(String::as_str));
            report.unknown(&span, "parameter", name, known);
            continue;
        };
        if name.starts_with("span_") && layer != Layer::Rollup {
            report.error(&span, format!("`${name}` is for models in sql/rollups/"));
        }
        let wanted = format!("cast(${name} as {})", sql_type(ty));
        match written_type(&code, &span) {
            Some(written) if same_type(&code[written.clone()], ty) => {}
            Some(written) => {
                let told = format!("`${name}` is {}, not {}", sql_type(ty), code[written.clone()].trim());
                report.error_with_help(&written, told, format!("write {wanted}"));
            }
            None => report.error_with_help(&span, format!("`${name}` has no type here"), format!("write {wanted}")),
        }
        names.insert(name.to_owned());
    }
    names
}

/// How a column type is spelled in a query.
pub fn sql_type(ty: ColumnType) -> String {
    match ty {
        ColumnType::Text => "varchar".to_owned(),
        ColumnType::Integer => "bigint".to_owned(),
        ColumnType::Float => "double".to_owned(),
        other => other.to_string(),
    }
}

fn same_type(written: &str, ty: ColumnType) -> bool {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>().to_ascii_lowercase();
    squeeze(written) == squeeze(&sql_type(ty))
}

/// The bytes of `type` in `cast($name as type)` around the parameter at `span`.
fn written_type(code: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let before = code[..span.start].trim_end().strip_suffix('(')?.trim_end();
    if !before.to_ascii_lowercase().ends_with("cast") {
        return None;
    }
    let rest = &code[span.end..];
    let behind_as = rest.trim_start().get(..3).filter(|word| word.trim_end().eq_ignore_ascii_case("as"))?.len();
    let start = span.end + (rest.len() - rest.trim_start().len()) + behind_as;
    let mut depth = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => {
                let blank = code[start..].len() - code[start..].trim_start().len();
                return Some(start + blank..start + code[start..start + at].trim_end().len());
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The first line of code in `body`.
fn first_line(sql: &str, body: &Range<usize>) -> Range<usize> {
    body.start..sql[body.start..].find('\n').map_or(body.end, |at| body.start + at)
}

/// sqlparser says `… at Line: 3, Column: 5`.
fn parse_error_span(sql: &str, message: &str) -> Option<Range<usize>> {
    let (_, position) = message.rsplit_once("at Line: ")?;
    let (line, column) = position.split_once(", Column: ")?;
    let column = column.split(|c: char| !c.is_ascii_digit()).next()?;
    byte_span(sql, line.trim().parse().ok()?, column.parse().ok()?)
}

fn without_position(message: &str) -> &str {
    let message = message.rsplit_once(" at Line: ").map_or(message, |(message, _)| message);
    let message = message.strip_prefix("SQL error: ").unwrap_or(message);
    message.strip_prefix("ParserError(\"").unwrap_or(message).trim_end_matches("\")")
}

/// The word at a 1-based line and column.
pub fn byte_span(sql: &str, line: usize, column: usize) -> Option<Range<usize>> {
    let line_start: usize = sql.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let rest = sql.get(line_start..)?;
    let start = line_start + rest.char_indices().nth(column.checked_sub(1)?).map_or(rest.len(), |(at, _)| at);
    let word = sql[start..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(sql.len() - start);
    Some(start..start + word.max(1))
}
