//! The tables hold the rules by themselves: a program that writes to the file beside the server is refused a contradiction.

use serde_json::{Value, json};

use crate::harness::outside::{told, write_sql};
use crate::harness::{Client, TestServer, altered, confirmation, is_postgres, secret};

/// A server with a little of everything: `c` approved and claimed, `p` pending, `s` answered, one rule.
fn filled() -> (TestServer, Client) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for registration in [confirmation("c"), confirmation("p"), secret("s")] {
        agent.register(&registration);
    }
    ada.confirm("c", "allow").expect(200);
    agent.post("/v1/interactions/c/claim", &json!({"claimId": "i"})).expect(200);
    agent.post("/v1/interactions/c/outcome", &json!({"claimId": "i", "outcome": "succeeded"})).expect(200);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "v"})).expect(200);
    let rule = json!({"toolName": "shell", "pattern": "rm *", "scope": "everywhere", "decision": "deny", "maxUses": 2});
    ada.post("/v1/trust-rules", &rule).expect(201);
    ada.browser().submit("/logout", &[]).expect(303);
    // As the server enters it, for many events at once.
    write_sql(&server.db(), "INSERT INTO own_events VALUES ('builder', 3)").unwrap();
    (server, agent)
}

const TABLES: [&str; 23] = [
    "principals",
    "tokens",
    "trust_rules",
    "interactions",
    "interaction_bodies",
    "claims",
    "sealed_secrets",
    "secret_takings",
    "login_links",
    "sessions",
    "audit_events",
    "texts",
    "forgettings",
    "own_events",
    "kept_through",
    "tool_calls",
    "tool_call_joins",
    "channels",
    "notices",
    "push_keys",
    "search_blocks",
    "saved_views",
    "snoozes",
];

fn contents(server: &TestServer) -> Vec<Vec<Vec<Value>>> {
    TABLES.map(|table| server.sql(&format!("SELECT * FROM {table}"))).into()
}

/// Tries each statement from outside; all must fail with such words, and leave everything as it was.
#[track_caller]
fn refuses(attempts: &[&str], words: &str) {
    let (server, _) = filled();
    let before = contents(&server);
    // PostgreSQL has nothing that replaces a row without asking its triggers.
    let attempts = attempts.iter().filter(|attempt| !(is_postgres() && attempt.contains("REPLACE INTO")));
    for attempt in attempts {
        match write_sql(&server.db(), attempt) {
            Ok(()) => panic!("it was done: {attempt}"),
            Err(error) => assert!(is_refused_so(&error, words), "{attempt}: {error}"),
        }
    }
    assert_eq!(contents(&server), before);
}

/// PostgreSQL asks its constraints before its triggers: where several refuse, it is another one that says so.
fn is_refused_so(error: &str, words: &str) -> bool {
    error.contains(words) || (is_postgres() && (error.contains("constraint failed") || error.contains("never")))
}

#[test]
fn the_history_cannot_be_changed_or_shortened_from_outside() {
    refuses(
        &[
            "UPDATE audit_events SET principal = 'eve' WHERE seq = 1",
            "UPDATE audit_events SET detail = '{}'",
            "UPDATE audit_events SET seq = seq + 1000",
            "DELETE FROM audit_events WHERE seq = 1",
            "DELETE FROM audit_events",
        ],
        "audit_events only grows",
    );
    refuses(&["UPDATE own_events SET owner = 'ada'", "DELETE FROM own_events"], "own_events only grows");
    refuses(
        &[
            "UPDATE kept_through SET number = -1",
            "UPDATE kept_through SET what = 'stored_bytes' WHERE what = 'own_events'",
            "DELETE FROM kept_through",
            "INSERT OR REPLACE INTO kept_through VALUES ('own_events', 0)",
        ],
        "kept_through only grows",
    );
}

