//! `applyToPending`: a new rule answers what is already waiting, all of it that it covers and nothing else.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use super::{command, made_id, rule, status, uses, with};
use crate::harness::{Client, TestServer, altered, confirmation, secret};

/// The same rule, to be applied to what is pending.
fn applied(rule: &Value) -> Value {
    with(rule, &json!({"applyToPending": true}))
}

/// Makes the rule and applies it; its id, and what it resolved.
#[track_caller]
fn apply(approver: &Client, rule: &Value) -> (String, Value) {
    let body = approver.post("/v1/trust-rules", &applied(rule)).expect(201).body;
    assert_eq!(body["accepted"], true);
    (body["trustRule"]["ruleId"].as_str().unwrap().to_owned(), body["resolved"].clone())
}

/// The status of each in the file.
fn stand<const N: usize>(server: &TestServer, ids: [&str; N]) -> [Value; N] {
    ids.map(|id| server.stored(id))
}

#[test]
fn everything_that_is_pending_and_covered_is_resolved_oldest_first_and_nothing_else() {
    for (decision, ended) in [("allow", "approved"), ("deny", "rejected")] {
        let server = TestServer::start();
        let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
        // Neither in the order of the ids nor all of one agent.
        agent.register(&command("c", "git status"));
        other.register(&command("a", "git status -s"));
        agent.register(&command("log", "git log"));
        agent.register(&command("both", "git status && git log"));
        agent.register(&altered(command("tool", "git status"), &json!({"confirmation": {"toolName": "shell2"}})));
        agent.register(&secret("s"));
        agent.register(&command("b", "git status; git status"));
        let waiters = ["c", "b"].map(|id| agent.wait_in_background(id));
        let bystander = agent.wait_in_background("log");
        server.until_waiting(3);
        let (id, resolved) = apply(&ada, &rule(decision, "git status *"));
        // A line of which one command is denied is denied.
        let both = if decision == "deny" { vec!["c", "a", "both", "b"] } else { vec!["c", "a", "b"] };
        assert_eq!(resolved, json!(both));
        for (waiter, request) in waiters.into_iter().zip(["c", "b"]) {
            let seen = waiter.join().unwrap().expect(200).body;
            assert_eq!(seen, agent.look(request));
            assert_eq!(seen["status"], ended);
            assert_eq!(seen["resolution"]["resolvedBy"], json!({"trustRule": id}));
            assert_eq!(seen["resolution"]["trustRules"], json!([{"ruleId": id, "revision": 1}]));
        }
        assert_eq!(server.service.waiting(), 1, "who waits for something else waits on");
        assert_eq!(stand(&server, ["log", "tool", "s"]), ["pending", "pending", "pending"]);
        assert_eq!(uses(&ada, &id), both.len());
        assert_eq!(server.count("v_rule_hits"), both.len() as u64);
        let told =
            server.sql("SELECT event, request_id, rule_id FROM audit_events WHERE rule_id IS NOT NULL ORDER BY seq");
        let made = vec![json!("trust_rule.created"), Value::Null, json!(id)];
        let ends = both.iter().map(|request| vec![json!(format!("interaction.{ended}")), json!(request), json!(id)]);
        assert_eq!(told, std::iter::once(made).chain(ends).collect::<Vec<_>>());
        ada.confirm("log", "deny").expect(200);
        bystander.join().unwrap().expect(200);
        assert_eq!(server.count("interactions WHERE status = 'pending' AND registered_by = 'other'"), 0);
    }
}

#[test]
fn without_being_asked_to_a_new_rule_resolves_nothing_and_says_nothing_of_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("c", "git status"));
    for apply in [json!({}), json!({"applyToPending": false, "maxUses": 5})] {
        let body = ada.post("/v1/trust-rules", &with(&rule("allow", "git status *"), &apply)).expect(201).body;
        assert_eq!(body.get("resolved"), None);
        assert_eq!(server.stored("c"), "pending");
    }
    for apply in [json!("yes"), json!(1), json!([])] {
        let refused = ada.post("/v1/trust-rules", &with(&rule("deny", "x"), &json!({"applyToPending": apply})));
        assert_eq!(refused.refusal(), (400, "malformed_request"));
    }
}

