//! A rule decides only what all its parts cover: what no part speaks of is asked about.

use serde_json::{Value, json};

use super::offers::patterns;
use super::{made, made_id, rule, status, with};
use crate::harness::outside::write_sql;
use crate::harness::{TestServer, altered};

/// A confirmation of a tool, from `/repo`.
fn of(tool: &str, id: &str, input: &Value) -> Value {
    let asked = json!({"toolName": tool, "input": input, "workingDir": "/repo"});
    json!({"requestId": id, "kind": "confirmation", "conversationId": "talk", "confirmation": asked})
}

/// "Always", from the card of `request_id`.
fn always(request_id: &str, pattern: &str, changes: &Value) -> Value {
    let rule = json!({"requestId": request_id, "pattern": pattern, "scope": "everywhere", "decision": "allow"});
    with(&rule, changes)
}

/// A tool, its first call, the pattern that is chosen, and other calls with whether they pass.
type From<'r> = (&'r str, Value, &'r str, &'r [(Value, bool)]);

/// An input, what its agent offers, what is left of it, and the codes of the warnings.
type Offered<'r> = (Value, &'r [&'r str], &'r [&'r str], &'r [&'r str]);

/// The rule that is made from the card of the first call decides about each other one: `true` where it allows it.
#[test]
fn a_rule_made_from_a_request_leaves_everything_as_it_is_there_but_what_is_free() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rows: &[From<'_>] = &[
        (
            "create_or_update_file",
            json!({"owner": "acme", "repo": "shop", "path": "README.md", "content": "a", "branch": "main"}),
            "acme/shop/README.md",
            &[
                (json!({"owner": "acme", "repo": "shop", "path": "README.md", "content": "b", "branch": "main"}), true),
                (
                    json!({"owner": "acme", "repo": "payroll", "path": "README.md", "content": "a", "branch": "main"}),
                    false,
                ),
                (
                    json!({"owner": "acme", "repo": "shop", "path": "README.md", "content": "a", "branch": "prod"}),
                    false,
                ),
                (json!({"owner": "acme", "repo": "shop", "path": "README.md", "content": "a"}), false),
            ],
        ),
        (
            "ssh_run",
            json!({"host": "staging", "command": "systemctl restart app"}),
            "systemctl restart app",
            &[
                (json!({"host": "staging", "command": "systemctl restart app", "timeout": 9}), true),
                (json!({"host": "prod", "command": "systemctl restart app"}), false),
                (json!({"command": "systemctl restart app"}), false),
                (json!({"host": "staging", "command": "systemctl restart app", "sudo": true}), false),
            ],
        ),
        (
            "requests_post",
            json!({"url": "https://pay.test/v1", "data": {"amount": 1}}),
            "https://pay.test/v1",
            &[
                (json!({"data": {"amount": 1}, "url": "https://pay.test/v1"}), true),
                (json!({"url": "https://pay.test/v1", "data": {"amount": 1_000_000}}), false),
                (json!({"url": "https://pay.test/v1", "data": {"amount": 1, "to": "eve"}}), false),
            ],
        ),
        (
            "mine",
            json!({"command": "ls", "description": "look"}),
            "ls",
            &[
                (json!({"command": "ls", "description": "look again"}), true),
                (json!({"command": "ls"}), true),
                (json!({"command": "ls", "shell_command": "id"}), false),
                (json!({"command": "ls", "postCmd": "id"}), false),
                (json!({"command": "ls", "env": {"PATH": "/tmp"}}), false),
                (json!({"command": "ls", "x": null}), false),
            ],
        ),
        (
            "git",
            json!({"command": ["git", "status"], "timeout_ms": 1}),
            "git status",
            &[
                (json!({"command": ["bash", "-lc", "git status"]}), true),
                (json!({"command": "git status"}), true),
                (json!({"command": ["git", "status", "-s"]}), false),
                (json!({"command": ["sh", "-c", "git status; id"]}), false),
                (json!({"command": ["git status"]}), false),
            ],
        ),
    ];
    for (tool, first, pattern, others) in rows {
        let shown = agent.register(&of(tool, &format!("{tool}-first"), first));
        assert!(patterns(&shown).contains(pattern), "{shown}");
        made(&ada, &always(&format!("{tool}-first"), pattern, &json!({})));
        assert_eq!(status(&agent, &of(tool, &format!("{tool}-again"), first)), "approved", "{first}");
        for (number, (other, allowed)) in others.iter().enumerate() {
            let found = status(&agent, &of(tool, &format!("{tool}-{number}"), other));
            assert_eq!(found, if *allowed { "approved" } else { "pending" }, "{tool} {other}");
        }
    }
}

#[test]
fn another_agent_target_directory_or_conversation_is_asked_about() {
    let server = TestServer::start();
    let (one, other, ada) = (server.agent("one"), server.agent("other"), server.approver("ada"));
    let asking = |id: &str, changes: &Value| altered(of("sh", id, &json!({"command": "npm test"})), changes);
    let sandbox = json!({"confirmation": {"executionTarget": "sandbox"}});
    one.register(&asking("first", &sandbox));
    let rule = made(&ada, &always("first", "npm test", &json!({"scope": "/repo"})));
    assert_eq!((&rule["agent"], &rule["executionTarget"]), (&json!("one"), &json!("sandbox")));
    assert_eq!(status(&one, &asking("again", &sandbox)), "approved");
    assert_eq!(status(&other, &asking("other", &sandbox)), "pending");
    let host = json!({"confirmation": {"executionTarget": "host"}});
    assert_eq!(status(&one, &asking("host", &host)), "pending");
    assert_eq!(status(&one, &asking("nowhere", &json!({}))), "pending");
    for (number, (dir, expected)) in [
        (json!({"dir_path": "/other"}), "pending"),
        (json!({"dir_path": "sub"}), "approved"),
        (json!({"workDir": "/repo/x"}), "approved"),
        (json!({"project-dir": "../x"}), "pending"),
        (json!({"cwd": "/repo/a", "dir_path": "/etc"}), "pending"),
    ]
    .iter()
    .enumerate()
    {
        let input = with(&json!({"command": "npm test"}), dir);
        let asked = altered(of("sh", &format!("dir{number}"), &input), &sandbox);
        assert_eq!(status(&one, &asked), *expected, "{dir}");
    }
    // Any agent, anywhere, in this conversation.
    let free = json!({"scope": "conversation:talk", "agent": null, "executionTarget": null});
    made(&ada, &always("host", "npm test", &free));
    assert_eq!(status(&other, &asking("free", &host)), "approved");
    let elsewhere = with(&asking("elsewhere", &host), &json!({"conversationId": "another"}));
    assert_eq!(status(&other, &elsewhere), "pending");
    let foreign = always("nowhere", "npm test", &json!({"scope": "conversation:another"}));
    assert_eq!(ada.post("/v1/trust-rules", &foreign).refusal(), (403, "scope_not_offered"));
}

#[test]
fn a_line_begins_where_its_input_says_and_what_obeys_its_directory_stays_there() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("one"), server.approver("ada"));
    for pattern in ["cd *", "npm test"] {
        let rule = json!({"toolName": "sh", "pattern": pattern, "scope": "everywhere", "decision": "allow"});
        ada.post("/v1/trust-rules", &rule).expect(201);
    }
    for (number, (input, expected)) in [
        (json!({"command": "cd /repo/other && npm test"}), "approved"),
        (json!({"command": "cd /repo/other && npm test", "cwd": "/repo/sub"}), "pending"),
        (json!({"command": "cd .. && npm test", "dir_path": "sub"}), "pending"),
        (json!({"command": "cd deep && npm test", "cwd": "/repo/sub"}), "approved"),
        (json!({"command": "cd /etc && npm test"}), "pending"),
        (json!({"command": "cd /etc/x && npm test", "cwd": "/etc"}), "approved"),
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(status(&agent, &of("sh", &format!("line{number}"), input)), *expected, "{input}");
    }
}

