//! A rule of a file lives on in revisions: what has decided something stays in the history.

use serde_json::json;

use super::{Place, allowing, row};
use crate::harness::{Client, Process, confirmation, token};

#[test]
fn a_changed_rule_is_a_new_revision_and_the_old_row_stays() {
    let place = Place::new();
    for pattern in ["ls", "ls -l", "ls *"] {
        place.imported(&allowing("a", pattern, ""), &[]);
    }
    assert_eq!(
        place.rows(),
        [row("a", 1, "revoked", "ls"), row("a", 2, "revoked", "ls -l"), row("a", 3, "active", "ls *")]
    );
}

#[test]
fn a_decision_names_for_ever_the_revision_that_made_it() {
    let place = Place::new();
    let agent = token(&place.db, "builder", "agent");
    let process = Process::serve(&place.db, &[]);
    let agent = Client::new(&process.url, &agent);
    place.imported(&allowing("make", "make *", ""), &[]);
    agent.register(&confirmation("first"));
    place.imported(&allowing("make", "make deploy", ""), &[]);
    agent.register(&confirmation("second"));
    place.imported("", &["--prune"]);
    let hit = |request: &str, revision: u64, pattern: &str| {
        vec![json!(request), json!("make"), json!(revision), json!(pattern)]
    };
    assert_eq!(
        place.sql("SELECT request_id, name, revision, pattern FROM v_rule_hits"),
        [hit("second", 2, "make deploy"), hit("first", 1, "make *")]
    );
    for (request, revision) in [("first", 1), ("second", 2)] {
        let by = agent.look(request)["resolution"]["resolvedBy"]["trustRule"].clone();
        let rows = place.sql(&format!("SELECT rule_id FROM trust_rules WHERE revision = {revision}"));
        assert_eq!(rows, [[by]]);
    }
}

#[test]
fn a_rule_that_ended_is_made_again_only_when_asked_to_and_with_its_uses_ahead_of_it() {
    let place = Place::new();
    let agent = token(&place.db, "builder", "agent");
    let process = Process::serve(&place.db, &[]);
    let agent = Client::new(&process.url, &agent);
    let rule = allowing("once", "make *", "max_uses = 1");
    place.imported(&rule, &[]);
    assert_eq!(agent.register(&confirmation("first"))["status"], "approved");
    assert_eq!(agent.register(&confirmation("second"))["status"], "pending");
    let before = place.picture();
    assert_eq!(
        place.imported(&rule, &[]),
        "! once is exhausted and stays so; --renew makes it again\n0 unchanged; done\n"
    );
    assert_eq!(place.picture(), before);
    assert_eq!(
        place.imported(&rule, &["--renew"]),
        "+ once revision 2, again allow shell \"make *\" everywhere, 1 times\n0 unchanged; done\n"
    );
    assert_eq!(agent.register(&confirmation("third"))["status"], "approved");
    assert_eq!(place.rows(), [row("once", 1, "exhausted", "make *"), row("once", 2, "exhausted", "make *")]);
}

#[test]
fn a_rule_that_was_revoked_comes_back_when_its_file_says_something_else() {
    let place = Place::new();
    place.imported(&allowing("a", "ls", ""), &[]);
    place.imported("", &["--prune"]);
    place.imported(&allowing("a", "ls -l", ""), &[]);
    assert_eq!(place.rows(), [row("a", 1, "revoked", "ls"), row("a", 2, "active", "ls -l")]);
    place.imported(&allowing("a", "ls", ""), &[]);
    assert_eq!(place.rows().last(), Some(&row("a", 3, "active", "ls")), "numbers go on, whatever has been before");
}
