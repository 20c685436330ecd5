//! `GET /v1/interactions/{requestId}/why`: why a person is asked, which rules came nearest, and what of them missed.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{asking, bare, command, made_id, picture, rule, with};
use crate::harness::{Client, TestServer, altered, question, secret};

#[track_caller]
fn why(client: &Client, request_id: &str) -> Value {
    client.get(&format!("/v1/interactions/{request_id}/why")).expect(200).body
}

/// What is said of the rules that came nearest: the part that missed, and why.
fn near(why: &Value) -> Vec<(Option<&str>, &str)> {
    let nearest = why["nearest"].as_array().unwrap();
    nearest.iter().map(|near| (near["missed"].as_str(), near["because"].as_str().unwrap())).collect()
}

/// What is said where this is asked beside these rules, none of which decides it.
#[track_caller]
fn asked(rules: &[Value], request: &Value) -> Value {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for rule in rules {
        made_id(&ada, rule);
    }
    assert_eq!(agent.register(&with(request, &json!({"requestId": "r"})))["status"], "pending", "{request}");
    why(&ada, "r")
}

fn line(line: &str) -> Value {
    command("r", line)
}

fn input(input: &Value) -> Value {
    bare("r", input)
}

/// The same request with some members of its confirmation replaced or added.
fn with_asked(request: Value, changes: &Value) -> Value {
    altered(request, &json!({"confirmation": changes}))
}

fn allow(pattern: &str, changes: &Value) -> Value {
    with(&rule("allow", pattern), changes)
}

#[test]
fn each_part_that_misses_is_named_with_the_word_in_it() {
    let none = json!({});
    let host = |host: &str| json!({"command": "ls", "host": host});
    let rows: Vec<(Value, Value, &str, &str)> = vec![
        (allow("npm test", &none), line("npm test --watch"), "pattern", "`--watch` is a further word"),
        (allow("npm *", &none), line("make test"), "pattern", "it runs `make`, and the rule is about `npm`"),
        (
            allow("git log *", &none),
            line("git log --output=x"),
            "pattern",
            "`--output=x` is an option that is not known to be harmless",
        ),
        (allow("git push origin *", &none), line("git push"), "pattern", "`origin` of the pattern is missing"),
        (allow("make staging", &none), line("make prod"), "pattern", "`prod` stands where the pattern says `staging`"),
        (allow("cat src/*", &none), line("cat doc/x"), "pattern", "`doc/x` stands where the pattern says `src/*`"),
        (allow("cp * b", &none), line("cp -r b"), "pattern", "`-r` is an option, and no `*` stands for one"),
        (
            allow("sudo *", &none),
            line("sudo ls"),
            "pattern",
            "`sudo` runs what its words say, and no `*` stands for that",
        ),
        (
            allow("ls", &json!({"scope": "/srv"})),
            line("ls"),
            "scope",
            "the rule is about `/srv`, and this runs in `/repo`",
        ),
        (
            allow("ls", &json!({"scope": "team-a"})),
            line("ls"),
            "scope",
            "the request does not offer the scope `team-a`",
        ),
        (
            allow("ls", &json!({"scope": "conversation:other"})),
            with(&line("ls"), &json!({"conversationId": "mine"})),
            "scope",
            "the rule is about the conversation `other`, and this belongs to `mine`",
        ),
        (
            allow("ls *", &json!({"scope": "/repo"})),
            line("cd /etc && ls a"),
            "scope",
            "in `ls a`, the rule is about `/repo`, and the line goes to another directory",
        ),
        (
            allow("ls", &json!({"agent": "other"})),
            line("ls"),
            "agent",
            "the rule is about the agent `other`, and `builder` asks",
        ),
        (
            allow("ls", &json!({"executionTarget": "host"})),
            with_asked(line("ls"), &json!({"executionTarget": "sandbox"})),
            "executionTarget",
            "the rule is about what runs on `host`, and this runs on `sandbox`",
        ),
        (
            allow("ls", &json!({"executionTarget": "host"})),
            line("ls"),
            "executionTarget",
            "the rule is about what runs on `host`, and the request does not say where it runs",
        ),
        (
            allow("ls", &json!({"members": {"/host": "staging-*"}})),
            input(&host("prod")),
            "members",
            "the member `host` is `prod`, and the rule says `staging-*`",
        ),
        (allow("ls", &none), input(&host("prod")), "members", "the rule does not speak of the member `host`"),
        (
            allow("ls", &json!({"members": {"/host": "staging"}})),
            line("ls"),
            "members",
            "the member `host` is missing, and the rule says `staging` (the input has `command`)",
        ),
        (
            allow("ls", &json!({"members": {"": "*"}})),
            input(&json!({"command": "ls", "shell_command": "id"})),
            "members",
            "the member `shell_command` looks like another subject, and the rule does not name it",
        ),
        (
            allow("ls", &none),
            with_asked(line("ls"), &json!({"riskLevel": "high"})),
            "risk",
            "the risk is high, and the rule does not allow high risk",
        ),
        (
            allow("npm test *", &none),
            line("npm test > out"),
            "pattern",
            "it reads or writes a file by redirection: `> out`",
        ),
        (allow("echo *", &none), line("echo $(id)"), "pattern", "it runs a command inside a word: `$(id)`"),
        (allow("git log *", &none), line("git log && rm -rf x"), "pattern", "no rule covers `rm -rf x`"),
        (
            allow("rm *", &none),
            line("rm -rf x; whoami"),
            "pattern",
            "in `rm -rf x`, `-rf` is an option that is not known to be harmless",
        ),
        (
            allow("/repo/src/**", &none),
            input(&json!({"file_path": "/repo/src/.env"})),
            "pattern",
            "`.env` begins with a dot, and no `*` stands for that",
        ),
        (
            allow("/repo/src/**", &none),
            input(&json!({"file_path": "/etc/passwd"})),
            "pattern",
            "the pattern `/repo/src/**` does not cover `/etc/passwd`",
        ),
        (
            allow("https://a.example/**", &none),
            input(&json!({"url": "https://b.example/x"})),
            "pattern",
            "the rule is about the host `a.example`, and this is `b.example`",
        ),
    ];
    for (rule, request, missed, because) in rows {
        let said = asked(std::slice::from_ref(&rule), &request);
        assert_eq!(near(&said), [(Some(missed), because)], "{rule} {request}: {said}");
        assert_eq!(said["requestId"], "r");
    }
}

