//! What is offered for a lasting rule where the agent offers nothing: narrowest first, never wider than it says, and
//! nothing at all for what no rule may allow.

use serde_json::{Value, json};

use super::{bare, command};
use crate::harness::{TestServer, altered};

/// The patterns or scopes that a confirmation offers, in their order.
fn offered<'i>(interaction: &'i Value, list: &str, member: &str) -> Vec<&'i str> {
    let options = interaction["confirmation"][list].as_array().unwrap();
    assert!(options.iter().all(|option| option["label"].as_str().is_some_and(|label| !label.is_empty())));
    options.iter().map(|option| option[member].as_str().unwrap()).collect()
}

pub(super) fn patterns(interaction: &Value) -> Vec<&str> {
    offered(interaction, "allowlistOptions", "pattern")
}

fn scopes(interaction: &Value) -> Vec<&str> {
    offered(interaction, "scopeOptions", "scope")
}

/// The rule that allows what a request offers.
pub(super) fn from(request_id: &str, pattern: &str, scope: &str) -> Value {
    json!({"requestId": request_id, "pattern": pattern, "scope": scope, "decision": "allow"})
}

#[test]
fn the_narrowest_pattern_comes_first_and_a_wider_one_only_where_it_is_plain_what_it_means() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let line = |line: &str| json!({"command": line});
    let file = |path: &str| json!({"file_path": path});
    let url = |url: &str| json!({"url": url});
    let rows: &[(Value, &[&str])] = &[
        (line("git status -s"), &["git status -s", "git status *"]),
        (line("git status"), &["git status", "git status *"]),
        (line("/usr/bin/git status"), &["/usr/bin/git status", "/usr/bin/git status *"]),
        (line("git remote add origin x"), &["git remote add origin x", "git remote add *"]),
        (line("npm run test:unit"), &["npm run test:unit", "npm run test:unit *"]),
        // Where the second word says too little, it takes the third or nothing.
        (line("git remote"), &["git remote"]),
        (line("git -C /x status"), &["git -C /x status"]),
        (line("ls -la"), &["ls -la"]),
        (line("make deploy"), &["make deploy"]),
        (line("git status && rm -rf build"), &["git status && rm -rf build"]),
        (line("git log | head"), &["git log | head"]),
        (line("git status; git diff"), &["git status; git diff"]),
        (line("git log $(cat x)"), &["git log $(cat x)"]),
        (line("git log > /tmp/x"), &["git log > /tmp/x"]),
        (line("GIT_DIR=x git log"), &["GIT_DIR=x git log"]),
        (line("sudo apt install x"), &["sudo apt install x"]),
        (line("git \"sta"), &["git \"sta"]),
        // A star that was asked for is no wildcard.
        (line("ls *.rs"), &[r"ls \*.rs"]),
        (line("git add *"), &[r"git add \*"]),
        (line("grep 'a*b' x"), &[r"grep 'a\*b' x"]),
        (json!({"command": ["git", "add", "*"]}), &[r"git add '\*'", "git add *"]),
        (file("/repo/src/a.rs"), &["/repo/src/a.rs", "/repo/src/*"]),
        (json!({"path": "src/a.rs"}), &["src/a.rs", "src/*"]),
        (file("a.rs"), &["a.rs"]),
        (file("/a.rs"), &["/a.rs"]),
        (file("/repo/.env"), &["/repo/.env"]),
        (file("/repo/.github/ci.yml"), &["/repo/.github/ci.yml", "/repo/.github/*"]),
        (file("/repo/*/a.rs"), &[r"/repo/\*/a.rs", r"/repo/\*/*"]),
        (file("/repo/../etc/passwd"), &["/repo/../etc/passwd"]),
        (
            url("https://example.com/v1/users?page=2"),
            &["https://example.com/v1/users?page=2", "https://example.com/v1/*", "https://example.com/**"],
        ),
        (url("https://example.com/v1"), &["https://example.com/v1", "https://example.com/**"]),
        (url("https://example.com"), &["https://example.com", "https://example.com/**"]),
        (url("https://user@example.com/v1/x"), &["https://user@example.com/v1/x"]),
        (url("https://example.com/v1/%2e%2e/x"), &["https://example.com/v1/%2e%2e/x"]),
        (json!({"query": "select *", "limit": 5}), &[r#"{"limit":5,"query":"select \*"}"#, "*"]),
        (json!({}), &["{}", "*"]),
        // What is beside the subject stays as it is, and is named.
        (json!({"command": "git status", "env": {"GIT_DIR": "/x"}}), &["git status", "git status *"]),
        (json!({"command": "git status", "file_path": "/etc/passwd"}), &["git status", "git status *"]),
    ];
    for (number, (input, expected)) in rows.iter().enumerate() {
        let shown = agent.register(&bare(&format!("c{number}"), input));
        assert_eq!(patterns(&shown), *expected, "{input}");
        assert_eq!(scopes(&shown), ["/repo", "everywhere"], "{input}");
    }
}

#[test]
fn nothing_is_offered_for_what_shows_one_thing_and_is_another() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let inputs = [
        json!({"command": "git st\u{200b}atus"}),
        json!({"command": "g\u{456}t status"}),
        json!({"command": "git status \u{202e}"}),
        json!({"command": "git status\u{7}"}),
        json!({"file_path": "/repo/\u{430}.rs"}),
        json!({"url": "https://ex\u{430}mple.com/x"}),
        json!({"query": "sel\u{200d}ect"}),
    ];
    for (number, input) in inputs.iter().enumerate() {
        let id = format!("c{number}");
        let shown = agent.register(&bare(&id, input));
        assert_eq!(patterns(&shown), [""; 0], "{input}");
        let subject = shown["confirmation"]["subject"].as_str().unwrap();
        let refused = ada.post("/v1/trust-rules", &from(&id, subject, "everywhere"));
        assert_eq!(refused.refusal(), (403, "pattern_not_offered"), "{input}");
    }
    let own_words = altered(command("words", "rm -rf /"), &json!({"confirmation": {"subject": "git status"}}));
    assert_eq!(patterns(&agent.register(&own_words)), [""; 0], "the subject is not what is done");
}

