//! One JSON object's leaves with their dotted paths. Numbers stay as written: a float would lose digits of money.

use std::borrow::Cow;

/// A value as its object holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'l> {
    /// `null`.
    Null,
    /// A string, unescaped.
    Text(Cow<'l, str>),
    /// A number, `true` or `false`, as written.
    Literal(&'l str),
    /// An object or array, as written.
    Whole(&'l str),
}

/// Why a text is not one JSON object, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub at: usize,
    pub why: &'static str,
}

/// Objects nested deeper are refused; what nests deeper is no row.
const DEEPEST: usize = 64;

/// Calls `visit` with every member of the object in `line`, nested ones by dotted path, each object after its members.
pub(super) fn walk<'l>(line: &'l str, visit: &mut impl FnMut(&str, Value<'l>)) -> Result<(), Malformed> {
    let mut walker = Walker { line, at: 0, path: String::new() };
    walker.blank();
    if walker.peek() != Some(b'{') {
        return Err(walker.malformed("is not a JSON object"));
    }
    walker.object(0, Some(visit))?;
    walker.blank();
    if walker.at < line.len() {
        return Err(walker.malformed("is followed by more text"));
    }
    Ok(())
}

struct Walker<'l> {
    line: &'l str,
    at: usize,
    path: String,
}

impl<'l> Walker<'l> {
    fn malformed(&self, why: &'static str) -> Malformed {
        Malformed { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Malformed> {
        self.blank();
        if self.peek() != Some(byte) {
            return Err(self.malformed(why));
        }
        self.at += 1;
        Ok(())
    }

    /// The members of an object; unseen where `visit` is none.
    fn object<F: FnMut(&str, Value<'l>)>(&mut self, depth: usize, mut visit: Option<&mut F>) -> Result<(), Malformed> {
        self.expect(b'{', "has no {")?;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            let key = self.text()?;
            self.expect(b':', "has no : after a name")?;
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let value = self.value(depth + 1, visit.as_deref_mut())?;
            if let Some(visit) = visit.as_deref_mut() {
                visit(&self.path, value);
            }
            self.path.truncate(length);
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.malformed("has no , or } after a value")),
            }
        }
    }

    fn array<F: FnMut(&str, Value<'l>)>(&mut self, depth: usize) -> Result<(), Malformed> {
        self.expect(b'[', "has no [")?;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            // An array is one value: its members have no path of their own.
            self.value::<F>(depth + 1, None)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.malformed("has no , or ] after a value")),
            }
        }
    }

    fn value<F: FnMut(&str, Value<'l>)>(
        &mut self,
        depth: usize,
        visit: Option<&mut F>,
    ) -> Result<Value<'l>, Malformed> {
        self.blank();
        if depth > DEEPEST {
            return Err(self.malformed("is nested too deeply"));
        }
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.text().map(Value::Text),
            Some(b'{') => {
                self.object(depth, visit)?;
                Ok(Value::Whole(self.line.get(start..self.at).unwrap_or_default()))
            }
            Some(b'[') => {
                self.array::<F>(depth)?;
                Ok(Value::Whole(self.line.get(start..self.at).unwrap_or_default()))
            }
            _ => self.literal(),
        }
    }

    fn literal(&mut self) -> Result<Value<'l>, Malformed> {
        let start = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        let literal = self.line.get(start..self.at).unwrap_or_default();
        let is_number =
            matches!(literal.as_bytes().first(), Some(b'0'..=b'9' | b'-')) && literal.parse::<f64>().is_ok();
        match literal {
            "null" => Ok(Value::Null),
            "true" | "false" => Ok(Value::Literal(literal)),
            _ if is_number => Ok(Value::Literal(literal)),
            _ => Err(Malformed { at: start, why: "has something that is no JSON value" }),
        }
    }

    fn text(&mut self) -> Result<Cow<'l, str>, Malformed> {
        if self.peek() != Some(b'"') {
            return Err(self.malformed("has no \" where a text begins"));
        }
        self.at += 1;
        let mut start = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            match self.peek() {
                None => return Err(self.malformed("has a text that does not end")),
                Some(b'"') => {
                    let rest = self.line.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match unescaped {
                        None => Cow::Borrowed(rest),
                        Some(text) => Cow::Owned(text + rest),
                    });
                }
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(self.line.get(start..self.at).unwrap_or_default());
                    self.at += 1;
                    let c = self.escape()?;
                    unescaped.get_or_insert_default().push(c);
                    start = self.at;
                }
                Some(byte) if byte < 0x20 => return Err(self.malformed("has a control character in a text")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Malformed> {
        let byte = self.peek().ok_or_else(|| self.malformed("has a text that does not end"))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode()?,
            _ => return Err(self.malformed("has an unknown escape in a text")),
        })
    }

    fn unicode(&mut self) -> Result<char, Malformed> {
        let high = self.hex()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.malformed("has half a surrogate pair in a text"));
        }
        if self.line.get(self.at..self.at + 2) != Some("\\u") {
            return Err(self.malformed("has half a surrogate pair in a text"));
        }
        self.at += 2;
        let low = self.hex()?;
        let combined = 0x1_0000 + ((high - 0xd800) << 10) + low.wrapping_sub(0xdc00);
        char::from_u32(combined)
            .filter(|_| (0xdc00..0xe000).contains(&low))
            .ok_or_else(|| self.malformed("has half a surrogate pair in a text"))
    }

    fn hex(&mut self) -> Result<u32, Malformed> {
        let digits = self.line.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        value.ok_or_else(|| self.malformed("has an unknown escape in a text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(line: &str) -> Result<Vec<(String, String)>, Malformed> {
        let mut found = Vec::new();
        walk(line, &mut |path, value| {
            let shown = match value {
                Value::Null => "null".to_owned(),
                Value::Text(text) => format!("'{text}'"),
                Value::Literal(text) | Value::Whole(text) => text.to_owned(),
            };
            found.push((path.to_owned(), shown));
        })?;
        Ok(found)
    }

    #[test]
    fn members_come_with_paths_and_digits_as_written() {
        let line = r#" {"id":"a\u00e9\ud83d\ude00\n","n":12345678901234.5678, "o":{"p":{"q":true}},"l":[1,{"x":2}],"z":null} "#;
        let want = [
            ("id", "'aé😀\n'"),
            ("n", "12345678901234.5678"),
            ("o.p.q", "true"),
            ("o.p", r#"{"q":true}"#),
            ("o", r#"{"p":{"q":true}}"#),
            ("l", r#"[1,{"x":2}]"#),
            ("z", "null"),
        ];
        let want: Vec<(String, String)> = want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(members(line).unwrap(), want);
        assert_eq!(members("{}").unwrap(), []);
    }

    #[test]
    fn malformed_lines_say_where() {
        for line in [
            "",
            "[]",
            "{",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1} x"#,
            r#"{"a":"b}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":[1,2}"#,
            r#"{"a":1"b":2}"#,
        ] {
            assert!(members(line).is_err(), "{line}");
        }
        assert_eq!(members(r#"{"a": nope}"#).unwrap_err().at, 6);
    }
}
