//! Rows of PostgreSQL's `COPY … TO STDOUT` in text format (PostgreSQL documentation, "COPY", File Formats).

use std::borrow::Cow;

/// Why a line is no row of a COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Malformed {
    /// A backslash ends the field.
    Escape,
    /// The text is not UTF-8, although the session asked for it.
    Encoding,
}

impl Malformed {
    /// The end of the sentence "the row …".
    pub fn told(self) -> &'static str {
        match self {
            Malformed::Escape => "ends in a lone backslash",
            Malformed::Encoding => "is not UTF-8",
        }
    }
}

/// Cuts what the server sends, in pieces of any length, into lines without their line break.
#[derive(Debug, Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Calls `take` with every line that is whole now.
    ///
    /// # Errors
    /// The first that `take` gives.
    pub fn feed<E>(&mut self, piece: &[u8], mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        let mut piece = piece;
        while let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = piece.split_at(at);
            if self.rest.is_empty() {
                take(line)?;
            } else {
                self.rest.extend_from_slice(line);
                let whole = std::mem::take(&mut self.rest);
                take(&whole)?;
            }
            piece = rest.get(1..).unwrap_or_default();
        }
        self.rest.extend_from_slice(piece);
        Ok(())
    }

    /// Whether a line has begun that does not end.
    pub fn is_cut(&self) -> bool {
        !self.rest.is_empty()
    }
}

/// The fields of a line; none is null.
///
/// # Errors
/// The line is no row of a COPY in text format.
pub(super) fn fields(line: &[u8]) -> Result<Vec<Option<Cow<'_, str>>>, Malformed> {
    line.split(|byte| *byte == b'\t').map(field).collect()
}

fn field(raw: &[u8]) -> Result<Option<Cow<'_, str>>, Malformed> {
    if raw == b"\\N" {
        return Ok(None);
    }
    let text = std::str::from_utf8(raw).map_err(|_| Malformed::Encoding)?;
    if !raw.contains(&b'\\') {
        return Ok(Some(Cow::Borrowed(text)));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match rest.next().ok_or(Malformed::Escape)? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            other => other,
        });
    }
    Ok(Some(Cow::Owned(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_nulls_empty_texts_and_what_was_escaped_apart() {
        let read = fields("1\t\\N\t\ta\\tb\\\\c\\nd\tgrün".as_bytes()).unwrap();
        let texts: Vec<Option<&str>> = read.iter().map(|field| field.as_deref()).collect();
        assert_eq!(texts, [Some("1"), None, Some(""), Some("a\tb\\c\nd"), Some("grün")]);
        assert_eq!(fields(b"a\\"), Err(Malformed::Escape));
        assert_eq!(fields(b"\xff"), Err(Malformed::Encoding));
    }

    #[test]
    fn lines_are_whole_however_they_were_cut() {
        let whole = b"one\ttwo\nthree\\n\n\nlast\n";
        for size in 1..whole.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in whole.chunks(size) {
                lines
                    .feed(piece, |line| {
                        seen.push(String::from_utf8(line.to_vec()).unwrap());
                        Ok::<(), ()>(())
                    })
                    .unwrap();
            }
            assert_eq!(seen, ["one\ttwo", "three\\n", "", "last"], "pieces of {size}");
            assert!(!lines.is_cut());
        }
    }
}