#[test]
fn what_the_agent_offers_itself_is_left_as_it_is() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let own_patterns = json!([{"label": "all", "description": "d", "pattern": "git *"}]);
    let own_scopes = json!([{"label": "team", "scope": "team"}]);
    let asking = |id: &str, options: &Value| {
        agent.register(&altered(command(id, "git status"), &json!({"confirmation": options})))
    };
    let shown = asking("both", &json!({"allowlistOptions": own_patterns, "scopeOptions": own_scopes}));
    assert_eq!(shown["confirmation"]["allowlistOptions"], own_patterns);
    assert_eq!(shown["confirmation"]["scopeOptions"], own_scopes);
    let shown = asking("patterns", &json!({"allowlistOptions": own_patterns}));
    assert_eq!((patterns(&shown), scopes(&shown)), (vec!["git *"], vec!["/repo", "everywhere"]));
    let shown = asking("scopes", &json!({"scopeOptions": own_scopes}));
    assert_eq!((patterns(&shown), scopes(&shown)), (vec!["git status", "git status *"], vec!["team"]));
}

#[test]
fn nothing_is_offered_where_no_lasting_decision_is_allowed() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let once = json!({"confirmation": {"persistentDecisionsAllowed": false}});
    let shown = agent.register(&altered(command("c", "git status"), &once));
    assert_eq!((patterns(&shown), scopes(&shown)), (vec![], vec![]));
    let refused = ada.post("/v1/trust-rules", &from("c", "git status", "everywhere"));
    assert_eq!(refused.refusal(), (403, "persistent_decisions_not_allowed"));
}

/// Else a rule could be chosen that no approver may make.
#[test]
fn no_pattern_is_offered_that_is_longer_than_patterns_may_be() {
    for (most, expected) in
        [("22", vec!["git commit -m 'a word'", "git commit *"]), ("21", vec!["git commit *"]), ("11", vec![])]
    {
        let server = TestServer::with(&["--max-pattern-bytes", most]);
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        let shown = agent.register(&command("c", "git commit -m 'a word'"));
        assert_eq!(patterns(&shown), expected, "{most}");
        for pattern in expected {
            ada.post("/v1/trust-rules", &from("c", pattern, "everywhere")).expect(201);
        }
    }
}

#[test]
fn the_directory_comes_before_everywhere_and_only_where_it_is_one() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for (number, (dir, expected)) in [
        (json!("/repo/sub"), vec!["/repo/sub", "everywhere"]),
        (Value::Null, vec!["everywhere"]),
        (json!("/"), vec!["everywhere"]),
        (json!("/repo/.."), vec!["everywhere"]),
        (json!("/repo/../.."), vec!["everywhere"]),
        (json!("repo"), vec!["everywhere"]),
        (json!(""), vec!["everywhere"]),
        (json!("~/repo"), vec!["everywhere"]),
    ]
    .into_iter()
    .enumerate()
    {
        let from = altered(command(&format!("c{number}"), "ls"), &json!({"confirmation": {"workingDir": dir}}));
        assert_eq!(scopes(&agent.register(&from)), expected, "{dir}");
    }
}
