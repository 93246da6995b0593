//! Behaviour of the real binary, and the worked examples. One binary, so that everything is linked once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dsl;
mod examples;
mod failures;
mod interruptions;
mod planted;
mod real;
mod same_bytes;
mod terminal;
