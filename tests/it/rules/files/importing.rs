//! `rules import` and `rules export`: what the file says comes to stand in the database, and nothing else happens.

use serde_json::{Value, json};

use super::{Place, allowing, fed, row, said};
use crate::harness::{Client, Process, confirmation, countersign, location, token};

const WHOLE: &str = r#"[[rule]]
name = "make"
tool_name = "shell"
pattern = "make *"
scope = "/repo"
decision = "allow"
allow_high_risk = true
max_uses = 3
expires_at = 2999-12-31T23:59:59.999Z

[[rule]]
name = "no-push"
tool_name = "shell"
pattern = 'git "push" *'
scope = "everywhere"
decision = "deny"

[[rule]]
name = "look-at-notes"
tool_name = "edit \\ file"
pattern = "/home/é/\"notes\"/**"
scope = "team"
decision = "ask"
"#;

#[test]
fn what_is_exported_is_imported_elsewhere_as_the_same() {
    let (here, there) = (Place::new(), Place::new());
    here.imported(WHOLE, &[]);
    let exported = here.exported();
    assert_eq!(toml::from_str::<toml::Table>(&exported).unwrap(), toml::from_str::<toml::Table>(WHOLE).unwrap());
    there.imported(&exported, &[]);
    assert_eq!(there.exported(), exported);
    let columns = "SELECT name, tool_name, pattern, scope, decision, allow_high_risk, max_uses, expires_at_ms, status \
                   FROM trust_rules ORDER BY rule_number";
    assert_eq!(there.sql(columns), here.sql(columns));
}

#[test]
fn a_database_without_rules_exports_none() {
    assert_eq!(Place::new().exported().trim(), "rule = []");
}

#[test]
fn an_import_shows_what_it_does_line_by_line() {
    let place = Place::new();
    let gone = allowing("gone", "ls", "");
    let text = place.imported(&format!("{WHOLE}{gone}"), &[]);
    assert_eq!(
        text,
        "+ make allow shell \"make *\" in \"/repo\", high risk too, 3 times, until 2999-12-31T23:59:59.999Z\n\
         + no-push deny shell \"git \\\"push\\\" *\" everywhere\n\
         + look-at-notes ask edit \\ file \"/home/é/\\\"notes\\\"/**\" in \"team\"\n\
         + gone allow shell \"ls\" everywhere\n\
         0 unchanged; done\n"
    );
    let text = place.imported(&WHOLE.replace("max_uses = 3", "max_uses = 4"), &["--prune"]);
    assert_eq!(
        text,
        "~ make revision 2 allow shell \"make *\" in \"/repo\", high risk too, 4 times, until 2999-12-31T23:59:59.999Z\n  \
         make was allow shell \"make *\" in \"/repo\", high risk too, 3 times, until 2999-12-31T23:59:59.999Z\n\
         - gone allow shell \"ls\" everywhere\n\
         2 unchanged; done\n"
    );
    assert_eq!(
        place.imported(&gone, &[]),
        "! gone is revoked and stays so; --renew makes it again\n0 unchanged; done\n"
    );
}

#[test]
fn the_same_again_changes_nothing_and_leaves_no_trace() {
    let place = Place::new();
    place.imported(WHOLE, &[]);
    let before = place.picture();
    for flags in [&[][..], &["--prune"], &["--renew"]] {
        assert_eq!(place.imported(WHOLE, flags), "3 unchanged; done\n");
    }
    // Examples and comments are the file's alone, and so is the order.
    let rules = WHOLE
        .split("\n\n")
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .map(|rule| format!("{rule}\n# a comment\n"))
        .collect::<String>();
    assert_eq!(place.imported(&rules, &[]), "3 unchanged; done\n");
    assert_eq!(place.picture(), before);
}

#[test]
fn a_dry_run_shows_the_same_and_does_nothing() {
    let place = Place::new();
    place.imported(&(allowing("a", "ls", "") + &allowing("b", "ls -l", "")), &[]);
    let before = place.picture();
    let next = allowing("a", "ls -a", "") + &allowing("c", "pwd", "");
    let shown = place.imported(&next, &["--dry-run", "--prune"]);
    assert_eq!(place.picture(), before);
    let done = place.imported(&next, &["--prune"]);
    assert_eq!(shown.replace("nothing was changed: this was a dry run", "done"), done);
    assert_ne!(place.picture(), before);
}

