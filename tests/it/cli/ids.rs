//! Ids by their first characters: one is found, two are told, and none is taken for another.

use serde_json::json;

use super::{complains, fixture, says};
use crate::harness::outside::write_sql;
use crate::harness::{TestServer, confirmation, secret};

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
    for command in ["approve", "reject", "show", "why", "history", "secret", "answer"] {
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

/// Adds so many interactions of the agent beside the server, between others of one name or another.
pub(super) fn flood(server: &TestServer, count: usize, status: &str) {
    let resolution = if status == "pending" { "NULL, NULL" } else { "1893456000000, 'builder'" };
    let numbers = format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let body = r#"{"service":"s","field":"f","label":"l","allowOneTimeSend":true}"#;
    let flooded = format!("request_id LIKE 'flood-{status}-%'");
    // All at once: a server on PostgreSQL learns of it by the history alone.
    let statements = format!(
        "BEGIN; \
         INSERT INTO interactions (interaction_id, request_id, kind, status, registered_by, created_at_ms, resolved_at_ms, \
         resolved_by_principal) {numbers} \
         SELECT last + i, 'flood-{status}-' || i, 'secret', '{status}', 'builder', 1893456000000, {resolution} \
         FROM n, (SELECT coalesce(max(interaction_id), 0) AS last FROM interactions) AS l; \
         INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256) \
         SELECT interaction_id, '{body}', '{{}}', zeroblob(32) FROM interactions WHERE {flooded}; \
         INSERT INTO audit_events (seq, at_ms, event, request_id, hash) \
         SELECT last + row_number() OVER (), 1893456000000, 'interaction.registered', request_id, zeroblob(32) \
         FROM interactions, (SELECT max(seq) AS last FROM audit_events) AS l WHERE {flooded}; \
         COMMIT"
    );
    write_sql(&server.db(), &statements).unwrap();
}

/// However many newer ones there are, an older one that begins so is found.
#[test]
fn an_id_is_not_taken_for_another_that_thousands_have_pushed_back() {
    let (server, agent, ada) = fixture();
    agent.register(&confirmation("deploy-44"));
    flood(&server, 6_000, "pending");
    agent.register(&confirmation("deploy"));
    for command in ["approve", "reject", "show"] {
        let sentence = complains(2, &ada, &[command, "deploy"]);
        assert!(sentence.contains("deploy-44") && sentence.contains("--exact"), "{sentence}");
    }
    let sentence = complains(2, &ada, &["approve", "flood"]);
    assert!(sentence.contains("flood-pending-") && sentence.contains("and more"), "{sentence}");
    for id in ["deploy", "deploy-44"] {
        assert_eq!(ada.look(id)["status"], "pending");
    }
    assert_eq!(says(&ada, &["approve", "deploy-"]), "approved deploy-44: shell: make deploy\n");
}

#[test]
fn what_is_over_is_shown_by_its_beginning_however_long_ago_it_was() {
    let (server, agent, ada) = fixture();
    agent.register(&confirmation("flooz-1"));
    agent.post_nothing("/v1/interactions/flooz-1/cancel").expect(200);
    flood(&server, 21_000, "cancelled");
    assert!(says(&ada, &["show", "flooz"]).starts_with("confirmation flooz-1\n"));
    let sentence = complains(2, &ada, &["show", "floo"]);
    assert!(sentence.contains("and more"), "{sentence}");
    // Another's are looked through page by page, and never shown.
    let (other, mut path) = (server.agent("other"), "/v1/interactions?idPrefix=floo".to_owned());
    other.register(&confirmation("flop"));
    for pages in 1.. {
        let page = other.get(&path).expect(200).body;
        assert_eq!(page["interactions"], json!([]));
        let Some(cursor) = page["nextCursor"].as_str() else {
            assert_eq!(pages, 2);
            break;
        };
        path = format!("/v1/interactions?idPrefix=floo&cursor={cursor}");
    }
    assert_eq!(
        other.get("/v1/interactions?idPrefix=flo").expect(200).body["interactions"][0]["requestId"],
        json!(null)
    );
    assert_eq!(other.get("/v1/interactions?idPrefix=flop").expect(200).body["interactions"][0]["requestId"], "flop");
}

/// None of the characters that ids may have means anything else in a search.
#[test]
fn every_character_of_an_id_stands_for_itself() {
    let (_server, agent, ada) = fixture();
    for id in ["_x-1", "ax-1", ".x", "..x", ":x", "x_1", "xy1", "X_1"] {
        agent.register(&confirmation(id));
    }
    for (given, found) in [("_", "_x-1"), ("..", "..x"), (":", ":x"), ("x_", "x_1"), ("X", "X_1"), (".x", ".x")] {
        assert!(says(&ada, &["show", given]).starts_with(&format!("confirmation {found}\n")), "{given}");
    }
    let sentence = complains(2, &ada, &["show", "."]);
    assert!(sentence.contains("..x") && sentence.contains(".x"), "{sentence}");
    assert_eq!(ada.get("/v1/interactions?idPrefix=a%25").status, 400);
    assert_eq!(ada.get("/v1/interactions?idPrefix=").status, 400);
}

#[test]
fn what_takes_something_back_looks_among_what_is_over() {
    let (_server, agent, ada) = fixture();
    for id in ["a-old", "a-new"] {
        agent.register(&confirmation(id));
    }
    for id in ["s-old", "s-new"] {
        agent.register(&secret(id));
    }
    says(&ada, &["approve", "a-old"]);
    ada.post("/v1/secret", &json!({"requestId": "s-old", "value": "v"})).expect(200);
    assert_eq!(says(&ada, &["withdraw", "a-"]), "withdrew the approval of a-old\n");
    says(&ada, &["secret", "--wipe", "s-"]);
    assert_eq!(agent.post_nothing("/v1/interactions/s-old/secret").refusal(), (409, "wiped"));
    assert_eq!(ada.look("s-new")["status"], "pending");
}
