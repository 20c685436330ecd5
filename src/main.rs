//! The `countersign` command: its arguments in, its exit code out.

use std::process::ExitCode;

use clap::Parser;
use countersign::cli::{Cli, run};
use mimalloc::MiMalloc;
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back: secrets pass through buffers that are not ours to wipe. A request asks for memory
/// some hundred times, so that who gives it counts.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<MiMalloc> = ZeroAlloc(MiMalloc);

fn main() -> ExitCode {
    run(Cli::parse())
}
