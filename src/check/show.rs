//! Rows as text, for people.

use crate::check::SAMPLE_ROWS;
use crate::error::{Error, Result};
use crate::finding::Finding;
use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Rows of a result as (column, value) pairs, the first [`SAMPLE_ROWS`] of them.
///
/// # Errors
/// A bug only: every type of ours can be shown.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<(String, String)>>> {
    let options = FormatOptions::default().with_null("null");
    let mut shown = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(|e| Error::bug("a column cannot be shown").caused_by(e))?;
        for row in 0..batch.num_rows().min(SAMPLE_ROWS - shown.len()) {
            let cells = schema.fields().iter().zip(&formatters).zip(batch.columns());
            shown.push(
                cells
                    .map(|((field, formatter), column)| {
                        let value =
                            if column.is_null(row) { "null".to_owned() } else { formatter.value(row).to_string() };
                        (field.name().clone(), value)
                    })
                    .collect(),
            );
        }
        if shown.len() == SAMPLE_ROWS {
            break;
        }
    }
    Ok(shown)
}

/// A finding's failing rows as a table, with a line that says how many are not shown.
pub fn sample(finding: &Finding) -> String {
    let Some(first) = finding.sample.first() else { return String::new() };
    let header: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let rows: Vec<Vec<&str>> =
        finding.sample.iter().map(|row| row.iter().map(|(_, value)| value.as_str()).collect()).collect();
    let mut text = text_table(&header, &rows);
    let hidden = finding.rows.saturating_sub(finding.sample.len() as u64);
    if hidden > 0 {
        text.push_str(&format!("… and {hidden} more\n"));
    }
    text
}

/// A table in plain text: columns as wide as their content, numbers to the right.
pub fn text_table(header: &[&str], rows: &[Vec<&str>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([header[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let numeric = |cell: &str| cell.parse::<f64>().is_ok() || cell == "null" || cell.is_empty();
    let right: Vec<bool> = (0..header.len())
        .map(|at| !rows.is_empty() && rows.iter().all(|row| row.get(at).is_none_or(|cell| numeric(cell))))
        .collect();
    let line = |cells: &[&str]| {
        let mut text = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let (width, right) = (widths.get(at).copied().unwrap_or(0), right.get(at) == Some(&true));
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            text.push_str(if at == 0 { "" } else { "  " });
            text.push_str(&if right { format!("{pad}{cell}") } else { format!("{cell}{pad}") });
        }
        format!("{}\n", text.trim_end())
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = line(header);
    text.push_str(&line(&rule.iter().map(String::as_str).collect::<Vec<_>>()));
    for row in rows {
        text.push_str(&line(row));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_text_left() {
        let text = text_table(&["account_id", "amount"], &[vec!["a-1", "10.00"], vec!["a-20", "null"]]);
        assert_eq!(text, "account_id  amount\n----------  ------\na-1          10.00\na-20          null\n");
    }
}