#[test]
fn what_is_said_to_be_any_is_any_and_what_looks_like_another_subject_is_named_or_asked_about() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let own = |members: &Value| with(&rule("allow", "ls"), &json!({"toolName": "mine", "members": members}));
    let input = |more: &Value| with(&json!({"command": "ls"}), more);
    let id = made_id(&ada, &own(&json!({"": "*", "/host": "staging-*"})));
    for (number, (more, allowed)) in [
        (json!({}), false),
        (json!({"host": "staging-1", "why": {"a": ["b"]}}), true),
        (json!({"host": "prod"}), false),
        (json!({"host": "staging-1", "path": "/etc"}), false),
        (json!({"host": "staging-1", "more": {"target_url": "x"}}), false),
    ]
    .iter()
    .enumerate()
    {
        let found = status(&agent, &of("mine", &format!("c{number}"), &input(more)));
        assert_eq!(found, if *allowed { "approved" } else { "pending" }, "{more}");
    }
    ada.delete(&format!("/v1/trust-rules/{id}")).expect(200);
    // A rule of one's own that names no members: only what is free may be there.
    made(&ada, &own(&json!({})));
    assert_eq!(status(&agent, &of("mine", "free", &input(&json!({"description": "d"})))), "approved");
    assert_eq!(status(&agent, &of("mine", "more", &input(&json!({"why": "d"})))), "pending");
}

