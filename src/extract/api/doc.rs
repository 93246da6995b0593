//! A JSON document as an index over its own bytes: no value is copied, every digit stays as written.

use std::borrow::Cow;

/// Why bytes are no JSON document, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub at: usize,
    pub why: &'static str,
}

/// What nests deeper is no record; a parser that followed it would run out of stack.
const DEEPEST: usize = 128;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    /// `true`, `false` or a number.
    Literal,
    /// A text without escapes; its span is without the quotes.
    Text,
    /// A text with escapes.
    Escaped,
    Object,
    Array,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    /// The node after this value and all that is in it.
    next: u32,
    kind: Kind,
}

/// The index; kept between documents for its memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    nodes: Vec<Node>,
}

/// A value of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'d> {
    text: &'d [u8],
    nodes: &'d [Node],
    at: usize,
}

impl Index {
    /// Reads the one document that `text` holds.
    pub fn parse<'d>(&'d mut self, text: &'d [u8]) -> Result<Value<'d>, Malformed> {
        self.nodes.clear();
        if u32::try_from(text.len()).is_err() {
            return Err(Malformed { at: 0, why: "is larger than 4 GiB" });
        }
        let mut parser = Parser { text, at: 0, nodes: &mut self.nodes };
        if text.starts_with(&[0xef, 0xbb, 0xbf]) {
            parser.at = 3;
        }
        parser.value(0)?;
        parser.blank();
        if parser.at < text.len() {
            return Err(parser.malformed("is followed by more text"));
        }
        Ok(Value { text, nodes: &self.nodes, at: 0 })
    }

    /// The document that was read last, whose text this is.
    pub fn root<'d>(&'d self, text: &'d [u8]) -> Value<'d> {
        Value { text, nodes: &self.nodes, at: 0 }
    }
}

impl<'d> Value<'d> {
    fn node(&self) -> Node {
        self.nodes.get(self.at).copied().unwrap_or(Node { start: 0, end: 0, next: 0, kind: Kind::Null })
    }

    pub fn kind(&self) -> Kind {
        self.node().kind
    }

    /// Its place in the document, for [`Value::elsewhere`].
    #[expect(clippy::cast_possible_truncation, reason = "a document shorter than 4 GiB has fewer values than that")]
    pub fn place(&self) -> u32 {
        self.at as u32
    }

    /// The value at another place of the same document.
    pub fn elsewhere(&self, place: u32) -> Value<'d> {
        Value { at: place as usize, ..*self }
    }

    pub fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// Its bytes as written; a text's without quotes.
    pub fn raw(&self) -> &'d [u8] {
        let node = self.node();
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// Its bytes as written, a text's with quotes.
    pub fn json(&self) -> &'d [u8] {
        let node = self.node();
        let quote = usize::from(matches!(node.kind, Kind::Text | Kind::Escaped));
        self.text
            .get(node.start as usize - quote.min(node.start as usize)..node.end as usize + quote)
            .unwrap_or_default()
    }

    /// The text of a text or literal; none for null, objects and arrays, and for what is not UTF-8.
    pub fn scalar(&self) -> Option<Cow<'d, str>> {
        match self.kind() {
            Kind::Literal | Kind::Text => std::str::from_utf8(self.raw()).ok().map(Cow::Borrowed),
            Kind::Escaped => unescaped(self.raw()).map(Cow::Owned),
            Kind::Null | Kind::Object | Kind::Array => None,
        }
    }

    /// The member of an object.
    pub fn member(&self, name: &str) -> Option<Value<'d>> {
        self.members().find(|(key, _)| key.is(name)).map(|(_, value)| value)
    }

    /// Names and values of an object; nothing of anything else.
    pub fn members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> + 'd {
        let node = self.node();
        let mut at = if node.kind == Kind::Object { self.at + 1 } else { node.next as usize };
        std::iter::from_fn(move || {
            let key = Value { at, ..self };
            if at >= node.next as usize {
                return None;
            }
            let value = Value { at: at + 1, ..self };
            at = value.node().next as usize;
            Some((key, value))
        })
    }

    /// Elements of an array; nothing of anything else.
    pub fn elements(self) -> impl Iterator<Item = Value<'d>> + 'd {
        let node = self.node();
        let mut at = if node.kind == Kind::Array { self.at + 1 } else { node.next as usize };
        std::iter::from_fn(move || {
            if at >= node.next as usize {
                return None;
            }
            let value = Value { at, ..self };
            at = value.node().next as usize;
            Some(value)
        })
    }

    /// Whether its text is `wanted`.
    pub fn is(&self, wanted: &str) -> bool {
        match self.kind() {
            Kind::Escaped => self.scalar().is_some_and(|text| text == wanted),
            _ => self.raw() == wanted.as_bytes(),
        }
    }
}

