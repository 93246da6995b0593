//! Writing to standard output: the one door, so that a closed pipe is noticed and is no failure.

use crate::error::{Class, Error, Result};
use std::io::{ErrorKind, Write};

const CLOSED: &str = "standard output was closed";

/// Writes `text` and a line end.
///
/// # Errors
/// Standard output cannot be written.
pub fn line(text: impl std::fmt::Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(|e| failed(&e))
}

/// Writes bytes as they are.
///
/// # Errors
/// Standard output cannot be written.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|e| failed(&e))
}

/// Whether the reader of standard output went away.
pub fn is_broken_pipe(error: &Error) -> bool {
    error.message() == CLOSED
}

fn failed(error: &std::io::Error) -> Error {
    if error.kind() == ErrorKind::BrokenPipe {
        return Error::new(Class::TryAgain, CLOSED);
    }
    Error::new(Class::TryAgain, "could not write to standard output").caused_by(error)
}