#[test]
fn two_rules_are_the_same_where_all_their_parts_are() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let first = made(&ada, &rule("allow", "ls"));
    for named in [json!({"agent": null}), json!({"members": {}}), json!({"executionTarget": null, "reason": null})] {
        let again = ada.post("/v1/trust-rules", &with(&rule("allow", "ls"), &named)).expect(200).body;
        assert_eq!(again["trustRule"], first, "{named}");
    }
    for other in [
        json!({"agent": "builder"}),
        json!({"members": {"/a": "x"}}),
        json!({"executionTarget": "host"}),
        json!({"reason": "why"}),
    ] {
        let made = made(&ada, &with(&rule("allow", "ls"), &other));
        for (member, value) in other.as_object().unwrap() {
            assert_eq!(&made[member], value);
        }
    }
    let told = server.sql(
        "SELECT json_extract(detail, '$.members'), json_extract(detail, '$.agent'), json_extract(detail, '$.executionTarget'), json_extract(detail, '$.reason') \
         FROM audit_events WHERE event = 'trust_rule.created' ORDER BY seq",
    );
    assert_eq!(told[1], [json!("{}"), json!("builder"), Value::Null, Value::Null]);
    assert_eq!(told[2], [json!(r#"{"/a":"x"}"#), Value::Null, Value::Null, Value::Null]);
    assert_eq!(told[4], [json!("{}"), Value::Null, Value::Null, json!("why")]);
    let shown = server.sql("SELECT members, agent, execution_target, reason, is_before_parts FROM v_trust_rules");
    assert_eq!(shown[1], [json!("{}"), Value::Null, json!("host"), Value::Null, json!(0)]);
    let changed = write_sql(&server.db(), "UPDATE trust_rules SET members = '{\"/b\":\"*\"}'");
    assert!(changed.unwrap_err().contains("never changes"));
    assert!(write_sql(&server.db(), "UPDATE trust_rules SET agent = NULL").unwrap_err().contains("never changes"));
}

#[test]
fn a_rule_that_denies_is_about_anything_that_it_leaves_out_and_tells_the_agent_why() {
    let server = TestServer::start();
    let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
    agent.register(&of("shell", "first", &json!({"command": "rm -rf x", "env": {"A": "b"}})));
    made(&ada, &with(&rule("allow", "*"), &json!({"members": {"": "*", "/env": "*"}})));
    let deny = json!({"decision": "deny", "reason": "use trash instead"});
    let from = always("first", "rm -rf x", &deny);
    assert_eq!(status(&agent, &of("shell", "x", &json!({"command": "ls", "why": "y"}))), "approved");
    made(&ada, &from);
    let denied = other.register(&of("shell", "denied", &json!({"command": "rm -rf x", "z": 1})));
    assert_eq!(
        (&denied["status"], &denied["resolution"]["comment"]),
        (&json!("rejected"), &json!("use trash instead"))
    );
    // Behind another name it is the same.
    assert_eq!(status(&agent, &of("shell", "twin", &json!({"command": "ls", "post_command": "rm -rf x"}))), "rejected");
    let parts = json!({"toolName": "deploy", "pattern": "*", "members": {"/env": "prod"}, "executionTarget": "host", "agent": "other"});
    made(&ada, &with(&rule("deny", "*"), &parts));
    made(&ada, &with(&rule("allow", "*"), &json!({"toolName": "deploy", "scope": "everywhere"})));
    let deploy = |id: &str, env: &str, target: &Value| {
        altered(of("deploy", id, &json!({"env": env})), &json!({"confirmation": {"executionTarget": target}}))
    };
    assert_eq!(status(&other, &deploy("d1", "prod", &json!("host"))), "rejected");
    assert_eq!(status(&other, &deploy("d2", "Prod", &json!("host"))), "pending", "it may be the same");
    assert_eq!(status(&other, &deploy("d3", "prod", &Value::Null)), "pending", "it may be on the host");
    assert_eq!(status(&other, &deploy("d4", "prod", &json!("sandbox"))), "approved");
    assert_eq!(status(&other, &deploy("d5", "test", &json!("host"))), "approved");
    assert_eq!(status(&agent, &deploy("d6", "prod", &json!("host"))), "approved");
}

#[test]
fn what_no_rule_can_say_is_refused_with_the_field_at_fault() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&of("sh", "c", &json!({"command": "ls"})));
    let rows = [
        (json!({"members": {"host": "x"}}), "members"),
        (json!({"members": {"/a~": "x"}}), "members"),
        (json!({"members": {"/a": 1}}), "members"),
        (json!({"members": [1]}), "members"),
        (json!({"members": {"/a": "x".repeat(16 * 1024)}}), "members"),
        (json!({"agent": "a b"}), "agent"),
        (json!({"agent": ""}), "agent"),
        (json!({"executionTarget": "moon"}), "executionTarget"),
        (json!({"reason": ""}), "reason"),
        (json!({"reason": "x".repeat(1025)}), "reason"),
        (json!({"scope": "conversation:"}), "scope"),
        (json!({"scope": "conversation:a b"}), "scope"),
    ];
    for (fault, field) in &rows {
        let refused = ada.post("/v1/trust-rules", &with(&rule("allow", "ls"), fault));
        assert_eq!(refused.refusal(), (400, "malformed_request"), "{fault}");
        assert!(refused.body["field"].as_str().unwrap().starts_with(field), "{fault}: {}", refused.body);
    }
    let chosen = json!({"requestId": "c", "decision": "allow"});
    for (fault, field) in [
        (json!({"selectedMembers": {}}), "selectedMembers"),
        (json!({"selectedAgent": null}), "selectedAgent"),
        (json!({"selectedPattern": "ls", "selectedScope": "conversation:"}), "selectedScope"),
        (json!({"selectedPattern": "ls", "selectedScope": "/repo", "selectedAgent": "a b"}), "selectedAgent"),
    ] {
        let refused = ada.post("/v1/confirm", &with(&chosen, &fault));
        assert_eq!((refused.refusal(), &refused.body["field"]), ((400, "malformed_request"), &json!(field)), "{fault}");
    }
    let twice =
        r#"{"toolName":"sh","pattern":"ls","scope":"everywhere","decision":"allow","members":{"/a":"x","/a":"y"}}"#;
    assert_eq!(ada.post_text("/v1/trust-rules", twice).refusal(), (400, "malformed_request"));
    let never = ada.post("/v1/trust-rules", &rule("allow", "ls \u{200b}")).expect(201).body;
    assert_eq!(never["warnings"][0]["code"], "pattern_never_matches");
    for (tool, pattern, decision, why) in [
        ("WebFetch", "docs.example.com/**", "allow", "begins with a scheme and a host"),
        ("Bash", "git log && *", "deny", "a pattern is one command"),
    ] {
        let never = with(&rule(decision, pattern), &json!({"toolName": tool}));
        let warning = ada.post("/v1/trust-rules", &never).expect(201).body["warnings"][0].clone();
        assert_eq!(warning["code"], "pattern_never_matches");
        assert!(warning["message"].as_str().unwrap().contains(why), "{warning}");
    }
    // More members than a rule may speak of: the person says which of them matter.
    let many = (0..70).map(|n| (format!("m{n}"), json!(n))).chain([("command".to_owned(), json!("ls"))]);
    let input = Value::Object(many.collect());
    let offered =
        json!({"confirmation": {"allowlistOptions": [{"label": "ls", "pattern": "ls", "members": {"": "*"}}]}});
    agent.register(&altered(of("sh", "many", &input), &offered));
    let from = always("many", "ls", &json!({}));
    assert_eq!(ada.post("/v1/trust-rules", &from).refusal(), (422, "too_many_members"));
    made(&ada, &with(&from, &json!({"members": {"": "*"}})));
    assert_eq!(status(&agent, &of("sh", "many2", &input)), "approved");
}

