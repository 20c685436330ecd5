//! Rules that come from a file beside a running server: they hold for the very next request, and every decision names for
//! ever which revision of which rule it was.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{command, made_id, rule, status, uses};
use crate::harness::outside::{without_trigger, write_sql};
use crate::harness::{Client, Database, Process, TestServer, countersign, sql, token};

/// Runs `rules import` of this file's text on a database, as another process.
fn import(db: &Path, text: &str, flags: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("rules.toml");
    fs::write(&file, text).unwrap();
    countersign()
        .args(["rules", "import"])
        .arg(&file)
        .args(["--by", "ada", "--db"])
        .arg(db)
        .args(flags)
        .output()
        .unwrap()
}

#[track_caller]
fn imported(db: &Path, text: &str, flags: &[&str]) {
    let output = import(db, text, flags);
    assert!(output.status.success(), "{output:?}");
}

/// A file with one rule of this name.
fn file(name: &str, decision: &str, pattern: &str) -> String {
    format!(
        "[[rule]]\nname = {name:?}\ntool_name = \"shell\"\npattern = {pattern:?}\nscope = \"everywhere\"\ndecision = {decision:?}\n"
    )
}

/// What stands under a name: id, revision and status, the oldest first.
fn revisions(server: &TestServer, name: &str) -> Vec<Vec<Value>> {
    server.sql(&format!("SELECT rule_id, revision, status FROM trust_rules WHERE name = '{name}' ORDER BY revision"))
}

#[test]
fn a_rule_that_is_imported_beside_the_server_holds_for_the_very_next_request() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    // The rules have been read, and are read again.
    made_id(&ada, &rule("allow", "git log *"));
    assert_eq!(status(&agent, &command("log", "git log")), "approved");
    for round in 0..5 {
        let ask = |step: &str| status(&agent, &command(&format!("c{round}{step}"), "git status"));
        assert_eq!(ask("before"), "pending");
        imported(&server.db(), &file("git", "allow", "git status *"), &["--renew"]);
        assert_eq!(ask("allowed"), "approved");
        imported(&server.db(), &file("git", "deny", "git status *"), &[]);
        assert_eq!(ask("denied"), "rejected");
        imported(&server.db(), "", &["--prune"]);
        assert_eq!(ask("pruned"), "pending");
    }
    assert_eq!(status(&agent, &command("log2", "git log")), "approved", "a rule without a name is not pruned");
    assert_eq!(revisions(&server, "git").len(), 10);
}

/// The same with both in processes of their own, and a server that has decided nothing yet.
#[test]
fn two_processes_share_the_rules_from_the_first_request_on() {
    let db = Database::new();
    let (agent, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = Process::serve(&db, &[]);
    let [agent, ada] = [agent, ada].map(|token| Client::new(&process.url, &token));
    imported(&db, &file("git", "allow", "git status *"), &[]);
    assert_eq!(status(&agent, &command("c1", "git status")), "approved");
    let shown = ada.get("/v1/trust-rules").expect(200).body["trustRules"][0].clone();
    assert_eq!((&shown["name"], &shown["revision"], &shown["useCount"]), (&json!("git"), &json!(1), &json!(1)));
    // What was taken back here is not taken back there, nor lost.
    ada.delete(&format!("/v1/trust-rules/{}", shown["ruleId"].as_str().unwrap())).expect(200);
    assert_eq!(status(&agent, &command("c2", "git status")), "pending");
    imported(&db, &file("git", "allow", "git status *"), &[]);
    assert_eq!(status(&agent, &command("c3", "git status")), "pending", "it was left as it ended");
    imported(&db, &file("git", "allow", "git status *"), &["--renew"]);
    assert_eq!(status(&agent, &command("c4", "git status")), "approved");
    assert_eq!(
        sql(&db, "SELECT revision, status FROM trust_rules ORDER BY revision"),
        [[json!(1), json!("revoked")], [json!(2), json!("active")]]
    );
    process.kill();
}

#[test]
fn every_decision_names_for_ever_which_revision_it_was() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    imported(&server.db(), &file("git", "allow", "git status *"), &[]);
    agent.register(&command("c1", "git status"));
    imported(&server.db(), &file("git", "allow", "git status"), &[]);
    agent.register(&command("c2", "git status"));
    let [first, second] = revisions(&server, "git").try_into().unwrap();
    assert_eq!((&first[1..], &second[1..]), (&[json!(1), json!("revoked")][..], &[json!(2), json!("active")][..]));
    for (request, rule) in [("c1", &first), ("c2", &second)] {
        let took_part = json!([{"ruleId": rule[0], "revision": rule[1]}]);
        let resolution = agent.look(request)["resolution"].clone();
        assert_eq!(
            (&resolution["resolvedBy"], &resolution["trustRules"]),
            (&json!({"trustRule": rule[0]}), &took_part)
        );
        let events = ada.get(&format!("/v1/audit-events?requestId={request}")).expect(200).body;
        assert_eq!(events["auditEvents"][0]["detail"]["trustRules"], took_part);
    }
    let hit = |rule: &[Value], pattern: &str, request: &str| {
        vec![rule[0].clone(), json!("git"), rule[1].clone(), json!(pattern), json!(request)]
    };
    assert_eq!(
        server.sql("SELECT rule_id, name, revision, pattern, request_id FROM v_rule_hits"),
        [hit(&second, "git status", "c2"), hit(&first, "git status *", "c1")]
    );
    assert_eq!(
        server.sql("SELECT json_extract(detail, '$.name'), CAST(json_extract(detail, '$.revision') AS INTEGER), principal FROM audit_events WHERE event = 'trust_rule.created' ORDER BY seq"),
        [[json!("git"), json!(1), json!("ada")], [json!("git"), json!(2), json!("ada")]]
    );
}

