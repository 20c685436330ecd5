//! The `countersign` command: its arguments in, its exit code out.

use std::process::ExitCode;

use clap::Parser;
use countersign::cli::{Cli, run};

fn main() -> ExitCode {
    run(Cli::parse())
}