/// `INSERT OR REPLACE` deletes without asking the triggers of DELETE.
#[test]
fn the_history_cannot_be_replaced_from_outside() {
    refuses(
        &[
            "INSERT OR REPLACE INTO audit_events (seq, at_ms, event) SELECT seq, at_ms, 'forged' FROM audit_events",
            "REPLACE INTO audit_events (seq, at_ms, event) VALUES (1, 1, 'forged')",
        ],
        "audit_events only grows",
    );
}

#[test]
fn what_is_resolved_asked_or_claimed_cannot_be_changed_from_outside() {
    refuses(
        &[
            "UPDATE interactions SET status = 'rejected' WHERE request_id = 'c'",
            "UPDATE interactions SET resolved_by_principal = 'builder' WHERE request_id = 'c'",
            "UPDATE interactions SET status = 'pending', resolved_at_ms = NULL, resolved_by_principal = NULL, resolution = NULL WHERE request_id = 'c'",
            "UPDATE interaction_bodies SET body = '{}'",
            "UPDATE claims SET claim_id = 'other'",
            "UPDATE claims SET outcome = 'failed'",
        ],
        "never change",
    );
    refuses(&["DELETE FROM interactions WHERE request_id = 'p'", "DELETE FROM interaction_bodies"], "never deleted");
}

/// Every decision names a rule: what the rule said then never changes.
#[test]
fn what_a_trust_rule_says_cannot_be_changed_from_outside() {
    refuses(
        &[
            "UPDATE trust_rules SET rule_id = 'other'",
            "UPDATE trust_rules SET kind = 'secret'",
            "UPDATE trust_rules SET tool_name = 'browser'",
            "UPDATE trust_rules SET pattern = '*'",
            "UPDATE trust_rules SET scope = '/repo'",
            "UPDATE trust_rules SET decision = 'allow'",
            "UPDATE trust_rules SET allow_high_risk = 1",
            "UPDATE trust_rules SET created_at_ms = 1",
            "UPDATE trust_rules SET created_by = 'builder'",
            "UPDATE trust_rules SET created_from = 'p'",
            "UPDATE trust_rules SET expires_at_ms = created_at_ms + 1",
            "UPDATE trust_rules SET max_uses = NULL",
            "UPDATE trust_rules SET max_uses = 3",
            "UPDATE trust_rules SET name = 'rm'",
            "UPDATE trust_rules SET revision = 2",
        ],
        "what a trust rule says never changes",
    );
    refuses(&["DELETE FROM trust_rules"], "never deleted");
    refuses(
        &["BEGIN; UPDATE trust_rules SET status = 'revoked', revoked_at_ms = created_at_ms, revoked_by = 'ada'; \
           UPDATE trust_rules SET status = 'active', revoked_at_ms = NULL, revoked_by = NULL; COMMIT"],
        "a trust rule that has ended never changes",
    );
}

/// `INSERT OR REPLACE` deletes without asking the triggers of DELETE, and changes without asking those of UPDATE.
#[test]
fn what_a_trust_rule_says_cannot_be_replaced_from_outside() {
    let columns = "rule_number, rule_id, kind, status, tool_name, scope, created_at_ms, created_by, max_uses";
    let replace = format!(
        "INSERT OR REPLACE INTO trust_rules ({columns}, pattern, decision, allow_high_risk) \
         SELECT {columns}, '*', 'allow', 1 FROM trust_rules"
    );
    refuses(&[&replace], "never");
}

/// A session that has ended stays so, and a link that was used is used up.
#[test]
fn no_session_is_brought_back_from_outside() {
    refuses(&["UPDATE login_links SET used_at_ms = NULL"], "a login link works once");
    refuses(
        &[
            "UPDATE sessions SET ended_at_ms = NULL",
            "UPDATE sessions SET expires_at_ms = 1893456000000000",
            "UPDATE sessions SET browser = 'x'",
        ],
        "a session never changes",
    );
    refuses(&["DELETE FROM login_links", "DELETE FROM sessions"], "never deleted");
    refuses(
        &[
            "INSERT OR REPLACE INTO login_links SELECT code_sha256, token_id, created_at_ms, expires_at_ms, NULL FROM login_links",
            "INSERT OR REPLACE INTO sessions SELECT session_id, session_sha256, token_id, created_at_ms, expires_at_ms, NULL, NULL FROM sessions",
        ],
        "never replaced",
    );
}

