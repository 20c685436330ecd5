//! The views that people read with the database's shell: the right rows, with times that people can read.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::harness::{TestServer, altered, confirmation, is_postgres, question, secret};

const VIEWS: [&str; 7] =
    ["v_pending", "v_decisions", "v_trust_rules", "v_rule_hits", "v_events", "v_unclaimed", "v_waiting_times"];

/// In order: `pending`, a question and a secret pending; `never` and `run` approved by ada after 1.5 s and 2.5 s, `run`
/// claimed; `story` told to its end; `hit` decided by the rule; `late` expired after 1.005 s.
fn history() -> (TestServer, String) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut late = confirmation("late");
    late["expiresInMs"] = json!(1005);
    for registration in [confirmation("never"), confirmation("run"), confirmation("story"), late] {
        agent.register(&registration);
    }
    server.advance(Duration::from_millis(1500));
    ada.post("/v1/confirm", &json!({"requestId": "never", "decision": "allow", "comment": "go on"})).expect(200);
    server.advance(Duration::from_secs(1));
    for id in ["run", "story"] {
        ada.confirm(id, "allow").expect(200);
        agent.post(&format!("/v1/interactions/{id}/claim"), &json!({"claimId": "i"})).expect(200);
    }
    agent.post("/v1/interactions/story/outcome", &json!({"claimId": "i", "outcome": "failed"})).expect(200);
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "/repo", "decision": "deny", "maxUses": 1, "expiresInMs": 60_000});
    let made = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"].clone();
    agent.register(&confirmation("hit"));
    server.advance(Duration::from_millis(1));
    for registration in [confirmation("pending"), question("q"), secret("s")] {
        agent.register(&registration);
    }
    assert_eq!(agent.look("late")["status"], "expired");
    (server, made["ruleId"].as_str().unwrap().to_owned())
}

fn at(seconds_and_millis: &str) -> Value {
    json!(format!("2030-01-01T00:00:{seconds_and_millis}Z"))
}

#[test]
fn the_queue_shows_what_is_pending_and_until_when() {
    let (server, _) = history();
    let end = json!("2030-01-02T00:00:02.501Z");
    assert_eq!(
        server.sql("SELECT request_id, kind, registered_by, tool_name, subject, risk_level, created_at, expires_at FROM v_pending"),
        [
            [json!("s"), json!("secret"), json!("builder"), Value::Null, json!("The forge's token"), Value::Null, at("02.501"), end.clone()],
            [json!("q"), json!("question"), json!("builder"), Value::Null, json!("Which?"), Value::Null, at("02.501"), end.clone()],
            [json!("pending"), json!("confirmation"), json!("builder"), json!("shell"), json!("make deploy"), json!("medium"), at("02.501"), end]
        ]
    );
}

#[test]
fn decisions_show_who_or_what_decided_and_when() {
    let (server, rule) = history();
    assert_eq!(
        server.sql("SELECT request_id, status, resolved_by, comment, created_at, resolved_at FROM v_decisions"),
        [
            [json!("hit"), json!("rejected"), json!(format!("rule {rule}")), Value::Null, at("02.500"), at("02.500")],
            [json!("late"), json!("expired"), json!("system expired"), Value::Null, at("00.000"), at("01.005")],
            [json!("story"), json!("approved"), json!("ada"), Value::Null, at("00.000"), at("02.500")],
            [json!("run"), json!("approved"), json!("ada"), Value::Null, at("00.000"), at("02.500")],
            [json!("never"), json!("approved"), json!("ada"), json!("go on"), at("00.000"), at("01.500")]
        ]
    );
}

#[test]
fn rules_show_what_they_say_and_what_they_did() {
    let (server, rule) = history();
    assert_eq!(
        server.sql("SELECT rule_id, status, decision, use_count, max_uses, created_at, expires_at, last_used_at, revoked_at FROM v_trust_rules"),
        [[json!(rule), json!("exhausted"), json!("deny"), json!(1), json!(1), at("02.500"), json!("2030-01-01T00:01:02.500Z"), at("02.500"), Value::Null]]
    );
    assert_eq!(
        server.sql(
            "SELECT rule_id, pattern, scope, request_id, registered_by, tool_name, subject, hit_at FROM v_rule_hits"
        ),
        [[
            json!(rule),
            json!("make *"),
            json!("/repo"),
            json!("hit"),
            json!("builder"),
            json!("shell"),
            json!("make deploy"),
            at("02.500")
        ]]
    );
}

#[test]
fn approved_but_never_run_can_be_asked_of_the_database() {
    let (server, _) = history();
    assert_eq!(
        server.sql("SELECT request_id, story, claim_id, approved_at, claimed_at FROM v_unclaimed"),
        [
            [json!("run"), json!("claimed, outcome unknown"), json!("i"), at("02.500"), at("02.500")],
            [json!("never"), json!("never claimed"), Value::Null, at("01.500"), Value::Null]
        ]
    );
}

#[test]
fn waiting_times_are_counted_by_kind_tool_and_end() {
    let (server, _) = history();
    assert_eq!(
        server
            .sql("SELECT kind, tool_name, status, interactions, shortest_s, average_s, longest_s FROM v_waiting_times"),
        [
            [json!("confirmation"), json!("shell"), json!("approved"), json!(3), json!(1.5), json!(2.167), json!(2.5)],
            [
                json!("confirmation"),
                json!("shell"),
                json!("expired"),
                json!(1),
                json!(1.005),
                json!(1.005),
                json!(1.005)
            ],
            [json!("confirmation"), json!("shell"), json!("rejected"), json!(1), json!(0.0), json!(0.0), json!(0.0)]
        ]
    );
}