/// Of a tool of which nothing is known, a rule is about the members that it names: a new one may be where the money goes.
#[test]
fn a_star_with_members_covers_no_input_with_a_member_more() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let pay = |id: &str, input: &Value| of("pay", id, input);
    let about = json!({"toolName": "pay", "members": {"/amount": "5"}});
    made(&ada, &with(&rule("allow", "*"), &about));
    assert_eq!(status(&agent, &pay("p1", &json!({"amount": 5}))), "approved");
    for (id, more) in [("p2", "destination"), ("p3", "target_host"), ("p4", "sudo"), ("p5", "post_command")] {
        assert_eq!(status(&agent, &pay(id, &json!({"amount": 5, more: "x"}))), "pending", "{more}");
    }
    made(&ada, &with(&rule("allow", "*"), &json!({"toolName": "pay"})));
    assert_eq!(status(&agent, &pay("p6", &json!({"amount": 5, "destination": "x"}))), "approved");
}

/// The words of the confirm call make the same rule as the rules' own call.
#[test]
fn a_rule_that_is_made_with_a_decision_has_its_parts_too_and_the_decision_can_be_repeated() {
    let server = TestServer::start();
    let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
    agent.register(&of("sh", "c", &json!({"command": "ls", "why": "a"})));
    let chosen = json!({"requestId": "c", "decision": "allow", "selectedPattern": "ls", "selectedScope": "everywhere"});
    let freed = with(&chosen, &json!({"selectedMembers": {"/why": "*"}, "selectedAgent": null}));
    ada.post("/v1/confirm", &freed).expect(200);
    ada.post("/v1/confirm", &freed).expect(200);
    assert_eq!(ada.post("/v1/confirm", &chosen).refusal(), (404, "already_resolved"), "it says another rule");
    let rules = ada.get("/v1/trust-rules").expect(200).body;
    assert_eq!(rules["trustRules"].as_array().unwrap().len(), 1);
    assert_eq!(rules["trustRules"][0]["members"], json!({"/why": "*"}));
    assert_eq!(status(&other, &of("sh", "d", &json!({"command": "ls", "why": "b"}))), "approved");
    assert_eq!(status(&other, &of("sh", "e", &json!({"command": "ls", "why": "b", "x": 1}))), "pending");
}