#[test]
fn a_row_that_contradicts_itself_is_refused_from_outside() {
    refuses(
        &[
            "UPDATE interactions SET status = 'approved' WHERE request_id = 'p'",
            "UPDATE interactions SET resolved_at_ms = created_at_ms WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'approved', resolved_at_ms = created_at_ms WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'answered', resolved_at_ms = created_at_ms, resolved_by_principal = 'ada' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'approved', resolved_at_ms = created_at_ms - 1, resolved_by_principal = 'ada' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'approved', resolved_at_ms = expires_at_ms, resolved_by_principal = 'ada' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'expired', resolved_at_ms = expires_at_ms, resolved_by_principal = 'ada' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'expired', resolved_at_ms = created_at_ms, resolved_by_system = 'expired' WHERE request_id = 'p'",
            "UPDATE interactions SET kind = 'secret' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'done' WHERE request_id = 'p'",
            "UPDATE interactions SET request_id = 'a b' WHERE request_id = 'p'",
            "UPDATE interactions SET request_id = '..' WHERE request_id = 'p'",
            "UPDATE interactions SET resolution = '{}' WHERE request_id = 'p'",
            "UPDATE trust_rules SET status = 'revoked'",
            "UPDATE trust_rules SET status = 'exhausted'",
            "UPDATE trust_rules SET status = 'expired'",
            "UPDATE trust_rules SET use_count = 3, last_used_at_ms = created_at_ms",
            "UPDATE trust_rules SET use_count = 1",
            "UPDATE trust_rules SET revoked_at_ms = created_at_ms",
            "UPDATE principals SET stored_bytes = -1",
            "UPDATE sealed_secrets SET sealed = NULL",
            "UPDATE tokens SET revoked_at_ms = created_at_ms - 1",
            "INSERT INTO audit_events (seq, at_ms, event, detail, hash) VALUES (99, 1, 'e', 'no json', zeroblob(32))",
            "INSERT INTO audit_events (seq, at_ms, event, hash) VALUES (99, 1, 'e', zeroblob(31))",
        ],
        "CHECK constraint failed",
    );
    refuses(
        &[
            "UPDATE interactions SET registered_by = 'nobody' WHERE request_id = 'p'",
            "UPDATE interactions SET status = 'approved', resolved_at_ms = created_at_ms, resolved_by_rule = 'none' WHERE request_id = 'p'",
            "INSERT INTO claims (interaction_id, claim_id, claimed_at_ms) VALUES (99, 'x', 1)",
        ],
        "FOREIGN KEY constraint failed",
    );
    refuses(&["UPDATE interactions SET request_id = 'c' WHERE request_id = 'p'"], "UNIQUE constraint failed");
}

#[test]
fn every_table_is_strict() {
    let (server, _) = filled();
    let tables = server.sql("SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'refinery_%' ORDER BY name");
    let mut expected = TABLES.map(|name| vec![json!(name), json!(1)]).to_vec();
    expected.sort_by_key(|row| row[0].to_string());
    assert_eq!(tables, expected);
    for attempt in [
        "UPDATE interactions SET created_at_ms = 'noon' WHERE request_id = 'p'",
        "UPDATE trust_rules SET use_count = 1.5, last_used_at_ms = created_at_ms",
    ] {
        assert!(write_sql(&server.db(), attempt).is_err_and(|error| error.contains("cannot store")), "{attempt}");
    }
}