#[test]
fn a_rule_that_asks_resolves_nothing_and_says_so() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("c", "git status"));
    let (id, resolved) = apply(&ada, &rule("ask", "git status *"));
    assert_eq!((resolved, uses(&ada, &id)), (json!([]), json!(0)));
    assert_eq!(server.stored("c"), "pending");
}

#[test]
fn the_oldest_come_first_where_the_uses_do_not_reach_for_all() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["d", "c", "b", "a"] {
        agent.register(&command(id, "git status"));
    }
    let limited = applied(&with(&rule("allow", "git status *"), &json!({"maxUses": 2})));
    let body = ada.post("/v1/trust-rules", &limited).expect(201).body;
    assert_eq!(body["resolved"], json!(["d", "c"]));
    let shown = &body["trustRule"];
    assert_eq!((&shown["status"], &shown["useCount"]), (&json!("exhausted"), &json!(2)), "as it stands afterwards");
    assert_eq!(shown["lastUsedAt"], json!(crate::harness::START));
    assert_eq!(stand(&server, ["b", "a"]), ["pending", "pending"]);
    assert_eq!(server.count("audit_events WHERE event = 'trust_rule.exhausted' AND request_id = 'c'"), 1);
    assert_eq!(status(&agent, &command("e", "git status")), "pending");
}

/// Otherwise an agent that was told `expired` could find its request approved later.
#[test]
fn what_is_overdue_is_not_resolved_even_before_a_sweep() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&with(&command("late", "git status"), &json!({"expiresInMs": 1000})));
    agent.register(&with(&command("in-time", "git status"), &json!({"expiresInMs": 1001})));
    server.advance(std::time::Duration::from_secs(1));
    assert_eq!(apply(&ada, &rule("allow", "git status *")).1, json!(["in-time"]));
    assert_eq!(server.stored("late"), "pending");
    assert_eq!(agent.look("late")["status"], "expired");
}

#[test]
fn no_principal_approves_its_own_requests_by_applying_a_rule() {
    for (flags, resolved) in [(&[][..], json!(["theirs"])), (&["--allow-self-approval"], json!(["mine", "theirs"]))] {
        let server = TestServer::with(flags);
        let (root, agent) = (server.client("root", Role::Admin), server.agent("builder"));
        root.register(&command("mine", "git status"));
        agent.register(&command("theirs", "git status"));
        assert_eq!(apply(&root, &rule("allow", "git status *")).1, resolved);
    }
    let server = TestServer::start();
    let root = server.client("root", Role::Admin);
    root.register(&command("mine", "git status"));
    assert_eq!(apply(&root, &rule("deny", "git status *")).1, json!(["mine"]), "to deny needs no second person");
}

#[test]
fn high_risk_and_other_places_stay_where_the_rule_does_not_reach_them() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = |id: &str, changes: Value| {
        agent.register(&altered(command(id, "git status"), &json!({"confirmation": changes})))
    };
    asked("high", json!({"riskLevel": "high"}));
    asked("elsewhere", json!({"workingDir": "/other"}));
    asked("below", json!({"workingDir": "/repo/sub"}));
    let here = with(&rule("allow", "git status *"), &json!({"scope": "/repo"}));
    assert_eq!(apply(&ada, &here).1, json!(["below"]));
    assert_eq!(apply(&ada, &with(&here, &json!({"allowHighRisk": true}))).1, json!(["high"]));
    assert_eq!(server.stored("elsewhere"), "pending");
}

#[test]
fn a_rule_from_a_request_resolves_that_request_with_the_others() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["before", "it", "after"] {
        agent.register(&confirmation(id));
    }
    let waiter = agent.wait_in_background("it");
    server.until_waiting(1);
    let body = json!({"requestId": "it", "pattern": "make *", "scope": "/repo", "decision": "allow"});
    let (id, resolved) = apply(&ada, &body);
    assert_eq!(resolved, json!(["before", "it", "after"]));
    let seen = waiter.join().unwrap().expect(200).body;
    assert_eq!(seen["resolution"]["resolvedBy"], json!({"trustRule": id}));
    assert_eq!(
        server.history("it"),
        ["interaction.registered by builder", "trust_rule.created by ada", "interaction.approved"]
    );
    // An answer may be lost on the way: the same again finds the rule that stands, and nothing is left to resolve.
    let again = ada.post("/v1/trust-rules", &applied(&body)).expect(200).body;
    assert_eq!((&again["trustRule"]["ruleId"], &again["resolved"]), (&json!(id), &json!([])));
    let other = json!({"requestId": "it", "pattern": "make *", "scope": "/repo", "decision": "deny"});
    assert_eq!(ada.post("/v1/trust-rules", &applied(&other)).refusal(), (404, "already_resolved"));
}