/// A rule of the time before members were looked at keeps its meaning, narrowed.
#[test]
fn a_rule_that_was_made_before_covers_less_and_never_more() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (id, tool, pattern, decision) in [
        ("old-ls", "sh", "ls", "allow"),
        ("old-any", "note", "*", "allow"),
        ("old-task", "Task", "*", "allow"),
        ("old-deny", "Agent", "*\"prompt\":\"evil*", "deny"),
    ] {
        let columns = "rule_number, rule_id, kind, status, tool_name, pattern, scope, decision, allow_high_risk, created_at_ms, created_by";
        let values = format!(
            "(SELECT count(*) + 1 FROM trust_rules), '{id}', 'confirmation', 'active', '{tool}', '{pattern}', 'everywhere', '{decision}', 0, 1, 'ada'"
        );
        write_sql(&server.db(), &format!("INSERT INTO trust_rules ({columns}) VALUES ({values})")).unwrap();
    }
    assert_eq!(status(&agent, &of("sh", "a", &json!({"command": "ls"}))), "approved");
    assert_eq!(status(&agent, &of("sh", "b", &json!({"command": "ls", "why": "x"}))), "pending");
    assert_eq!(
        status(&agent, &of("sh", "c", &json!({"command": ["ls"]}))),
        "pending",
        "a list was none of its subjects"
    );
    assert_eq!(status(&agent, &of("note", "d", &json!({"text": "x"}))), "pending");
    assert_eq!(status(&agent, &of("Task", "e", &json!({"subagent_type": "x"}))), "pending");
    let task = json!({"subagent_type": "x", "prompt": "evil things"});
    assert_eq!(status(&agent, &of("Agent", "f", &task)), "rejected", "what it denied it denies");
    assert_eq!(ada.get("/v1/trust-rules/old-ls").expect(200).body["coversLess"], true);
    assert_eq!(ada.get("/v1/trust-rules/old-deny").expect(200).body["coversLess"], false);
    let again = with(&rule("allow", "*"), &json!({"toolName": "note"}));
    made(&ada, &again);
    assert_eq!(status(&agent, &of("note", "g", &json!({"text": "x"}))), "approved", "a new one means what it says");
}

