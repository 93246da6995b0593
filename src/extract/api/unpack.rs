//! What an answer is packed in: gzip and zip, recognised by their first bytes, unpacked as they are read.

use super::{Body, Broken};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::{Crc, CrcReader};
use std::io::{BufReader, Read};

/// One document of an answer: the answer itself, or an entry of its archive.
#[derive(Debug, Clone)]
pub(super) struct Part {
    body: Body,
    entry: Option<Entry>,
    is_gzip: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    start: u64,
    packed: u64,
    size: u64,
    crc: u32,
    is_deflated: bool,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZIP: [u8; 4] = *b"PK\x03\x04";
const EMPTY_ZIP: [u8; 4] = *b"PK\x05\x06";

/// The documents in an answer, in the archive's order.
pub(super) fn parts(body: &Body) -> Result<Vec<Part>, Broken> {
    let head = body.head(4).map_err(|error| Broken::new(error.message()))?;
    if head == ZIP || head == EMPTY_ZIP {
        return entries(body);
    }
    Ok(vec![Part { body: body.clone(), entry: None, is_gzip: head.starts_with(&GZIP) }])
}

impl Part {
    /// The bytes as they came, where they are not packed and in memory.
    pub fn plain(&self) -> Option<&Body> {
        (self.entry.is_none() && !self.is_gzip && self.body.in_memory().is_some()).then_some(&self.body)
    }

    /// Reads its unpacked bytes; reading fails where they are not what the archive says.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, Broken> {
        let failed = |error: crate::error::Error| Broken::new(error.message());
        let packed: Box<dyn Read + Send> = match &self.entry {
            None => self.body.open().map_err(failed)?,
            Some(entry) => {
                let bytes = self.body.range(entry.start, entry.packed).map_err(failed)?;
                if entry.is_deflated {
                    Box::new(Checked::new(DeflateDecoder::new(bytes), entry))
                } else {
                    Box::new(Checked::new(bytes, entry))
                }
            }
        };
        Ok(if self.is_gzip { Box::new(MultiGzDecoder::new(BufReader::new(packed))) } else { packed })
    }
}

/// Compares what was read with what the archive's directory says of it.
struct Checked<R> {
    bytes: CrcReader<R>,
    read: u64,
    size: u64,
    crc: u32,
}

impl<R: Read> Checked<R> {
    fn new(bytes: R, entry: &Entry) -> Self {
        Checked { bytes: CrcReader::new(bytes), read: 0, size: entry.size, crc: entry.crc }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.bytes.read(into)?;
        self.read += read as u64;
        if read == 0 && !into.is_empty() {
            let crc: &Crc = self.bytes.crc();
            if self.read != self.size || crc.sum() != self.crc {
                let what = "a file of the zip archive is damaged";
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
            }
        }
        Ok(read)
    }
}

