//! Reading SQL text without parsing it: what is code, where a name stands; names and patterns that people write.

use chrono::format::{Item as DateItem, StrftimeItems};

/// `sql` with the content of quotes and comments blanked by spaces, byte for byte as long as the original; double
/// quotes, which hold names, stay.
pub fn code_only(sql: &str) -> String {
    let mut out: Vec<u8> = sql.as_bytes().to_vec();
    let mut at = 0;
    while let Some(rest) = sql.get(at..) {
        let end = match rest.as_bytes() {
            [] => break,
            [b'-', b'-', ..] => rest.find('\n').unwrap_or(rest.len()),
            [b'/', b'*', ..] => rest.find("*/").map_or(rest.len(), |close| close + 2),
            [b'\'', ..] => quoted_length(rest),
            _ => {
                at += rest.chars().next().map_or(1, char::len_utf8);
                continue;
            }
        };
        for byte in &mut out[at..at + end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += end;
    }
    String::from_utf8(out).unwrap_or_else(|_| sql.to_owned())
}

/// Bytes of the quoted text that `rest` starts with; a doubled quote is part of it.
fn quoted_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            if bytes.get(at + 1) != Some(&b'\'') {
                return at + 1;
            }
            at += 1;
        }
        at += 1;
    }
    bytes.len()
}

/// The byte range of the first occurrence of `word` in `code` as a whole word, ignoring case.
pub fn find_word(code: &str, word: &str) -> Option<std::ops::Range<usize>> {
    if word.is_empty() {
        return None;
    }
    let lower = code.to_ascii_lowercase();
    let wanted = word.to_ascii_lowercase();
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    lower.match_indices(&wanted).map(|(at, _)| at..at + wanted.len()).find(|range| {
        !lower[..range.start].chars().next_back().is_some_and(part_of_word)
            && !lower[range.end..].chars().next().is_some_and(part_of_word)
    })
}

/// The name among `known` nearest to `name`, where one is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)))
        .map(|(_, candidate)| candidate)
}

/// Whether `text` is a `strftime` pattern that says something about a time.
pub fn is_time_pattern(text: &str) -> bool {
    let items: Vec<DateItem<'_>> = StrftimeItems::new(text).collect();
    let is_broken = items.iter().any(|part| matches!(part, DateItem::Error));
    let is_constant = items.iter().all(|part| matches!(part, DateItem::Literal(_) | DateItem::Space(_)));
    !is_broken && !is_constant
}
