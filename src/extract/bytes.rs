//! A file's bytes, decompressed, with an early look that tells junk and wrong formats from data.

use crate::error::{Class, Error, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

/// Bytes read from disk at a time.
const BUFFER: usize = 256 * 1024;

/// A decompressed file.
pub(super) type Bytes = BufReader<Box<dyn Read + Send>>;

/// Opens `path`, shown as `name`, and decompresses what its first bytes say is gzip or zstd.
pub(super) fn open(path: &Path, name: &str) -> Result<Bytes> {
    let file = File::open(path).map_err(|error| unreadable(name, &error))?;
    let mut plain = BufReader::with_capacity(BUFFER, file);
    let head = plain.fill_buf().map_err(|error| unreadable(name, &error))?;
    if head.is_empty() {
        return Err(empty(name));
    }
    let reader: Box<dyn Read + Send> = if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::bufread::MultiGzDecoder::new(plain))
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        Box::new(zstd::Decoder::with_buffer(plain).map_err(|error| unreadable(name, &error))?)
    } else {
        return Ok(BufReader::with_capacity(BUFFER, Box::new(plain)));
    };
    let mut bytes = BufReader::with_capacity(BUFFER, reader);
    if bytes.fill_buf().map_err(|error| unreadable(name, &error))?.is_empty() {
        return Err(empty(name));
    }
    Ok(bytes)
}

/// Refuses what is no text at all; `wanted` names the format the job expects.
pub(super) fn check_text(bytes: &mut Bytes, name: &str, wanted: &str) -> Result<()> {
    let head = bytes.fill_buf().map_err(|error| unreadable(name, &error))?;
    let head = head.get(..head.len().min(4096)).unwrap_or(head);
    let found = if let Some(found) = known(head) {
        found
    } else if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(Error::usage(format!("{name} is UTF-16 text, not UTF-8"))
            .help(format!("convert it: iconv -f UTF-16 -t UTF-8 {name}")));
    } else if head.contains(&0) {
        "binary data"
    } else {
        return Ok(());
    };
    Err(Error::usage(format!("{name} is {found}, not {wanted}"))
        .help("set `format` for this input to what the file is, or correct its `path`"))
}

/// What the first bytes of a file say it is.
pub(super) fn known(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 9] = [
        (b"PAR1", "Parquet"),
        (b"PK\x03\x04", "a zip archive or an Excel workbook"),
        (b"%PDF", "a PDF"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"ORC", "ORC"),
        (b"Obj\x01", "Avro"),
        (b"SQLite format 3", "a SQLite database"),
        (b"\x7fELF", "a program"),
    ];
    let start = head.trim_ascii_start().get(..14).unwrap_or_default().to_ascii_lowercase();
    if start.starts_with(b"<!doctype html") || start.starts_with(b"<html") {
        return Some("an HTML page");
    }
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

pub(super) fn empty(name: &str) -> Error {
    Error::new(Class::Unavailable, format!("{name} is empty"))
        .help("a file without rows still has its header; wait for the export or take the file out of `path`")
}

/// The failure to read a file on: cut off, damaged, forbidden or gone.
pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Error {
    let (what, help) = match error.kind() {
        ErrorKind::UnexpectedEof => ("is cut off: its compressed data ends in the middle", "copy or export it again"),
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other => {
            ("is damaged: its compressed data cannot be read", "copy or export it again")
        }
        ErrorKind::NotFound => ("is gone", "it was there a moment ago; run again when the export has finished"),
        ErrorKind::PermissionDenied => ("may not be read", "give this user the right to read it"),
        _ => ("could not be read", "run again; check the disk or the network share it lies on"),
    };
    Error::new(Class::Unavailable, format!("{name} {what}")).caused_by(error).help(help)
}