#[test]
fn the_same_rule_applied_again_stands_and_resolves_only_what_has_come_since() {
    let server = TestServer::start();
    let (agent, ada, root) = (server.agent("builder"), server.approver("ada"), server.client("root", Role::Admin));
    agent.register(&command("c1", "git status"));
    let allow = rule("allow", "git status *");
    let (id, resolved) = apply(&ada, &allow);
    assert_eq!(resolved, json!(["c1"]));
    // What has come since waits where something else stood in the way.
    let ask = made_id(&ada, &rule("ask", "git status *"));
    root.register(&command("c2", "git status"));
    let again = || ada.post("/v1/trust-rules", &applied(&allow)).expect(200).body;
    assert_eq!(again()["resolved"], json!([]));
    ada.delete(&format!("/v1/trust-rules/{ask}")).expect(200);
    let body = again();
    assert_eq!((&body["resolved"], &body["trustRule"]["ruleId"]), (&json!(["c2"]), &json!(id)));
    assert_eq!(body["trustRule"]["useCount"], 2);
    let before = server.count("audit_events");
    assert_eq!(again()["resolved"], json!([]));
    assert_eq!(server.count("audit_events"), before);
}

#[test]
fn rules_that_stand_already_help_a_new_one_and_stop_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("both", "npm test && git status"));
    agent.register(&command("denied", "git status && rm -rf /"));
    agent.register(&command("third", "git status && make"));
    let npm = made_id(&ada, &rule("allow", "npm test"));
    let rm = made_id(&ada, &rule("allow", "rm *"));
    made_id(&ada, &rule("deny", "rm *"));
    let (git, resolved) = apply(&ada, &rule("allow", "git status *"));
    assert_eq!(resolved, json!(["both"]));
    assert_eq!(
        agent.look("both")["resolution"]["trustRules"],
        json!([{"ruleId": npm, "revision": 1}, {"ruleId": git, "revision": 1}])
    );
    assert_eq!([&npm, &git, &rm].map(|id| uses(&ada, id)), [json!(1), json!(1), json!(0)]);
    assert_eq!(stand(&server, ["denied", "third"]), ["pending", "pending"]);
}

/// Makes `older` while a `git status` waits, and then applies `newer`, which must take it.
fn takes_over(decision: &str, older: &str, newer: &str) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("c", "git status"));
    made_id(&ada, &rule(decision, older));
    let (id, resolved) = apply(&ada, &with(&rule(decision, newer), &json!({"maxUses": 9})));
    assert_eq!(resolved, json!(["c"]), "{decision} {newer} beside {older}");
    assert_eq!(agent.look("c")["resolution"]["resolvedBy"], json!({"trustRule": id}));
}

/// A rule that was made without being applied leaves what it covers waiting: the next one, applied, takes it.
#[test]
fn what_a_new_rule_covers_does_not_wait_on_because_an_older_one_covers_it_too() {
    takes_over("allow", "git status *", "git status *");
    takes_over("allow", "git status *", "git status");
    takes_over("deny", "git status *", "git status *");
    takes_over("deny", "git status *", "git status");
    takes_over("deny", "git status", "git status *");
}

#[test]
fn what_a_wide_new_rule_covers_does_not_wait_on_because_an_older_one_is_it_to_the_letter() {
    takes_over("allow", "git status", "git status *");
}

/// More than one page of what is read at once.
#[test]
fn no_number_of_large_requests_hides_one_behind_them() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let large = json!({"metadata": {"notes": "x".repeat(900_000)}});
    let ids: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
    for id in &ids {
        agent.register(&with(&command(id, "git status"), &large));
    }
    assert_eq!(apply(&ada, &rule("allow", "git status *")).1, json!(ids));
}
