//! Who may import whom. The floors of the house, from the cellar up: a module names only what is below it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the crate, floor by floor; those of one floor do not know of each other, unless it is the lowest:
/// there the clock's times and the domain's words may meet.
const FLOORS: &[&[&str]] = &[
    &["clock", "domain"],
    &["config", "metrics", "rules_file", "waiters"],
    &["credentials"],
    &["client", "logging", "store"],
    &["sealer", "tokens"],
    &["service"],
    &["http"],
    &["web"],
    &["server"],
    &["cli"],
    &["main"],
];

/// Crates that only these modules name, so that they can be exchanged there.
const KEPT_IN: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("r2d2_sqlite", &["store"]),
    ("refinery", &["store"]),
    ("axum", &["http", "web"]),
    ("ureq", &["client"]),
    ("prometheus_client", &["metrics"]),
    ("ratatui", &["cli"]),
];

struct Source {
    path: PathBuf,
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
                found.push(Source { path, module, code });
            }
        }
    }
    found
}

/// Comments may name anything. A `//` inside a string cuts the rest of its line, too: that only hides strings.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The words that come right after `prefix`, groups in braces taken apart.
fn named_after<'c>(code: &'c str, prefix: &str) -> BTreeSet<&'c str> {
    let word = |text: &'c str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => {
                names.insert(word(rest));
            }
            Some(group) => {
                let mut depth = 0;
                let mut start = 0;
                for (place, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            names.insert(word(group[start..place].trim_start()));
                            start = place + 1;
                        }
                        _ => {}
                    }
                    if c == '}' && start > place {
                        break;
                    }
                }
            }
        }
    }
    names.remove("");
    names
}

/// What a file names of the crate's own modules. `super::super` would climb out of a module unseen: nothing uses it.
fn imports(source: &Source) -> BTreeSet<&str> {
    assert!(!source.code.contains("super::super"), "{}: say crate::", source.path.display());
    let own = if source.module == "main" { "countersign::" } else { "crate::" };
    named_after(&source.code, own)
}

fn floor_of(module: &str) -> usize {
    let floor = FLOORS.iter().position(|floor| floor.contains(&module));
    floor.unwrap_or_else(|| panic!("{module} has no floor yet: give it one in FLOORS"))
}

#[test]
fn nobody_imports_from_a_higher_floor() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let floor = floor_of(&source.module);
        for import in imports(source) {
            let allowed = import == source.module || floor_of(import) < floor || (floor == 0 && floor_of(import) == 0);
            if !allowed {
                wrong.push(format!("{} imports {import}", source.path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// One floor at a time at the top: nothing but the command line is the program's, nothing but the server speaks HTTP.
#[test]
fn the_upper_floors_are_entered_by_one_door() {
    let doors: [(&str, &[&str]); 5] = [
        ("cli", &["main"]),
        ("client", &["cli"]),
        ("server", &["cli"]),
        ("web", &["server"]),
        ("http", &["server", "web"]),
    ];
    for (above, doors) in doors {
        let is_inside = |module: &str| module == above || doors.contains(&module);
        for source in sources().iter().filter(|source| !is_inside(&source.module)) {
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
            assert!(!named || by.contains(&source.module.as_str()), "{} names {wrapped}", source.path.display());
        }
    }
}

/// No I/O, no threads and no randomness of its own where the rules are: they can be read, and tested, by themselves.
#[test]
fn the_domain_does_nothing() {
    for source in sources().iter().filter(|source| source.module == "domain") {
        for outside in ["std::fs", "std::io", "std::net", "std::thread", "std::process", "std::env", "tokio", "tracing"]
        {
            assert!(!source.code.contains(outside), "{} names {outside}", source.path.display());
        }
    }
}

#[test]
fn the_reading_of_imports_sees_groups_and_not_comments() {
    let code = without_comments(
        "// crate::http\nuse crate::{clock::Clock, store::{self, Page}, domain};\nlet x = crate::cli::run();",
    );
    assert_eq!(named_after(&code, "crate::"), BTreeSet::from(["cli", "clock", "domain", "store"]));
}