#[test]
fn the_whole_is_said_in_one_sentence() {
    let high = json!({"riskLevel": "high"});
    let rows: Vec<(Vec<Value>, Value, &str, &str)> = vec![
        (vec![], line("ls"), "no_rule", "no rule speaks of the tool `shell`"),
        (
            vec![with(&rule("allow", "*"), &json!({"toolName": "other"}))],
            line("ls"),
            "no_rule",
            "no rule speaks of the tool `shell`",
        ),
        (vec![rule("deny", "rm *")], line("ls"), "no_rule", "no rule that allows speaks of the tool `shell`"),
        (vec![rule("allow", "git *")], line("ls"), "not_covered", "no rule covers all of it"),
        (vec![rule("allow", "git *")], line("git log && ls"), "not_covered", "no rule covers `ls`"),
        (
            vec![rule("allow", "ls")],
            with_asked(line("ls"), &high),
            "high_risk",
            "the risk is high, and no rule of the tool `shell` allows high risk",
        ),
        (
            vec![allow("git", &json!({"allowHighRisk": true}))],
            with_asked(line("ls"), &high),
            "not_covered",
            "no rule covers all of it",
        ),
        (
            vec![rule("allow", "ls *")],
            line("ls >> log"),
            "doubtful",
            "it reads or writes a file by redirection: `>> log`",
        ),
        (
            vec![rule("allow", "ls *")],
            line("ls \u{202e}x"),
            "doubtful",
            "it holds characters that are not what they look like",
        ),
    ];
    for (rules, request, reason, because) in rows {
        let said = asked(&rules, &request);
        assert_eq!((said["reason"].as_str(), said["because"].as_str()), (Some(reason), Some(because)), "{said}");
    }
}

#[test]
fn a_rule_that_asks_or_may_deny_is_what_is_named() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &rule("allow", "git *"));
    let asks = made_id(&ada, &rule("ask", "git push *"));
    let denies = made_id(&ada, &with(&rule("deny", "rm *"), &json!({"executionTarget": "host"})));
    agent.register(&command("push", "git push origin"));
    agent.register(&command("rm", "rm x"));
    let said = why(&ada, "push");
    assert_eq!(said["reason"], "rule_asks");
    assert_eq!(said["because"], format!("the rule `{asks}` says `ask`"));
    assert_eq!(
        said["nearest"],
        json!([{"ruleId": asks, "decision": "ask", "missed": null, "because": "it says `ask`"}])
    );
    let said = why(&ada, "rm");
    assert_eq!(said["reason"], "rule_may_apply");
    assert_eq!(
        said["nearest"],
        json!([{"ruleId": denies, "decision": "deny", "missed": "executionTarget",
            "because": "the rule is about what runs on `host`, and the request does not say where it runs"}])
    );
    // What only may be it, by its words.
    agent.register(&command("hidden", "git -C /x push"));
    let said = why(&ada, "hidden");
    assert_eq!(near(&said), [(Some("pattern"), "it only may be what the pattern `git push *` is about")]);
}

#[test]
fn a_rule_that_is_younger_than_the_request_is_said_to_be() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("r", "ls"));
    let id = made_id(&ada, &rule("allow", "ls"));
    let said = why(&ada, "r");
    assert_eq!((said["reason"].as_str(), near(&said)), (Some("decided_since"), vec![]));
    assert_eq!(said["because"], format!("the rule `{id}` allows it by now, and did not when it was registered"));
}

