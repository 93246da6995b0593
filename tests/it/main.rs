//! Behaviour of the real binary, and the worked examples. One binary, so that everything is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, says why it skips, and may be asked for less by the environment"
)]

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod backtest;
mod behaviour;
mod database;
mod dsl;
mod examples;
mod extraction;
mod failures;
mod interruptions;
mod mutations;
mod planted;
mod real;
mod regressions;
mod same_bytes;
mod seen;
mod server;
mod systems;
mod tap;
mod terminal;
mod thirty_days;
