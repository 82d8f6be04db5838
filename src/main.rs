//! The binary: arguments in, exit code out.

use std::process::ExitCode;

/// Batches of rows come and go on many threads; mimalloc gives their memory back sooner and faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rivermill::cli::main()
}