/// From outside only what the application does may be done, and the application sees it at once: what it remembers it forgets.
#[test]
fn a_write_from_outside_that_keeps_the_rules_is_seen_and_the_server_goes_on() {
    let (server, agent) = filled();
    let remove = |id: &str| altered(confirmation(id), &json!({"confirmation": {"input": {"command": "rm x"}}}));
    assert_eq!(agent.register(&remove("before"))["status"], "rejected");
    let revoke = "UPDATE trust_rules SET status = 'revoked', revoked_at_ms = created_at_ms, revoked_by = 'ada'";
    write_sql(&server.db(), &format!("{revoke}; {}", told("trust_rule.revoked", "NULL"))).unwrap();
    assert_eq!(agent.register(&remove("after"))["status"], "pending");
}

/// An approval that nobody has claimed: neither late, nor claimed and withdrawn.
#[test]
fn an_approval_is_claimed_or_withdrawn_once_and_in_time_from_outside_too() {
    let (server, _) = filled();
    server.approver("ada").confirm("p", "allow").expect(200);
    let id = "(SELECT interaction_id FROM interactions WHERE request_id = 'p')";
    let insert = |columns: &str, values: &str| {
        write_sql(&server.db(), &format!("INSERT INTO claims (interaction_id, {columns}) VALUES ({id}, {values})"))
    };
    for (columns, values, words) in [
        ("claim_id, claimed_at_ms", "'x', 1893456000000000", "not claimed past its deadline"),
        ("claim_id, claimed_at_ms, withdrawn_by, withdrawn_at_ms", "'x', 1, 'ada', 1", "CHECK constraint failed"),
        ("claim_id", "'x'", "CHECK constraint failed"),
        ("withdrawn_by", "'ada'", "CHECK constraint failed"),
        ("withdrawn_by, withdrawn_at_ms, outcome, outcome_at_ms", "'ada', 1, 'failed', 1", "CHECK constraint failed"),
        ("withdrawn_by, withdrawn_at_ms", "'nobody', 1", "FOREIGN KEY constraint failed"),
    ] {
        let error = insert(columns, values).unwrap_err();
        assert!(is_refused_so(&error, words), "{columns}: {error}");
    }
    server.approver("ada").post_nothing("/v1/interactions/p/withdraw").expect(200);
    for change in ["withdrawn_by = 'builder'", "withdrawn_at_ms = 1", "claim_id = 'x', claimed_at_ms = 1"] {
        let error =
            write_sql(&server.db(), &format!("UPDATE claims SET {change} WHERE withdrawn_by = 'ada'")).unwrap_err();
        assert!(is_refused_so(&error, "never change"), "{error}");
    }
    assert!(is_refused_so(&insert("claim_id, claimed_at_ms", "'x', 1").unwrap_err(), "claims are never replaced"));
}

#[test]
fn what_is_wiped_stays_so_and_no_taking_is_undone() {
    let (server, agent) = filled();
    agent.post_nothing("/v1/interactions/s/secret").expect(200);
    server.approver("ada").delete("/v1/interactions/s/secret").expect(200);
    for (attempt, words) in [
        (
            "UPDATE sealed_secrets SET sealed = zeroblob(50), wiped_by = NULL, wiped_at_ms = NULL",
            "what is wiped stays so",
        ),
        ("DELETE FROM secret_takings", "never deleted"),
        ("UPDATE secret_takings SET take_id = 'x'", "never change"),
    ] {
        assert!(write_sql(&server.db(), attempt).unwrap_err().contains(words), "{attempt}");
    }
}

#[test]
fn no_claim_comes_back_and_no_token_speaks_again() {
    refuses(
        &[
            "DELETE FROM claims",
            "INSERT OR REPLACE INTO claims (interaction_id, claim_id, claimed_at_ms) VALUES (1, 'x', 1)",
        ],
        "claims are never",
    );
    refuses(&["DELETE FROM sealed_secrets"], "sealed secrets are wiped, never deleted");
    refuses(&["DELETE FROM tokens"], "tokens are revoked, never deleted");
    refuses(&["UPDATE tokens SET token_sha256 = zeroblob(32)"], "a token never changes");
    refuses(
        &["UPDATE principals SET role = 'admin'", "UPDATE principals SET role = 'king'"],
        "a principal has one role",
    );
    refuses(&["DELETE FROM principals"], "principals are never deleted");
}