#[test]
fn rules_that_are_not_in_the_file_stay_unless_they_are_pruned() {
    let place = Place::new();
    place.imported(&(allowing("a", "ls", "") + &allowing("b", "pwd", "")), &[]);
    assert_eq!(place.imported(&allowing("a", "ls", ""), &[]), "1 unchanged; done\n");
    assert_eq!(place.rows(), [row("a", 1, "active", "ls"), row("b", 1, "active", "pwd")]);
    place.imported(&allowing("a", "ls", ""), &["--prune"]);
    assert_eq!(place.rows(), [row("a", 1, "active", "ls"), row("b", 1, "revoked", "pwd")]);
    assert_eq!(place.imported("", &["--prune"]).lines().next(), Some("- a allow shell \"ls\" everywhere"));
}

#[test]
fn every_change_is_an_audit_event_by_the_principal_that_made_it() {
    let place = Place::new();
    place.imported(&(allowing("a", "ls", "") + &allowing("b", "pwd", "")), &[]);
    place.imported(&allowing("a", "ls -a", ""), &["--prune"]);
    let events = "SELECT e.event, e.principal, r.name, r.revision FROM audit_events AS e JOIN trust_rules AS r \
                  USING (rule_id) ORDER BY e.seq";
    let event = |event: &str, name: &str, revision: u64| vec![json!(event), json!("ada"), json!(name), json!(revision)];
    assert_eq!(
        place.sql(events),
        [
            event("trust_rule.created", "a", 1),
            event("trust_rule.created", "b", 1),
            event("trust_rule.revoked", "a", 1),
            event("trust_rule.created", "a", 2),
            event("trust_rule.revoked", "b", 1),
        ]
    );
}

#[test]
fn rules_are_imported_from_stdin() {
    let place = Place::new();
    let mut command = countersign();
    command.args(["rules", "import", "-", "--by", "ada", "--db"]).arg(&place.db);
    let output = fed(&mut command, &allowing("a", "ls", ""));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(place.rows(), [row("a", 1, "active", "ls")]);
}

/// A rule of the interface has no name: in a file it goes by its id.
#[test]
fn rules_made_through_the_interface_are_exported_by_their_id_and_not_doubled() {
    let place = Place::new();
    let process = Process::serve(&place.db, &[]);
    let ada = Client::new(&process.url, &token(&place.db, "ada", "approver"));
    let terms = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let made = ada.post("/v1/trust-rules", &terms).expect(201).body;
    let id = made["trustRule"]["ruleId"].as_str().unwrap().to_owned();
    let exported = place.exported();
    assert_eq!(toml::from_str::<toml::Table>(&exported).unwrap()["rule"][0]["name"].as_str(), Some(id.as_str()));
    let before = place.picture();
    assert_eq!(place.imported(&exported, &["--prune"]), "1 unchanged; done\n");
    assert_eq!(place.imported("", &["--prune"]), "0 unchanged; done\n", "what has no name is not the file's to prune");
    assert_eq!(place.picture(), before);
    // Changed in the file it becomes the file's.
    place.imported(&exported.replace("make *", "make test"), &[]);
    let unnamed = vec![Value::Null, json!(1), json!("revoked"), json!("make *"), json!("ada"), json!("ada")];
    assert_eq!(place.rows(), [unnamed, row(&id, 2, "active", "make test")]);
    assert_eq!(place.imported(&place.exported(), &[]), "1 unchanged; done\n");
}

#[test]
fn what_is_imported_beside_a_running_server_decides_the_very_next_registration() {
    let place = Place::new();
    let agent = token(&place.db, "builder", "agent");
    let process = Process::serve(&place.db, &[]);
    let agent = Client::new(&process.url, &agent);
    for round in 0..10 {
        place.imported(&allowing("make", "make *", ""), &["--renew"]);
        assert_eq!(agent.register(&confirmation(&format!("with{round}")))["status"], "approved");
        place.imported("", &["--prune"]);
        assert_eq!(agent.register(&confirmation(&format!("without{round}")))["status"], "pending");
    }
    said(countersign().args(["rules", "export", "--db"]).arg(&place.db));
}

#[test]
fn an_import_makes_no_database_and_names_the_one_that_it_looked_into() {
    let place = Place::new();
    let elsewhere = place.db.folder().join("elsewhere.db");
    for (db, by, problem) in [
        (elsewhere.as_path(), "ada", "there is no database "),
        (place.db.name(), "bob", "bob is no approver and no admin of this database"),
    ] {
        for flags in [&[][..], &["--dry-run"]] {
            let mut command = countersign();
            command.args(["rules", "import"]).arg(place.file(WHOLE)).args(["--by", by]).args(flags).arg("--db").arg(db);
            let output = command.output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains(problem) && told.contains(&location(db).to_string()), "{told}");
        }
    }
    assert!(!elsewhere.exists());
    assert!(place.rows().is_empty());
}
