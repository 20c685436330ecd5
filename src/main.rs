//! The `countersign` command: its arguments in, its exit code out.

use std::process::ExitCode;

use clap::Parser;
use countersign::cli::{Cli, completed, help, misread, run};
use zeroizing_alloc::ZeroAlloc;

/// Memory is wiped when it is given back: secrets pass through buffers that are not ours to wipe. What mimalloc brings is in
/// `docs/internals/speed.md`.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<mimalloc::MiMalloc> = ZeroAlloc(mimalloc::MiMalloc);

fn main() -> ExitCode {
    if completed() {
        return ExitCode::SUCCESS;
    }
    if let Some(code) = help() {
        return code;
    }
    match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => misread(&error),
    }
}