#[test]
fn the_history_is_readable_newest_first() {
    let (server, rule) = history();
    let events = server.sql("SELECT seq, at, event, request_id, rule_id, principal, detail FROM v_events");
    let seqs: Vec<_> = events.iter().map(|event| event[0].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as i64).rev().collect::<Vec<_>>());
    let hit = events.iter().find(|event| event[2] == "interaction.rejected").unwrap();
    assert_eq!(hit[1..6], [at("02.500"), json!("interaction.rejected"), json!("hit"), json!(rule), Value::Null]);
    assert!(events.iter().all(|event| event[1].as_str().is_some_and(|at| at.len() == 24)), "{events:?}");
}

#[test]
fn the_databases_shell_reads_every_view_while_the_server_runs() {
    let (server, _) = history();
    let db = server.db();
    if is_without_shell(&db) {
        return;
    }
    for view in VIEWS {
        let output = shell(&db, 0, &format!("SELECT count(*) FROM {view}; SELECT * FROM {view}"));
        assert!(output.status.success() && output.stderr.is_empty(), "{view}: {output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let count = &server.sql(&format!("SELECT count(*) FROM {view}"))[0][0];
        assert_eq!(said.lines().next(), Some(count.to_string().as_str()), "{view}");
        assert_ne!(count, &json!(0), "{view} shows nothing, and proves nothing");
    }
}

/// How the shells write rows: the first is one row a line.
const MODES: [[&str; 4]; 2] = [["-list", "-box", "-line", "-json"], ["-At", "--pset=border=2", "-x", "--csv"]];

/// What the database's own shell says to a query, `sqlite3` or `psql`.
fn shell(db: &Path, mode: usize, query: &str) -> Output {
    let [sqlite, postgres] = MODES.map(|modes| modes[mode]);
    let mut command = if is_postgres() {
        let mut psql = Command::new("psql");
        psql.env("PGOPTIONS", "-c search_path=countersign").args(["-X", postgres]).arg(db);
        psql.args(query.split("; ").flat_map(|one| ["-c", one]));
        psql
    } else {
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3.args(["-readonly", sqlite]).arg(db).arg(query);
        sqlite3
    };
    command.output().unwrap()
}

fn is_without_shell(db: &Path) -> bool {
    let program = if is_postgres() { "psql" } else { "sqlite3" };
    let is_missing = Command::new(program).arg("--version").output().is_err();
    if is_missing {
        writeln!(std::io::stderr().lock(), "skipped: there is no {program} on this machine, to read {}", db.display())
            .unwrap();
    }
    is_missing
}

/// What no terminal may be sent: all that it obeys but the ends of lines and tabs.
fn is_obeyed(c: char) -> bool {
    let is_control = c.is_control() && c != '\n' && c != '\t';
    is_control
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[test]
fn no_view_hands_a_terminal_what_it_would_obey() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let hostile: String = (0..=0xff)
        .chain([0x61c, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0x65e5])
        .map(|code| char::from_u32(code).unwrap())
        .collect();
    let tool = "sh\u{202e}ell\u{2066}";
    let asked = json!({"confirmation": {
        "toolName": tool, "subject": hostile, "riskLevel": "low",
        "allowlistOptions": [{"label": "x", "pattern": "x\u{9b}31m\u{202e}"}],
        "scopeOptions": [{"label": "x", "scope": "custom\u{1b}[2J\u{202e}"}],
    }});
    for id in ["pending", "approved", "rejected"] {
        agent.register(&altered(confirmation(id), &asked));
    }
    let comment = json!({"requestId": "approved", "decision": "allow", "comment": hostile.trim_start_matches('\0')});
    ada.post("/v1/confirm", &comment).expect(200);
    ada.confirm("rejected", "deny").expect(200);
    for (pattern, scope) in [("*", "everywhere"), ("x\u{9b}31m\u{202e}", "custom\u{1b}[2J\u{202e}")] {
        let rule = json!({"toolName": tool, "pattern": pattern, "scope": scope, "decision": "deny"});
        ada.post("/v1/trust-rules", &rule).expect(201);
    }
    agent.register(&altered(confirmation("hit"), &asked));
    let mut label = secret("labelled");
    label["secret"]["label"] = json!(format!("a{hostile}"));
    agent.register(&label);
    let db = server.db();
    if is_without_shell(&db) {
        return;
    }
    for view in VIEWS {
        for mode in 0..4 {
            let output = shell(&db, mode, &format!("SELECT * FROM {view}"));
            assert!(output.status.success() && output.stderr.is_empty(), "{view}: {output:?}");
            let said = String::from_utf8(output.stdout).unwrap();
            let obeyed = said.chars().filter(|c| is_obeyed(*c)).collect::<Vec<_>>();
            assert!(obeyed.is_empty() && said.contains("\\u"), "{view} in {mode}: {obeyed:?} of {said}");
        }
    }
    // What is shown is all of it, and the history's JSON is the same JSON.
    let shown = server.sql("SELECT subject FROM v_pending WHERE request_id = 'pending'")[0][0].clone();
    assert_eq!(serde_json::from_str::<String>(shown.as_str().unwrap()).unwrap(), hostile);
    let detail = "SELECT v.detail, e.detail, coalesce(t.text, '{}') FROM v_events AS v JOIN audit_events AS e USING (seq) \
         LEFT JOIN texts AS t ON t.told_in = seq";
    for row in server.sql(detail) {
        let parsed = |at: usize| serde_json::from_str::<Map<String, Value>>(row[at].as_str().unwrap()).unwrap();
        let mut stored = parsed(1);
        stored.extend(parsed(2));
        assert_eq!(parsed(0), stored);
    }
}