#[test]
fn an_agents_offer_that_does_not_cover_its_request_or_is_far_wider_is_left_out_with_a_warning() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let rows: &[Offered<'_>] = &[
        (json!({"command": "ls"}), &["rm *"], &["ls"], &["offer_does_not_cover"]),
        (json!({"command": "ls -l"}), &["rm *", "ls *"], &["ls *"], &["offer_does_not_cover"]),
        (json!({"command": "ls -l"}), &["*"], &["ls -l"], &["offer_too_wide"]),
        (json!({"command": "make x > y"}), &["make *"], &["make x > y"], &["offer_does_not_cover"]),
        (json!({"command": "git status"}), &["git *"], &["git *"], &[]),
        (
            json!({"file_path": "/repo/src/a/b.rs"}),
            &["/repo/src/**", "/repo/**", "/**"],
            &["/repo/src/**", "/repo/**"],
            &["offer_too_wide"],
        ),
        (
            json!({"file_path": "/srv/a/b/c/d.rs"}),
            &["/srv/**"],
            &["/srv/a/b/c/d.rs", "/srv/a/b/c/*"],
            &["offer_too_wide"],
        ),
        (
            json!({"url": "https://a.test/x"}),
            &["https://*/**", "https://*.test/**"],
            &["https://a.test/x", "https://a.test/**"],
            &["offer_too_wide", "offer_too_wide"],
        ),
    ];
    for (number, (input, offered, left, codes)) in rows.iter().enumerate() {
        let options = offered.iter().map(|pattern| json!({"label": "l", "pattern": pattern})).collect::<Vec<_>>();
        let asked = of("sh", &format!("c{number}"), input);
        let shown = agent.register(&altered(asked, &json!({"confirmation": {"allowlistOptions": options}})));
        assert_eq!(patterns(&shown), *left, "{input}");
        let warned =
            shown["warnings"].as_array().into_iter().flatten().map(|warning| warning["code"].as_str().unwrap());
        assert_eq!(warned.collect::<Vec<_>>(), *codes, "{input}");
        assert_eq!(shown["status"], "pending", "the question is never lost");
    }
    let refused = ada.post("/v1/trust-rules", &always("c0", "rm *", &json!({})));
    assert_eq!(refused.refusal(), (403, "pattern_not_offered"));
}

#[test]
fn offers_go_from_this_very_input_to_any_call_and_say_what_stays_as_it_is() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let offers = |id: &str, tool: &str, input: &Value| {
        let shown = agent.register(&of(tool, id, input));
        let options = shown["confirmation"]["allowlistOptions"].as_array().unwrap().clone();
        options
            .into_iter()
            .map(|option| {
                let text = |member: &str| option[member].as_str().unwrap_or("").to_owned();
                (text("label"), text("pattern"), text("description"), option["members"].clone())
            })
            .collect::<Vec<_>>()
    };
    let row = |label: &str, pattern: &str, kept: &str, members: Value| {
        (label.to_owned(), pattern.to_owned(), kept.to_owned(), members)
    };
    assert_eq!(
        offers("a", "Write", &json!({"file_path": "/repo/a/x", "content": "c", "mode": 7})),
        [
            row("this very input", "/repo/a/x", "", json!({"/content": "c", "/mode": "7"})),
            row("any content of this file", "/repo/a/x", "mode as now", json!({"/mode": "7"})),
            row("any file in /repo/a, whatever content says", "/repo/a/*", "mode as now", json!({"/mode": "7"})),
        ]
    );
    assert_eq!(
        offers("b", "Bash", &json!({"command": "git log -1", "description": "d"})),
        [
            row("this very input", "git log -1", "", json!({"/description": "d"})),
            row("this command, whatever description says", "git log -1", "", Value::Null),
            row("git log, with any words after it, whatever description says", "git log *", "", Value::Null),
        ]
    );
    assert_eq!(
        offers("c", "mcp__weather__now", &json!({"city": "Oslo"})),
        [
            row("this very input", r#"{"city":"Oslo"}"#, "", Value::Null),
            row("any call of this tool", "*", "", Value::Null),
        ]
    );
    let ada = server.approver("ada");
    made(&ada, &always("c", "*", &json!({})));
    assert_eq!(status(&agent, &of("mcp__weather__now", "d", &json!({"city": "\"x\"", "n": [1]}))), "approved");
    assert_eq!(status(&agent, &of("mcp__weather__then", "e", &json!({"city": "Oslo"}))), "pending");
}
