//! Finds the place in a SQL file that a planning error is about.

use super::Model;
use super::query::byte_span;
use super::text::{code_only, find_word};
use crate::error::{Error, Place};
use datafusion::error::DataFusionError;
use std::ops::Range;

/// A planning error of DataFusion as an error in the model's file: at the engine's own span where it gives one, else at
/// the first name of the message that stands in the query, else at its first line.
pub fn planning_error(model: &Model, error: &DataFusionError) -> Error {
    let (message, way_out) = told(error);
    let span = diagnosed(model, error).or_else(|| named(model, &message)).or_else(|| first_line(model));
    let place = Place::in_text(&model.file, &model.text, span.unwrap_or_default());
    let error = Error::usage(message).at(place);
    match way_out {
        Some(way_out) => error.help(way_out),
        None => error,
    }
}

/// The message without the engine's own prefixes and without its suggestion.
pub fn plain(error: &DataFusionError) -> String {
    told(error).0
}

/// The message, and the suggestion the engine makes.
fn told(error: &DataFusionError) -> (String, Option<String>) {
    let mut message = error.find_root().strip_backtrace();
    for prefix in ["Error during planning: ", "Schema error: ", "Arrow error: ", "This feature is not implemented: "] {
        if let Some(rest) = message.strip_prefix(prefix) {
            message = rest.to_owned();
        }
    }
    let (message, suggestion) = match message.split_once("Did you mean ") {
        Some((message, near)) => (message, near.split(['?', '\n']).next().map(|near| near.trim().replace('\'', "`"))),
        None => (message.as_str(), None),
    };
    let first = message.trim().lines().next().unwrap_or_default().trim_end_matches('.');
    let message = first.replace("datafusion.public.", "").replace("datafusion.", "");
    let mut chars = message.chars();
    let message = chars.next().map_or_else(String::new, |c| c.to_lowercase().collect::<String>() + chars.as_str());
    (message, suggestion.map(|near| format!("did you mean {near}?")))
}

/// The place of the first use of a function or name in the query; the first line where it is not spelled out.
pub fn place_of_word(model: &Model, word: &str) -> Place {
    let span = find_word(&code_only(&model.sql), word).or_else(|| first_line(model));
    Place::in_text(&model.file, &model.text, span.unwrap_or_default())
}

/// The place of an output column: its last mention, which is in the final select.
pub fn place_of_output(model: &Model, column: &str) -> Place {
    let code = code_only(&model.sql);
    let mut last = None;
    let mut from = 0;
    while let Some(found) = find_word(&code[from..], column) {
        last = Some(from + found.start..from + found.end);
        from += found.end;
    }
    Place::in_text(&model.file, &model.text, last.or_else(|| first_line(model)).unwrap_or_default())
}

/// The place of a column in the header.
pub fn place_in_header(model: &Model, column: &str) -> Place {
    let at_line_start = model.text.match_indices(column).find(|(at, _)| {
        let rest = &model.text[at + column.len()..];
        model.text[..*at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty())
            && rest.trim_start().starts_with('=')
    });
    let span = at_line_start.map(|(at, _)| at..at + column.len()).or_else(|| find_word(&model.text, column));
    Place::in_text(&model.file, &model.text, span.unwrap_or_default())
}

fn diagnosed(model: &Model, error: &DataFusionError) -> Option<Range<usize>> {
    let span = error.diagnostic()?.span?;
    let line = usize::try_from(span.start.line).ok()?;
    let column = usize::try_from(span.start.column).ok()?;
    let start = byte_span(&model.sql, line, column)?;
    let end_line = usize::try_from(span.end.line).ok()?;
    let end_column = usize::try_from(span.end.column).ok()?;
    let end = byte_span(&model.sql, end_line, end_column).map_or(start.end, |end| end.start);
    Some(start.start..end.max(start.end))
}

/// The first name of a message that the query mentions: names stand in quotes, or have an underscore in them.
fn named(model: &Model, message: &str) -> Option<Range<usize>> {
    let code = code_only(&model.sql);
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_').to_owned();
    let quoted = message.split(['\'', '`', '"']).skip(1).step_by(2).map(trimmed);
    let spelled = message.split_whitespace().map(trimmed).filter(|word| word.contains('_'));
    quoted
        .chain(spelled)
        .filter(|name| !name.is_empty())
        .find_map(|name| find_word(&code, &name).or_else(|| find_word(&code, name.rsplit('.').next()?)))
}

fn first_line(model: &Model) -> Option<Range<usize>> {
    let start = model.sql.len() - model.sql.trim_start().len();
    let line = model.sql[start..].lines().next()?.len();
    Some(start..start + line)
}
