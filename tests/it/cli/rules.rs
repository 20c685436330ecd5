//! `countersign rules` against a running server.

use serde_json::json;

use super::{complains, fixture, json_of, says};
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