#[test]
fn fewer_parts_come_first_and_three_are_named() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let other = json!({"agent": "other"});
    let far = made_id(&ada, &rule("allow", "make test"));
    let two = made_id(&ada, &with(&rule("allow", "npm run test"), &with(&other, &json!({"scope": "/srv"}))));
    let words = made_id(&ada, &rule("allow", "npm install"));
    let agents = made_id(&ada, &with(&rule("allow", "npm run *"), &other));
    let further = made_id(&ada, &rule("allow", "npm run"));
    agent.register(&command("r", "npm run test"));
    let said = why(&ada, "r");
    let ids = |said: &Value| {
        let nearest = said["nearest"].as_array().unwrap().clone();
        nearest.iter().map(|near| near["ruleId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&said), [agents.as_str(), &further, &words], "{said}");
    for id in [&agents, &words, &further] {
        ada.delete(&format!("/v1/trust-rules/{id}")).expect(200);
    }
    // What is about another program comes last, and what is revoked not at all.
    let said = why(&ada, "r");
    assert_eq!(ids(&said), [two, far]);
    assert_eq!(
        near(&said)[0],
        (
            Some("agent"),
            "the rule is about the agent `other`, and `builder` asks; the rule is about `/srv`, and this runs in `/repo`"
        )
    );
}

#[test]
fn a_rule_that_has_ended_is_not_near() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &with(&rule("allow", "ls"), &json!({"maxUses": 1})));
    made_id(&ada, &with(&rule("allow", "ls -l"), &json!({"expiresInMs": 1000})));
    assert_eq!(agent.register(&command("used", "ls"))["status"], "approved");
    agent.register(&command("r", "ls -a"));
    assert_eq!(near(&why(&ada, "r")), [(Some("pattern"), "`-a` stands where the pattern says `-l`")]);
    server.advance(Duration::from_secs(1));
    let said = why(&ada, "r");
    assert_eq!((&said["reason"], &said["nearest"]), (&json!("no_rule"), &json!([])));
}

/// An agent that could read the rules could write what they let pass.
#[test]
fn reviewers_are_told_and_agents_are_not() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &rule("allow", "npm test"));
    agent.register(&command("r", "npm test x"));
    assert_eq!(agent.get("/v1/interactions/r/why").refusal(), (403, "forbidden"));
    assert_eq!(server.agent("other").get("/v1/interactions/r/why").refusal(), (403, "forbidden"));
    assert!(agent.look("r").get("why").is_none());
    let before = picture(&server);
    for role in [Role::Approver, Role::Auditor, Role::Admin] {
        let said = why(&server.client(&format!("a-{role}"), role), "r");
        assert_eq!(near(&said), [(Some("pattern"), "`x` is a further word")]);
    }
    assert_eq!(picture(&server), before);
}

#[test]
fn what_is_over_or_no_confirmation_is_refused() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&question("q"));
    agent.register(&secret("s"));
    agent.register(&command("r", "ls"));
    agent.register(&with(&command("late", "ls"), &json!({"expiresInMs": 1000})));
    let refused = |id: &str| {
        let answer = ada.get(&format!("/v1/interactions/{id}/why"));
        (answer.status, answer.code().to_owned())
    };
    assert_eq!(refused("q"), (404, "wrong_kind".to_owned()));
    assert_eq!(refused("s"), (404, "wrong_kind".to_owned()));
    assert_eq!(refused("nowhere"), (404, "unknown_request".to_owned()));
    ada.confirm("r", "allow").expect(200);
    assert_eq!(refused("r"), (404, "already_resolved".to_owned()));
    server.advance(Duration::from_secs(1));
    assert_eq!(refused("late"), (404, "expired".to_owned()));
}

/// Whether a rule covers the confirmation that it is made from, and why not.
#[test]
fn a_preview_says_whether_it_covers_its_request_and_what_comes_near() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&asking("high", &json!({"riskLevel": "high"})));
    agent.register(&asking("low", &json!({"input": {"command": "make deploy", "host": "prod"}})));
    agent.register(&command("other", "npm test"));
    let preview = |rule: &Value| ada.post("/v1/trust-rules/preview", rule).expect(200).body;
    let from = |id: &str| json!({"requestId": id, "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let said = preview(&from("high"));
    assert_eq!(
        said["covers"],
        json!({"requestId": "high", "covered": false, "missed": "risk",
            "because": "the risk is high, and the rule does not allow high risk"})
    );
    let because = "the rule does not speak of the member `host`";
    assert!(
        said["nearMisses"]
            .as_array()
            .unwrap()
            .contains(&json!({"requestId": "low", "missed": "members", "because": because})),
        "{said}"
    );
    let said = preview(&from("low"));
    assert_eq!(said["covers"], json!({"requestId": "low", "covered": true, "missed": null, "because": null}));
    // What stands in front of it is said, too.
    let asks = made_id(&ada, &rule("ask", "make deploy"));
    let said = preview(&from("low"));
    assert_eq!(said["covers"]["because"], format!("the rule `{asks}` says `ask`"));
    assert_eq!(said["covers"]["missed"], Value::Null);
    let said = preview(&rule("allow", "make *"));
    assert_eq!(said["covers"], Value::Null);
    assert!(said["nearMisses"].as_array().unwrap().iter().all(|miss| miss["requestId"] != "other"), "{said}");
}
