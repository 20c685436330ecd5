//! Which module may import which: a module names only modules on layers below its own.
//!
//! The sources are read as text. That finds every path that begins with `crate::`, and the tests refuse the ways around it:
//! `super::super`, and a group in braces right after `crate::`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate, layer by layer from the lowest up. Modules of one layer do not import each other, except on the
/// lowest: the clock's times and the domain's types may.
const LAYERS: &[&[&str]] = &[
    &["clock", "domain"],
    &["dialects"],
    &["api", "present"],
    &["config", "connect", "csv", "fair_queue", "files", "metrics", "rules_file", "shares", "waiters"],
    &["credentials"],
    &["client", "logging", "store"],
    &["notify", "sealer", "tokens"],
    &["service"],
    &["http"],
    &["web"],
    &["server"],
    &["cli"],
    &["main"],
];

/// Crates that only these modules name, or parts of one, so that they can be exchanged there.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["store/sqlite"]),
    ("r2d2", &["store/postgres", "store/sqlite"]),
    ("r2d2_sqlite", &["store/sqlite"]),
    ("refinery", &["store/postgres", "store/sqlite"]),
    ("tokio_postgres", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("axum", &["http", "web"]),
    ("cookie", &["web"]),
    ("ureq", &["client"]),
    ("prometheus_client", &["metrics"]),
    ("ratatui", &["cli"]),
    ("rmcp", &["http"]),
    ("lettre", &["notify"]),
    ("web_push_native", &["notify"]),
    ("qrcode", &["cli"]),
];

struct Source {
    path: PathBuf,
    /// Where it is inside `src`, without its ending.
    inside: PathBuf,
    module: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap().with_extension("");
                let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
                let code = without_comments(&fs::read_to_string(&path).unwrap());
                found.push(Source { path, inside, module, code });
            }
        }
    }
    found
}

/// Comments may name anything. A `//` inside a string cuts the rest of its line as well, which may hide a string only.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// What a file names of the crate's own modules.
fn imports(source: &Source) -> BTreeSet<&str> {
    let own = if source.module == "main" { "countersign::" } else { "crate::" };
    for hidden in ["super::super", "crate::{", "countersign::{"] {
        assert!(!source.code.contains(hidden), "{}: {hidden} hides an import from this test", source.path.display());
    }
    named_after(&source.code, own)
}

/// The names that follow `prefix`.
fn named_after<'c>(code: &'c str, prefix: &str) -> BTreeSet<&'c str> {
    let ends = |c: char| !c.is_alphanumeric() && c != '_';
    code.split(prefix).skip(1).map(|rest| rest.split(ends).next().unwrap_or_default()).collect()
}

fn layer_of(module: &str) -> usize {
    let layer = LAYERS.iter().position(|layer| layer.contains(&module));
    layer.unwrap_or_else(|| panic!("{module} has no layer yet: give it one in LAYERS"))
}

#[test]
fn no_module_imports_from_a_higher_layer() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let layer = layer_of(&source.module);
        for import in imports(source) {
            let allowed = import == source.module || layer_of(import) < layer || (layer == 0 && layer_of(import) == 0);
            if !allowed {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Otherwise the server could come to depend on its own command line, or a use case on HTTP.
#[test]
fn each_upper_layer_is_imported_from_known_modules_only() {
    let importers: [(&str, &[&str]); 5] = [
        ("cli", &["main"]),
        ("client", &["cli"]),
        ("server", &["cli"]),
        ("web", &["server"]),
        ("http", &["server", "web"]),
    ];
    for (above, importers) in importers {
        let may_name = |module: &str| module == above || importers.contains(&module);
        for source in sources().iter().filter(|source| !may_name(&source.module)) {
            assert!(!imports(source).contains(above), "{} imports {above}", source.path.display());
        }
    }
}

#[test]
fn a_crate_that_one_module_wraps_is_named_nowhere_else() {
    for source in sources() {
        for (wrapped, by) in KEPT_IN {
            let named =
                source.code.contains(&format!("{wrapped}::")) || source.code.contains(&format!("use {wrapped}"));
            let is_in = |folder: &&str| source.inside.starts_with(folder);
            assert!(!named || by.iter().any(is_in), "{} names {wrapped}", source.path.display());
        }
    }
}

/// Otherwise a use case could forget to see whether its caller's token is still in force. The service's key is looked at before
/// there is a caller, and the probe of the disk writes nothing that anybody reads.
#[test]
fn use_cases_write_for_a_caller_or_for_the_server_itself() {
    for source in sources().iter().filter(|source| source.module == "service") {
        let is_known =
            ["service/caller", "service/health", "service/key"].iter().any(|file| source.inside.ends_with(file));
        let words = source.code.split_whitespace().collect::<String>();
        assert!(is_known || !words.contains("store.write"), "{} writes for nobody", source.path.display());
    }
}

/// Otherwise the rules could not be read, and tested, by themselves.
#[test]
fn the_domain_does_no_input_or_output_and_starts_no_thread() {
    for source in sources().iter().filter(|source| source.module == "domain") {
        for outside in ["std::fs", "std::io", "std::net", "std::thread", "std::process", "std::env", "tokio", "tracing"]
        {
            assert!(!source.code.contains(outside), "{} names {outside}", source.path.display());
        }
    }
}

#[test]
fn imports_are_found_in_any_place_and_not_in_comments() {
    let code = without_comments(
        "// crate::http\nuse crate::store::{self, Page};\nlet x = crate::cli::run(crate::clock::now()); //! crate::web",
    );
    assert_eq!(named_after(&code, "crate::"), BTreeSet::from(["cli", "clock", "store"]));
}
