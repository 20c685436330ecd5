//! Ids by their first characters: one is found, two are told, and none is taken for another.

use serde_json::json;

use super::{complains, fixture, says};
use crate::harness::confirmation;

#[test]
fn a_beginning_that_only_one_has_is_enough() {
    let (_server, agent, ada) = fixture();
    for id in ["deploy-42", "destroy-1"] {
        agent.register(&confirmation(id));
    }
    assert_eq!(says(&ada, &["approve", "dep"]), "approved deploy-42: shell: make deploy\n");
    assert_eq!(ada.look("destroy-1")["status"], "pending");
    // What is no longer pending can still be shown.
    assert!(says(&ada, &["show", "dep"]).starts_with("confirmation deploy-42\n"));
}

#[test]
fn a_beginning_of_two_names_both_and_changes_nothing() {
    let (_server, agent, ada) = fixture();
    for id in ["deploy-42", "deploy-43", "other"] {
        agent.register(&confirmation(id));
    }
    for command in ["approve", "reject", "show", "history", "secret", "answer"] {
        let sentence = complains(2, &ada, &[command, "deploy"]);
        assert!(sentence.contains("deploy-42") && sentence.contains("deploy-43"), "{sentence}");
    }
    // One that is clear beside one that is not: neither is decided.
    complains(2, &ada, &["approve", "other", "deploy"]);
    complains(1, &ada, &["approve", "other", "nowhere"]);
    for id in ["deploy-42", "deploy-43", "other"] {
        assert_eq!(ada.look(id)["status"], "pending");
    }
}

#[test]
fn an_id_that_is_the_beginning_of_another_is_not_taken_for_it() {
    let (_server, agent, ada) = fixture();
    for id in ["deploy-42", "deploy-4"] {
        agent.register(&confirmation(id));
    }
    let sentence = complains(2, &ada, &["approve", "deploy-4"]);
    assert!(sentence.contains("--exact"), "{sentence}");
    says(&ada, &["approve", "--exact", "deploy-4"]);
    assert_eq!(ada.look("deploy-4")["status"], "approved");
    assert_eq!(ada.look("deploy-42")["status"], "pending");
}

#[test]
fn what_nothing_begins_with_says_where_to_look() {
    let (_server, _agent, ada) = fixture();
    for command in ["approve", "show"] {
        let sentence = complains(1, &ada, &[command, "nowhere"]);
        assert!(sentence.contains("nowhere") && sentence.contains("countersign list"), "{sentence}");
    }
    complains(2, &ada, &["show", "not an id"]);
}

#[test]
fn a_rule_is_found_by_its_beginning_too() {
    let (_server, _agent, ada) = fixture();
    let make = |pattern: &str| {
        let rule = json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": "allow"});
        let made = ada.post("/v1/trust-rules", &rule).expect(201).body;
        made["trustRule"]["ruleId"].as_str().unwrap().to_owned()
    };
    let (first, second) = (make("make a"), make("make b"));
    let sentence = complains(2, &ada, &["rules", "revoke", &first[..6]]);
    assert!(sentence.contains(&first) && sentence.contains(&second), "{sentence}");
    let shared = first.bytes().zip(second.bytes()).take_while(|(one, other)| one == other).count();
    assert!(says(&ada, &["rules", "revoke", &first[..=shared]]).starts_with("revoked "));
    assert_eq!(ada.get(&format!("/v1/trust-rules/{second}")).body["status"], "active");
}
