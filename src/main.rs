//! Arguments in, exit code out.

use std::process::ExitCode;

/// Planning makes and drops millions of small pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tailwater::cli::main()
}
