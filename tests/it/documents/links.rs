//! Links of the documents, and the paths that they name.

use std::path::{Component, Path, PathBuf};

use super::{Document, documents, root};

/// What stands behind the `#` of a link to this heading, as the forges make it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `a/b/../c` as `a/c`.
fn resolved(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut resolved, component| {
        if component == Component::ParentDir {
            assert!(resolved.pop(), "{} leaves the repository", path.display());
        } else {
            resolved.push(component);
        }
        resolved
    })
}

/// What is wrong with a link of `document`, if anything.
fn fault(document: &Document, link: &str, all: &[Document]) -> Option<String> {
    let (path, heading) = link.split_once('#').map_or((link, None), |(path, heading)| (path, Some(heading)));
    let target = match path {
        "" => document.path.clone(),
        path => resolved(&document.path.parent().unwrap().join(path)),
    };
    if !root().join(&target).exists() {
        return Some(format!("{}: {link}: there is no such file", document.path.display()));
    }
    let heading = heading?;
    let found = all.iter().find(|other| other.path == target);
    let is_there = found.is_some_and(|other| other.headings.iter().any(|text| anchor(text) == heading));
    (!is_there).then(|| format!("{}: {link}: there is no such heading", document.path.display()))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let all = documents();
    let local = |link: &&String| !link.starts_with("https://") && !link.starts_with("mailto:");
    let faults = all.iter().flat_map(|document| {
        let links = document.links.iter().filter(local);
        links.filter_map(|link| fault(document, link, &all)).collect::<Vec<_>>()
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_document_is_linked_from_the_index_or_the_readme() {
    let all = documents();
    let indexes = all.iter().filter(|document| document.path.ends_with("README.md"));
    let linked = indexes.flat_map(|index| {
        let folder = index.path.parent().unwrap();
        index.links.iter().map(|link| resolved(&folder.join(link.split('#').next().unwrap()))).collect::<Vec<_>>()
    });
    let linked = linked.collect::<Vec<_>>();
    let unlinked = all.iter().map(|document| &document.path).filter(|path| !linked.contains(path));
    assert_eq!(unlinked.collect::<Vec<_>>(), ["README.md"].map(Path::new));
}

/// The path that a code names: without arguments, and where a part is left open, the folder that it is in.
fn named_path(code: &str) -> &str {
    let end = code.find([' ', '<', '*', '{']).unwrap_or(code.len());
    let path = &code[..end];
    if code[end..].starts_with(['<', '*', '{']) { path.rsplit_once('/').unwrap().0 } else { path }
}

#[test]
fn every_path_of_the_repository_that_a_document_names_is_there() {
    const FOLDERS: [&str; 8] =
        ["benches/", "docs/", "fuzz/", "migrations/", "scripts/", "src/", "templates/", "tests/"];
    let mut missing = Vec::new();
    for document in documents() {
        let paths = document.code.iter().filter(|code| FOLDERS.iter().any(|folder| code.starts_with(folder)));
        for path in paths.map(|code| named_path(code)) {
            if !root().join(path).exists() {
                missing.push(format!("{}: {path}", document.path.display()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn an_anchor_is_what_forges_make_of_a_heading() {
    assert_eq!(anchor("`POST /v1/interactions/{requestId}/claim`"), "post-v1interactionsrequestidclaim");
    assert_eq!(anchor("Whose requests are taken?"), "whose-requests-are-taken");
}