/// Decisions from before rules had revisions name one rule, and no list.
#[test]
fn an_older_decision_still_names_its_rule() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let id = made_id(&ada, &rule("allow", "git status"));
    agent.register(&command("c", "git status"));
    let older = "UPDATE interactions SET resolution = NULL";
    let guard = without_trigger("interactions", "interactions_resolved_for_ever");
    write_sql(&server.db(), &(guard + older)).unwrap();
    let resolution = agent.look("c")["resolution"].clone();
    assert_eq!((&resolution["resolvedBy"], resolution.get("trustRules")), (&json!({"trustRule": id}), None));
    assert_eq!(
        server.sql("SELECT rule_id, revision, request_id FROM v_rule_hits"),
        [[json!(id), json!(1), json!("c")]]
    );
    agent.register(&command("person", "git log"));
    ada.confirm("person", "allow").expect(200);
    assert_eq!(agent.look("person")["resolution"].get("trustRules"), None, "a person is no rule");
}

/// A rule that is replaced in the middle of its uses begins anew, as another rule; what it says is what is counted.
#[test]
fn a_new_revision_has_uses_of_its_own() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let uses_of = |most: u32| format!("{}max_uses = {most}\n", file("git", "allow", "git status"));
    let ask = |id: &str| status(&agent, &command(id, "git status"));
    imported(&server.db(), &uses_of(2), &[]);
    assert_eq!(ask("c1"), "approved");
    imported(&server.db(), &uses_of(2), &[]);
    assert_eq!(["c2", "c3"].map(ask), ["approved", "pending"], "an import that changes nothing renews nothing");
    imported(&server.db(), &uses_of(1), &[]);
    assert_eq!(["c4", "c5"].map(ask), ["approved", "pending"]);
    let used = revisions(&server, "git").iter().map(|rule| uses(&ada, rule[0].as_str().unwrap())).collect::<Vec<_>>();
    assert_eq!(used, [json!(2), json!(1)]);
}

#[test]
fn an_import_that_fails_changes_nothing() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    server.approver("ada");
    imported(&server.db(), &file("git", "allow", "git status *"), &[]);
    let two = file("git", "deny", "git status *") + "\n" + &file("other", "deny", "git log");
    let wrong_example = format!("{two}match = [\"git push\"]\n");
    let late = format!("{two}expires_at = 2001-01-01T00:00:00Z\n");
    for (what, text) in [("an example", wrong_example), ("a time", late), ("a name twice", two.replace("other", "git"))]
    {
        let output = server.unchanged(|| import(&server.db(), &text, &["--prune"]));
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        let request = format!("c-{}", what.replace(' ', "-"));
        assert_eq!(status(&agent, &command(&request, "git status")), "approved", "{what}");
    }
}
