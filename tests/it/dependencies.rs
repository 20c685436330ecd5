//! What the manifest promises of the dependencies.

use std::process::Command;

use serde_json::Value;

/// The first two numbers of a version of Rust such as `1.92` or `1.92.0`: the third adds nothing to the language.
fn version(text: &str) -> Vec<u32> {
    text.split('.').take(2).map(|part| part.parse().unwrap()).collect()
}

/// Otherwise the program would not build with the version that it declares, and a machine that has only this one would not
/// notice.
#[test]
fn no_dependency_needs_a_newer_compiler_than_the_manifest_declares() {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // Of this platform alone: those are downloaded.
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host]);
    let output = metadata.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let declared = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    let newer =
        packages.iter().filter(|package| package["rust_version"].as_str().is_some_and(|text| version(text) > declared));
    let newer = newer.map(|package| format!("{} {}", package["name"], package["rust_version"])).collect::<Vec<_>>();
    assert!(newer.is_empty(), "these need a newer Rust than {declared:?}: {newer:?}");
}
