//! A JSON document too large for memory, read as it passes by: elements of the arrays that are asked for come one by one,
//! the rest becomes an outline.

use super::Broken;
use std::io::Read;

/// How much of a document is held beside its buffer.
const CHUNK: usize = 256 << 10;

/// One element longer than this is no record; holding it would break the promise of bounded memory.
const LONGEST_RECORD: usize = 64 << 20;

/// A value outside the records that is longer than this is left out of the outline: no token or total is so long.
const LONGEST_OUTLINE_VALUE: usize = 1 << 20;

/// An array (or object) whose elements are asked for: the names that lead to it.
#[derive(Debug, Clone)]
pub(super) struct Target<'p> {
    pub names: Vec<&'p str>,
    /// Whether members of an object are elements too.
    pub takes_members: bool,
}

/// An element as it passes by.
pub(super) struct Element<'e> {
    /// Which target.
    pub target: usize,
    pub text: &'e [u8],
    /// From 1.
    pub position: usize,
    /// The member's name with its quotes, where the element is one.
    pub key: Option<&'e [u8]>,
}

/// Reads a document; its elements go to `visit`, what remains is returned: the document with empty arrays in their place.
pub(super) fn scan(
    reader: Box<dyn Read + Send>,
    targets: &[Target<'_>],
    visit: &mut dyn FnMut(Element<'_>) -> Result<(), Broken>,
) -> Result<Vec<u8>, Broken> {
    let mut scanner = Scanner {
        reader,
        buffer: vec![0; CHUNK],
        at: 0,
        length: 0,
        passed: 0,
        outline: Vec::new(),
        element: Vec::new(),
        name: Vec::new(),
    };
    let all: Vec<(usize, usize)> = (0..targets.len()).map(|target| (target, 0)).collect();
    if scanner.peek()? == Some(0xef) {
        (0..3).for_each(|_| scanner.at += 1);
    }
    scanner.descend(targets, &all, visit, 0)?;
    if scanner.blank()?.is_some() {
        return Err(scanner.broken("is followed by more text"));
    }
    Ok(scanner.outline)
}

struct Scanner {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    at: usize,
    length: usize,
    passed: u64,
    outline: Vec<u8>,
    element: Vec<u8>,
    name: Vec<u8>,
}

impl Scanner {
    fn broken(&self, why: &str) -> Broken {
        Broken::at(self.passed + self.at as u64, why)
    }

    /// The next byte; none at the end.
    fn peek(&mut self) -> Result<Option<u8>, Broken> {
        if self.at >= self.length {
            self.passed += self.length as u64;
            self.at = 0;
            self.length = 0;
            self.length =
                self.reader.read(&mut self.buffer).map_err(|error| Broken::unreadable(self.passed, &error))?;
        }
        Ok(self.buffer.get(..self.length).and_then(|filled| filled.get(self.at)).copied())
    }

    /// The next byte that is no blank.
    fn blank(&mut self) -> Result<Option<u8>, Broken> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return Ok(other),
            }
        }
    }

    fn some(&mut self) -> Result<u8, Broken> {
        match self.blank()? {
            Some(byte) => Ok(byte),
            None => Err(self.broken("ends in the middle")),
        }
    }

    /// Reads one value on the way to `open` targets, each with the number of its names that were passed.
    fn descend(
        &mut self,
        targets: &[Target<'_>],
        open: &[(usize, usize)],
        visit: &mut dyn FnMut(Element<'_>) -> Result<(), Broken>,
        depth: usize,
    ) -> Result<(), Broken> {
        let first = self.some()?;
        let reached = open.iter().find_map(|(target, passed)| {
            let found = targets.get(*target)?;
            let fits = first == b'[' || (first == b'{' && found.takes_members);
            (fits && found.names.len() == *passed).then_some(*target)
        });
        if let Some(target) = reached {
            return self.elements(target, first, visit);
        }
        if first != b'{' || open.is_empty() || depth > 32 {
            return self.remainder();
        }
        self.step(first);
        if self.some()? == b'}' {
            self.step(b'}');
            return Ok(());
        }
        loop {
            if self.some()? != b'"' {
                return Err(self.broken("has no name where an object's member begins"));
            }
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            self.copy(&mut name, LONGEST_OUTLINE_VALUE)?;
            self.outline.extend_from_slice(&name);
            let plain = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
            let below: Vec<(usize, usize)> = open
                .iter()
                .filter(|(target, passed)| {
                    let wanted = targets.get(*target).and_then(|target| target.names.get(*passed));
                    wanted.is_some_and(|wanted| wanted.as_bytes() == plain)
                })
                .map(|(target, passed)| (*target, passed + 1))
                .collect();
            self.name = name;
            if self.some()? != b':' {
                return Err(self.broken("has no : after a name"));
            }
            self.step(b':');
            self.descend(targets, &below, visit, depth + 1)?;
            match self.some()? {
                b',' => self.step(b','),
                b'}' => break,
                _ => return Err(self.broken("has no , or } after a value")),
            }
        }
        self.step(b'}');
        Ok(())
    }

    /// Passes a byte into the outline.
    fn step(&mut self, byte: u8) {
        self.outline.push(byte);
        self.at += 1;
    }

    /// A value that nobody asked for.
    fn remainder(&mut self) -> Result<(), Broken> {
        let mut outline = std::mem::take(&mut self.outline);
        let before = outline.len();
        let copied = self.copy(&mut outline, LONGEST_OUTLINE_VALUE)?;
        if !copied {
            outline.truncate(before);
            outline.extend_from_slice(b"null");
        }
        self.outline = outline;
        Ok(())
    }

    fn elements(
        &mut self,
        target: usize,
        open: u8,
        visit: &mut dyn FnMut(Element<'_>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let close = if open == b'[' { b']' } else { b'}' };
        self.step(open);
        if self.some()? == close {
            self.step(close);
            return Ok(());
        }
        let (mut element, mut name) = (std::mem::take(&mut self.element), Vec::new());
        for position in 1.. {
            if open == b'{' {
                name.clear();
                if self.some()? != b'"' {
                    return Err(self.broken("has no name where an object's member begins"));
                }
                self.copy(&mut name, LONGEST_OUTLINE_VALUE)?;
                if self.some()? != b':' {
                    return Err(self.broken("has no : after a name"));
                }
                self.at += 1;
            }
            element.clear();
            self.some()?;
            let start = self.passed + self.at as u64;
            if !self.copy(&mut element, LONGEST_RECORD)? {
                return Err(Broken::at(start, "has a record that is longer than 64 MiB"));
            }
            let key = (open == b'{').then_some(name.as_slice());
            visit(Element { target, text: &element, position, key }).map_err(|broken| broken.after(start))?;
            match self.some()? {
                b',' => self.at += 1,
                byte if byte == close => break,
                _ => return Err(self.broken("has no , or ] after a value")),
            }
        }
        self.element = element;
        self.step(close);
        Ok(())
    }

    /// Copies one value as it is, up to `most` bytes; false where it is longer (it is passed all the same).
    fn copy(&mut self, into: &mut Vec<u8>, most: usize) -> Result<bool, Broken> {
        let limit = into.len() + most;
        let mut depth = 0_usize;
        match self.some()? {
            b'"' | b'{' | b'[' => {}
            _ => return self.copy_literal(into, limit),
        }
        loop {
            match self.peek()? {
                None => return Err(self.broken("ends in the middle")),
                Some(b'"') => {
                    self.at += 1;
                    self.pass(into, b"\"", limit);
                    self.copy_text(into, limit)?;
                }
                Some(byte @ (b'{' | b'[')) => {
                    depth += 1;
                    self.at += 1;
                    self.pass(into, &[byte], limit);
                }
                Some(byte @ (b'}' | b']')) => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                    self.pass(into, &[byte], limit);
                }
                Some(_) => {
                    let rest = self.buffer.get(self.at..self.length).unwrap_or_default();
                    let ends = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
                    let length = rest.iter().position(ends).unwrap_or(rest.len());
                    append(into, rest.get(..length).unwrap_or_default(), limit);
                    self.at += length;
                }
            }
            if depth == 0 {
                return Ok(into.len() <= limit);
            }
        }
    }

    fn pass(&self, into: &mut Vec<u8>, bytes: &[u8], limit: usize) {
        append(into, bytes, limit);
    }

    /// The rest of a text whose quote was passed.
    fn copy_text(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<(), Broken> {
        loop {
            if self.peek()?.is_none() {
                return Err(self.broken("has a text that does not end"));
            }
            let rest = self.buffer.get(self.at..self.length).unwrap_or_default();
            let found = memchr::memchr2(b'"', b'\\', rest);
            let length = found.map_or(rest.len(), |found| found + 1);
            let is_end = found.and_then(|found| rest.get(found)) == Some(&b'"');
            append(into, rest.get(..length).unwrap_or_default(), limit);
            self.at += length;
            if is_end {
                return Ok(());
            }
            if found.is_some() {
                // What is escaped may be a quote, and may come with the next chunk.
                let Some(escaped) = self.peek()? else { return Err(self.broken("has a text that does not end")) };
                self.at += 1;
                self.pass(into, &[escaped], limit);
            }
        }
    }

    fn copy_literal(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<bool, Broken> {
        while let Some(byte) = self.peek()? {
            if matches!(byte, b',' | b']' | b'}' | b':' | b' ' | b'\n' | b'\r' | b'\t') {
                break;
            }
            self.at += 1;
            self.pass(into, &[byte], limit);
        }
        Ok(into.len() <= limit)
    }
}

/// Appends up to one byte more than the limit allows, which shows that there was more.
fn append(into: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = (limit + 1).saturating_sub(into.len());
    into.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Gives a byte at a time, so that every chunk boundary is tried.
    struct Drip(Cursor<Vec<u8>>);

    impl Read for Drip {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(into.get_mut(..1).unwrap())
        }
    }

    fn scanned(text: &str, targets: &[Target<'_>]) -> Result<(String, Vec<String>), Broken> {
        let mut seen = Vec::new();
        let reader = Box::new(Drip(Cursor::new(text.as_bytes().to_vec())));
        let outline = scan(reader, targets, &mut |element| {
            let key = element.key.map(|key| String::from_utf8_lossy(key).into_owned()).unwrap_or_default();
            let text = String::from_utf8_lossy(element.text);
            seen.push(format!("{}:{}{key}={text}", element.target, element.position));
            Ok(())
        })?;
        Ok((String::from_utf8(outline).unwrap(), seen))
    }

    #[test]
    fn elements_come_one_by_one_and_the_rest_is_an_outline() {
        let text = r#" {"a":{"data":[{"x":"]\"}"},[1,2], 3 ,"t"]},"more":true,"m":{"k":1,"l":{}},"z":[[1]]} "#;
        let data = Target { names: vec!["a", "data"], takes_members: false };
        let members = Target { names: vec!["m"], takes_members: true };
        let (outline, seen) = scanned(text, &[data.clone(), members]).unwrap();
        assert_eq!(outline, r#"{"a":{"data":[]},"more":true,"m":{},"z":[[1]]}"#);
        assert_eq!(seen, [r#"0:1={"x":"]\"}"}"#, "0:2=[1,2]", "0:3=3", "0:4=\"t\"", "1:1\"k\"=1", "1:2\"l\"={}"]);
        let root = Target { names: vec![], takes_members: false };
        assert_eq!(scanned("[1,2]", &[root]).unwrap().1.len(), 2);
        for bad in [r#"{"a":{"data":[1,"#, r#"{"a":{"data":[1 2]}}"#, r#"{"a":1} x"#, r#"{"a""#, ""] {
            assert!(scanned(bad, std::slice::from_ref(&data)).is_err(), "{bad}");
        }
    }
}
