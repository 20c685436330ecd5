//! Migrations are embedded by a macro that Cargo cannot see into: this tells it to look again when one is added.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