struct Parser<'d, 'i> {
    text: &'d [u8],
    at: usize,
    nodes: &'i mut Vec<Node>,
}

impl Parser<'_, '_> {
    fn malformed(&self, why: &'static str) -> Malformed {
        Malformed { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "documents are shorter than 4 GiB, so their places fit")]
    fn push(&mut self, kind: Kind, start: usize, end: usize) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, kind });
    }

    /// An object or array begins; its end and what follows it are filled in by [`Parser::close`].
    fn open(&mut self, kind: Kind) -> usize {
        self.push(kind, self.at, self.at);
        self.at += 1;
        self.nodes.len() - 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "documents are shorter than 4 GiB, so their places fit")]
    fn close(&mut self, opened: usize) {
        self.at += 1;
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(opened) {
            node.end = self.at as u32;
            node.next = next;
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Malformed> {
        self.blank();
        if depth > DEEPEST {
            return Err(self.malformed("is nested too deeply"));
        }
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b't') => self.word(b"true", Kind::Literal),
            Some(b'f') => self.word(b"false", Kind::Literal),
            Some(b'n') => self.word(b"null", Kind::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.malformed("has something that is no JSON value")),
            None => Err(self.malformed("ends in the middle")),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<(), Malformed> {
        if !self.text.get(self.at..).unwrap_or_default().starts_with(word) {
            return Err(self.malformed("has something that is no JSON value"));
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed("has a number without digits")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        self.digits()?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Kind::Literal, start, self.at);
        Ok(())
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        let start = self.at;
        let mut kind = Kind::Text;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(self.malformed("has a text that does not end"));
            };
            self.at += found;
            if rest.get(found) == Some(&b'"') {
                self.push(kind, start, self.at);
                self.at += 1;
                return Ok(());
            }
            kind = Kind::Escaped;
            self.at += 2;
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Malformed> {
        let opened = self.open(Kind::Object);
        self.blank();
        if self.peek() == Some(b'}') {
            self.close(opened);
            return Ok(());
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.malformed("has no name where an object's member begins"));
            }
            self.string()?;
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.malformed("has no : after a name"));
            }
            self.at += 1;
            self.value(depth + 1)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.malformed("has no , or } after a value")),
            }
        }
        self.close(opened);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), Malformed> {
        let opened = self.open(Kind::Array);
        self.blank();
        if self.peek() == Some(b']') {
            self.close(opened);
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.malformed("has no , or ] after a value")),
            }
        }
        self.close(opened);
        Ok(())
    }
}

/// A text without its escapes; a lone half of a surrogate pair becomes U+FFFD, as no text can hold it.
fn unescaped(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut chars = after.chars();
        let escape = chars.next()?;
        rest = chars.as_str();
        match escape {
            'n' => plain.push('\n'),
            't' => plain.push('\t'),
            'r' => plain.push('\r'),
            'b' => plain.push('\u{8}'),
            'f' => plain.push('\u{c}'),
            'u' => plain.push(unicode(&mut rest)?),
            '"' | '\\' | '/' => plain.push(escape),
            _ => return None,
        }
    }
    plain.push_str(rest);
    Some(plain)
}

fn unicode(rest: &mut &str) -> Option<char> {
    let high = hex(rest)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let mut after = rest.strip_prefix("\\u").unwrap_or_default();
    match hex(&mut after) {
        Some(low) if (0xdc00..0xe000).contains(&low) => {
            *rest = after;
            char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
        }
        _ => Some(char::REPLACEMENT_CHARACTER),
    }
}

fn hex(rest: &mut &str) -> Option<u32> {
    let digits = rest.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    *rest = rest.get(4..)?;
    u32::from_str_radix(digits, 16).ok()
}
