//! `countersign rules` against a running server.

use serde_json::json;

use super::{command, complains, ends, fixture, json_of, says};
use crate::harness::confirmation;

fn make(ada: &crate::harness::Client, pattern: &str, decision: &str) -> String {
    let rule = json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": decision});
    ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"]["ruleId"].as_str().unwrap().to_owned()
}

#[test]
fn rules_are_listed_shown_and_revoked() {
    let (_server, agent, ada) = fixture();
    let (allow, deny) = (make(&ada, "make *", "allow"), make(&ada, "rm *", "deny"));
    let listed = says(&ada, &["rules", "list"]);
    assert!(listed.contains(&allow) && listed.contains(&deny), "{listed}");
    assert!(says(&ada, &["rules", "show", &allow]).contains("make *"));
    says(&ada, &["rules", "revoke", &allow]);
    assert_eq!(agent.register(&confirmation("a"))["status"], "pending");
    let left = json_of(&ada, &["rules", "list", "--json"]);
    assert_eq!(left, json!([ada.get(&format!("/v1/trust-rules/{deny}")).body]));
    assert_eq!(json_of(&ada, &["rules", "list", "--all", "--json"]).as_array().unwrap().len(), 2);
    complains(1, &ada, &["rules", "revoke", "nowhere"]);
}

#[test]
fn a_preview_says_what_a_rule_would_have_decided_and_stores_nothing() {
    let (_server, agent, ada) = fixture();
    for (id, decision) in [("yes", "allow"), ("no", "deny")] {
        agent.register(&confirmation(id));
        ada.confirm(id, decision).expect(200);
    }
    agent.register(&confirmation("waits"));
    let said = says(&ada, &["rules", "preview", "--tool", "shell", "--pattern", "make *"]);
    assert!(said.contains("decided 2:") && said.contains("1 of them a person decided the other way round"), "{said}");
    assert!(said.contains("would decide 1 of those that are pending"), "{said}");
    assert!(["yes", "no", "waits"].iter().all(|id| said.contains(id)), "{said}");
    let preview = json_of(&ada, &["rules", "preview", "--request", "waits", "--pattern", "make *", "--json"]);
    assert_eq!(preview["counts"]["pending"], 1);
    assert_eq!(ada.get("/v1/trust-rules").body["trustRules"], json!([]));
}

#[test]
fn a_rule_is_made_with_all_its_parts_and_shown_with_them() {
    let (_server, agent, ada) = fixture();
    let made = json_of(
        &ada,
        &[
            "rules",
            "add",
            "--tool",
            "ssh",
            "--pattern",
            "uptime",
            "--member",
            "/host=staging-*",
            "--agent",
            "bot",
            "--target",
            "host",
            "--decision",
            "deny",
            "--reason",
            "not today",
            "--max-uses",
            "3",
            "--json",
        ],
    );
    let rule = &made["trustRule"];
    assert_eq!((&rule["members"], &rule["agent"]), (&json!({"/host": "staging-*"}), &json!("bot")));
    assert_eq!(
        (&rule["executionTarget"], &rule["reason"], &rule["maxUses"]),
        (&json!("host"), &json!("not today"), &json!(3))
    );
    let shown = says(&ada, &["rules", "show", rule["ruleId"].as_str().unwrap()]);
    for part in ["member host", "is staging-*", "bot", "not today"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(says(&ada, &["rules", "list"]).contains("member host is staging-*"));
    // From a request everything is as it is there, unless it is said otherwise.
    agent.register(&crate::harness::altered(confirmation("a"), &json!({"confirmation": {"input": {"why": "x"}}})));
    says(&ada, &["rules", "add", "--request", "a", "--pattern", "make *", "--any-agent", "--any-members"]);
    let listed = ada.get("/v1/trust-rules?toolName=shell").body;
    assert_eq!(
        (&listed["trustRules"][0]["members"], &listed["trustRules"][0]["agent"]),
        (&json!({"": "*"}), &json!(null))
    );
    let (_, said) =
        ends(2, &mut command(&ada, &["rules", "add", "--tool", "ssh", "--pattern", "x", "--member", "host=x"]));
    assert!(said.contains("JSON pointer"), "{said}");
}

#[test]
fn an_approval_for_good_sets_members_free_that_are_named() {
    let (_server, agent, ada) = fixture();
    let asked = |id: &str, why: &str| {
        crate::harness::altered(confirmation(id), &json!({"confirmation": {"input": {"why": why, "n": 1}}}))
    };
    agent.register(&asked("a", "x"));
    says(
        &ada,
        &["approve", "a", "--always", "make *", "--scope", "conversation:conversation", "--free", "why", "--any-agent"],
    );
    let rule = ada.get("/v1/trust-rules").body["trustRules"][0].clone();
    assert_eq!((&rule["members"], &rule["agent"]), (&json!({"/n": "1", "/why": "*"}), &json!(null)));
    assert_eq!(rule["scope"], "conversation:conversation");
    assert_eq!(agent.register(&asked("b", "y"))["status"], "approved");
}
