//! A rule is never wider than what was offered for it.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{META, always, soup};
use crate::matching::asked::{Asked, Kind, rules};
use crate::matching::shell;
use countersign::domain::enums::RuleDecision;

const KINDS: [Kind; 5] = [Kind::Command, Kind::Path, Kind::Url, Kind::Text, Kind::Own];

const COMMANDS: &[&str] = &[
    "git log",
    "git push origin main",
    "ls -la",
    "npm run build",
    "rm -rf x",
    "cargo test",
    "docker compose up -d",
    "find . -name '*.rs'",
    "echo \"a b\"",
    "sudo ls",
    "ls *",
    "ls '*'",
    "kubectl get pods",
    "sed -i s/a/b/ f",
    "gh pr view 3",
    "kubectl delete --dry-run=client pod x",
    "git clean -n",
    "uv run pytest -q",
    "bundle exec rspec x",
    "git push origin main --force",
    "deno eval 1",
];

const PATHS: &[&str] = &["/srv/a/b.txt", "a/b", "~/notes/x", "/", "a", ".env", "/srv/.git/config", "a/*", "/srv/a*b"];

const URLS: &[&str] = &[
    "https://example.com/a/b",
    "https://example.com",
    "http://a.b.example.com:8080/x?y=z#w",
    "https://example.com/*",
    "https://[::1]/a",
    "ftp://example.com/a/",
];

/// Subjects of every kind, most of them such as agents send.
fn subjects() -> impl Strategy<Value = (Kind, String)> {
    let own = |texts: &'static [&str]| select(texts).prop_map(str::to_owned);
    let text = prop_oneof![
        2 => own(COMMANDS),
        2 => own(PATHS),
        2 => own(URLS),
        2 => soup(select(COMMANDS)),
        1 => "[ -~]{1,30}",
        1 => any::<String>(),
    ];
    (select(&KINDS[..]), text)
}

/// Another subject, perhaps not far away.
fn neighbour(text: &str, at: &Index, piece: &str) -> String {
    let places = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect::<Vec<_>>();
    let at = places[at.index(places.len())];
    format!("{}{piece}{}", &text[..at], &text[at..])
}

/// Whether two texts are, by a second reading, one and the same subject.
fn are_the_same(kind: Kind, a: &str, b: &str) -> bool {
    let words = |text: &str| shell::commands(text).filter(|found| found.iter().flatten().all(Option::is_some));
    let url = |text: &str| {
        let (before, rest) = text.split_once("://").unwrap_or_default();
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = host.to_ascii_lowercase();
        let port = if before == "https" { ":443" } else { ":80" };
        (before.to_ascii_lowercase(), host.trim_end_matches(port).to_owned(), path.to_owned())
    };
    let path = |text: &str| {
        let root = text.starts_with('/');
        (root, text.split('/').filter(|name| !matches!(*name, "" | ".")).map(str::to_owned).collect::<Vec<_>>())
    };
    if a == b {
        return true;
    }
    let same_words = words(a).is_some_and(|found| words(b) == Some(found));
    match kind {
        Kind::Command => same_words,
        Kind::Path => path(a) == path(b),
        Kind::Url => url(a) == url(b),
        Kind::Text => false,
        Kind::Own => same_words || (url(a) == url(b) && a.contains("://")),
    }
}

#[test]
fn every_pattern_that_is_offered_allows_what_it_was_offered_for() {
    let offered = Cell::new(0);
    always(3000, &subjects(), |(kind, text)| {
        let Some(asked) = Asked::new(kind, &text) else {
            return Ok(());
        };
        for offer in asked.offers() {
            offered.set(offered.get() + 1);
            prop_assert!(asked.is_allowed_by(&rules(RuleDecision::Allow, &[&offer])), "{offer:?} for {text:?}");
        }
        Ok(())
    });
    assert!(offered.get() > 1000, "who offers nothing proves nothing: {offered:?}");
}

#[test]
fn the_first_pattern_that_is_offered_allows_that_subject_and_no_other() {
    let pieces = prop_oneof![select(META).prop_map(str::to_owned), "[a-z/.*-]{1,2}", Just(" x".to_owned())];
    always(4000, &(subjects(), any::<Index>(), pieces, subjects()), |((kind, text), at, piece, (_, other))| {
        let Some(exact) = Asked::new(kind, &text).and_then(|asked| asked.offers().into_iter().next()) else {
            return Ok(());
        };
        // Whether a home is quoted depends on where: the corpus of bypasses has the ways.
        prop_assume!(!text.contains('~'));
        let rules = rules(RuleDecision::Allow, &[&exact]);
        for other in [neighbour(&text, &at, &piece), other] {
            let Some(asked) = Asked::new(kind, &other).filter(|_| !are_the_same(kind, &text, &other) && other != exact)
            else {
                continue;
            };
            prop_assert!(!asked.is_allowed_by(&rules), "{exact:?}, offered for {text:?}, allows {other:?}");
        }
        Ok(())
    });
}

/// What goes beyond the subject goes on where the subject went, and leads to no other program, directory or host.
#[test]
fn a_wider_pattern_that_is_offered_stays_with_the_program_the_directory_or_the_host() {
    let beyond = |kind: Kind, text: &str| match kind {
        Kind::Command | Kind::Own => ["CANARY", "git CANARY", "ls; CANARY", "rm -rf /"].map(str::to_owned),
        Kind::Path => {
            ["/CANARY", "/srv/a/../../CANARY", "/srv/ab/CANARY", "/srv/a/b/../../../CANARY"].map(str::to_owned)
        }
        Kind::Url | Kind::Text => {
            let evil = text.replacen("example.com", "example.com.CANARY.net", 1);
            let user = text.replacen("://", "://CANARY@", 1);
            let host = text.split('/').take(3).collect::<Vec<_>>().join("/");
            [evil, user, "https://CANARY.net".to_owned(), host + "/CANARY/../../x"]
        }
    };
    let known = prop_oneof![
        (Just(Kind::Command), select(COMMANDS)),
        (Just(Kind::Path), select(PATHS)),
        (Just(Kind::Url), select(URLS)),
    ];
    always(200, &known, |(kind, text)| {
        let asked = Asked::new(kind, text).ok_or_else(|| TestCaseError::fail("no subject"))?;
        for offer in asked.offers() {
            let rules = rules(RuleDecision::Allow, &[&offer]);
            for other in beyond(kind, text).iter().filter(|other| other.contains("CANARY") || kind == Kind::Command) {
                let other = Asked::new(kind, other).ok_or_else(|| TestCaseError::fail("no subject"))?;
                prop_assert!(
                    other.subject() == text || !other.is_allowed_by(&rules),
                    "{offer:?}, offered for {text:?}, allows {:?}",
                    other.subject()
                );
            }
        }
        Ok(())
    });
}