/// A little-endian number in an archive's directory.
fn number(bytes: &[u8], at: usize, length: usize) -> Result<u64, Broken> {
    let digits = bytes.get(at..at + length).ok_or_else(|| Broken::new("is a zip archive whose directory is cut"))?;
    Ok(digits.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

fn bytes_at(body: &Body, start: u64, length: u64) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    let mut reader = body.range(start, length).map_err(|error| Broken::new(error.message()))?;
    reader.read_to_end(&mut bytes).map_err(|error| Broken::unreadable(start, &error))?;
    Ok(bytes)
}

/// Where the directory of an archive stands: its start and its length (APPNOTE 4.3.16, 4.3.14 for ZIP64).
fn directory(body: &Body) -> Result<(u64, u64), Broken> {
    let tail_length = body.len().min(22 + 65_535 + 20);
    let tail_start = body.len() - tail_length;
    let tail = bytes_at(body, tail_start, tail_length)?;
    let end = memchr::memmem::rfind(&tail, b"PK\x05\x06")
        .ok_or_else(|| Broken::new("is a zip archive that is cut off: it has no directory"))?;
    let (mut length, mut start) = (number(&tail, end + 12, 4)?, number(&tail, end + 16, 4)?);
    let locator = end.checked_sub(20).filter(|at| tail.get(*at..*at + 4) == Some(b"PK\x06\x07".as_slice()));
    if let Some(locator) = locator
        && (start == u64::from(u32::MAX) || length == u64::from(u32::MAX))
    {
        let record = bytes_at(body, number(&tail, locator + 8, 8)?, 56)?;
        length = number(&record, 40, 8)?;
        start = number(&record, 48, 8)?;
    }
    Ok((start, length))
}

fn entries(body: &Body) -> Result<Vec<Part>, Broken> {
    let (start, length) = directory(body)?;
    if length > 64 << 20 {
        return Err(Broken::new("is a zip archive of too many files"));
    }
    let directory = bytes_at(body, start, length)?;
    let mut parts = Vec::new();
    let mut at = 0;
    while directory.get(at..at + 4) == Some(b"PK\x01\x02".as_slice()) {
        let (name_length, extra_length) = (number(&directory, at + 28, 2)?, number(&directory, at + 30, 2)?);
        let comment_length = number(&directory, at + 32, 2)?;
        let name_at = at + 46;
        let extra_at = name_at + usize::try_from(name_length).unwrap_or(usize::MAX / 2);
        let extra_end = extra_at + usize::try_from(extra_length).unwrap_or(usize::MAX / 4);
        let name = String::from_utf8_lossy(directory.get(name_at..extra_at).unwrap_or_default()).into_owned();
        let extra = directory.get(extra_at..extra_end).unwrap_or_default();
        let method = number(&directory, at + 10, 2)?;
        if number(&directory, at + 8, 2)? & 1 == 1 || !matches!(method, 0 | 8) {
            return Err(Broken::new(format!(
                "is a zip archive whose file {name} is encrypted or packed in an unknown way"
            )));
        }
        let sizes = sizes(&directory, at, extra)?;
        if !name.ends_with('/') && !name.starts_with("__MACOSX/") {
            let entry = entry(body, sizes, number(&directory, at + 16, 4)?, method == 8)?;
            let mut part = Part { body: body.clone(), entry: Some(entry), is_gzip: false };
            part.is_gzip = starts_as_gzip(&part)?;
            parts.push(part);
        }
        at = extra_end + usize::try_from(comment_length).unwrap_or(usize::MAX / 4);
    }
    Ok(parts)
}

fn starts_as_gzip(part: &Part) -> Result<bool, Broken> {
    let mut head = Vec::new();
    part.open()?.take(2).read_to_end(&mut head).map_err(|error| Broken::unreadable(0, &error))?;
    Ok(head == GZIP)
}

/// Size, packed size and place of an entry; ZIP64 keeps those that are too large in an extra field (APPNOTE 4.5.3).
fn sizes(directory: &[u8], at: usize, extra: &[u8]) -> Result<[u64; 3], Broken> {
    let mut sizes = [number(directory, at + 24, 4)?, number(directory, at + 20, 4)?, number(directory, at + 42, 4)?];
    let mut field = 0;
    while extra.len() >= field + 4 {
        let length = usize::try_from(number(extra, field + 2, 2)?).unwrap_or(usize::MAX / 2);
        if number(extra, field, 2)? == 1 {
            let mut value = field + 4;
            for size in &mut sizes {
                if *size == u64::from(u32::MAX) {
                    *size = number(extra, value, 8)?;
                    value += 8;
                }
            }
        }
        field += 4 + length;
    }
    Ok(sizes)
}

fn entry(body: &Body, [size, packed, header]: [u64; 3], crc: u64, is_deflated: bool) -> Result<Entry, Broken> {
    let local = bytes_at(body, header, 30)?;
    if local.get(..4) != Some(ZIP.as_slice()) {
        return Err(Broken::new("is a zip archive whose directory points nowhere"));
    }
    let start = header + 30 + number(&local, 26, 2)? + number(&local, 28, 2)?;
    Ok(Entry { start, packed, size, crc: u32::try_from(crc).unwrap_or(0), is_deflated })
}
