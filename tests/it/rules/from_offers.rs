//! Rules that are made from what the server itself has offered: they allow the same again, and no more than they say.

use serde_json::{Value, json};

use super::offers::{from, patterns};
use super::{bare, command, status, with};
use crate::harness::{Client, TestServer, altered};

/// Asks for the same and for others under a rule made from the offer, which must allow the first and, of the others, those
/// with `true`. A tool of its own keeps the rules apart.
fn covers(agent: &Client, ada: &Client, tool: &str, (input, pattern): (&Value, &str), others: &[(Value, bool)]) {
    let asking = |id: &str, input: &Value| {
        let registration = bare(&format!("{tool}-{id}"), input);
        with(&registration, &json!({"confirmation": with(&registration["confirmation"], &json!({"toolName": tool}))}))
    };
    let shown = agent.register(&asking("first", input));
    assert!(patterns(&shown).contains(&pattern), "{pattern} is not offered: {shown}");
    ada.post("/v1/trust-rules", &from(&format!("{tool}-first"), pattern, "everywhere")).expect(201);
    assert_eq!(status(agent, &asking("again", input)), "approved", "{pattern} on {input}");
    for (number, (other, allowed)) in others.iter().enumerate() {
        let found = status(agent, &asking(&number.to_string(), other));
        assert_eq!(found, if *allowed { "approved" } else { "pending" }, "{pattern} on {other}");
    }
}

#[test]
fn a_rule_made_from_an_offer_allows_the_same_again_and_nothing_wider_than_it_says() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let line = |line: &str, allowed: bool| (json!({"command": line}), allowed);
    let file = |path: &str, allowed: bool| (json!({"file_path": path}), allowed);
    let url = |url: &str, allowed: bool| (json!({"url": url}), allowed);
    let rows = [
        (line("git status -s", true), "git status -s", vec![line("git status", false), line("git status -s x", false)]),
        (
            line("git status -s", true),
            "git status *",
            vec![
                line("git status", true),
                line("git status --long", true),
                line("git stash", false),
                line("git status && rm -rf /", false),
                line("git status > x", false),
                line("git -c a=b status", false),
            ],
        ),
        (
            line("git add *", true),
            r"git add \*",
            vec![line("git add x", false), line("git add x y", false), line("git add", false)],
        ),
        (line("ls *.rs", true), r"ls \*.rs", vec![line("ls a.rs", false), line("ls -l *.rs", false)]),
        (line("a && b", true), "a && b", vec![line("a", false), line("b", false), line("a && b && c", false)]),
        (line("x=1 y $(z)", true), "x=1 y $(z)", vec![line("y $(z)", false), line("x=1 y $(w)", false)]),
        (
            file("/repo/src/a.rs", true),
            "/repo/src/*",
            vec![
                file("/repo/src/b.rs", true),
                file("/repo/src/x/b.rs", false),
                file("/repo/src/../Cargo.toml", false),
                file("/repo/src/.env", false),
                file("/repo/SRC/b.rs", false),
                file("/repo/src", false),
            ],
        ),
        (file("/repo/*/a", true), r"/repo/\*/a", vec![file("/repo/x/a", false)]),
        (file("/repo/*/a", true), r"/repo/\*/*", vec![file("/repo/x/a", false), file("/repo/*/b", true)]),
        (
            url("https://h.test/v1/x", true),
            "https://h.test/v1/*",
            vec![
                url("https://h.test/v1/y", true),
                url("https://h.test/v1/x/y", false),
                url("https://h.test/v2/x", false),
            ],
        ),
        (
            url("https://h.test/v1/x", true),
            "https://h.test/**",
            vec![
                url("https://h.test/v2/y/z", true),
                url("http://h.test/v1/x", false),
                url("https://h.test:8443/v1/x", false),
                url("https://h.test.evil.net/v1/x", false),
                url("https://h.test@evil.net/v1/x", false),
            ],
        ),
        (
            (json!({"b": "*", "a": 1}), true),
            r#"{"a":1,"b":"\*"}"#,
            vec![(json!({"a": 1, "b": "x"}), false), (json!({"a": 1, "b": "*", "c": 2}), false)],
        ),
    ];
    for (number, ((input, _), pattern, others)) in rows.iter().enumerate() {
        covers(&agent, &ada, &format!("tool{number}"), (input, pattern), others);
    }
}

/// A star that was escaped already has its escape escaped: no shell and no glob may read a wildcard into that.
#[test]
fn the_exact_pattern_of_a_line_with_an_escaped_star_is_that_line_alone() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let line = |line: &str, allowed: bool| (json!({"command": line}), allowed);
    let asked = json!({"command": r"ls \*"});
    let others = [line("ls *", false), line("ls a", false), line(r"ls '\x'", false), line(r"ls \\*", false)];
    covers(&agent, &ada, "tool", (&asked, r"ls \\*"), &others);
}

#[test]
fn what_the_server_offers_can_be_chosen_with_the_decision_and_holds_where_it_was_asked() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("c", "git log -1"));
    let chosen =
        json!({"requestId": "c", "decision": "allow", "selectedPattern": "git log *", "selectedScope": "/repo"});
    ada.post("/v1/confirm", &chosen).expect(200);
    let in_dir =
        |id: &str, dir: &str| altered(command(id, "git log -2"), &json!({"confirmation": {"workingDir": dir}}));
    assert_eq!(status(&agent, &in_dir("here", "/repo")), "approved");
    assert_eq!(status(&agent, &in_dir("below", "/repo/sub")), "approved");
    assert_eq!(status(&agent, &in_dir("elsewhere", "/other")), "pending");
    agent.register(&command("d", "git diff"));
    let wider = with(&chosen, &json!({"requestId": "d", "selectedPattern": "git *"}));
    assert_eq!(ada.post("/v1/confirm", &wider).refusal(), (403, "pattern_not_offered"));
    assert_eq!(server.stored("d"), "pending");
}

/// An agent that lost its answer repeats what it said, not what the server made of it.
#[test]
fn a_registration_that_offered_nothing_is_the_same_when_it_comes_again_whatever_was_offered_for_it() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let asked = command("c", "git status -s");
    let shown = agent.register(&asked);
    assert_eq!(patterns(&shown).len(), 2);
    let empty = json!({"confirmation": {"allowlistOptions": [], "scopeOptions": []}});
    for again in [asked.clone(), altered(asked.clone(), &empty)] {
        assert_eq!(agent.post("/v1/interactions", &again).expect(200).body, shown);
    }
    let options = shown["confirmation"]["allowlistOptions"].clone();
    let other = altered(asked.clone(), &json!({"confirmation": {"allowlistOptions": options}}));
    assert_eq!(agent.post("/v1/interactions", &other).refusal(), (409, "request_id_conflict"), "it says more");
    let token = agent.token.clone().unwrap();
    // Another server may offer something else.
    let server = server.restart(&["--max-pattern-bytes", "12"]);
    let agent = Client::new(&server.url, &token);
    assert_eq!(agent.post("/v1/interactions", &asked).expect(200).body, shown);
    assert_eq!(patterns(&agent.register(&command("d", "git status -s"))), ["git status *"]);
}
