//! Migrations are embedded by a macro that Cargo cannot see into: this tells it to look again when one is added, and tells the
//! program which one is the last, which it asks at every start.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=migrations/sqlite");
    let names = fs::read_dir("migrations/sqlite").into_iter().flatten().flatten().map(|entry| entry.file_name());
    let version = |name: &str| name.strip_prefix('V')?.split_once("__")?.0.parse::<i64>().ok();
    let last = names.filter_map(|name| version(name.to_str()?)).max().unwrap_or(0);
    println!("cargo::rustc-env=LAST_MIGRATION={last}");
}
