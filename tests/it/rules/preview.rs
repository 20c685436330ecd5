//! Preview: what a rule would have decided, how people had decided it, and what waits now. What must not be missed first.

use serde_json::{Value, json};

use super::{command, ids, made_id, picture, rule, with};
use crate::harness::{Act, Client, TestServer, altered, question, race, secret};

#[track_caller]
fn preview(approver: &Client, rule: &Value) -> Value {
    approver.post("/v1/trust-rules/preview", rule).expect(200).body
}

/// What it would have decided and what it would decide now.
fn found(preview: &Value) -> [Vec<&str>; 2] {
    [ids(&preview["decided"]), ids(&preview["pending"])]
}

/// In the order of the numbers: contradicted, approved, rejected, by rules, unanswered, pending.
fn counts(numbers: [u64; 6]) -> Value {
    let [contradicted, approved, rejected, by_rules, unanswered, pending] = numbers;
    json!({"contradicted": contradicted, "approved": approved, "rejected": rejected, "byRules": by_rules,
        "unanswered": unanswered, "pending": pending})
}

/// Everything that can have become of a `git status`, oldest first, and things that it is not.
fn lived(server: &TestServer) -> (Client, Client) {
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["no1", "yes1", "withdrawn", "no2", "yes2", "superseded"] {
        agent.register(&with(&command(id, "git status"), &json!({"conversationId": id})));
    }
    agent.register(&with(&command("late", "git status"), &json!({"expiresInMs": 1000})));
    agent.register(&command("other", "git log"));
    agent.register(&altered(command("tool", "git status"), &json!({"confirmation": {"toolName": "shell2"}})));
    agent.register(&question("q"));
    agent.register(&secret("s"));
    for (id, decision) in
        [("yes1", "allow"), ("no1", "deny"), ("no2", "deny"), ("yes2", "allow"), ("other", "deny"), ("tool", "deny")]
    {
        ada.confirm(id, decision).expect(200);
    }
    agent.post_nothing("/v1/interactions/withdrawn/cancel").expect(200);
    agent.post_nothing("/v1/conversations/superseded/supersede").expect(200);
    server.advance(std::time::Duration::from_secs(1));
    let brief = made_id(&ada, &with(&rule("allow", "git status"), &json!({"maxUses": 1})));
    assert_eq!(
        agent.register(&command("by-rule", "git status"))["resolution"]["resolvedBy"],
        json!({"trustRule": brief})
    );
    for id in ["waits1", "waits2"] {
        agent.register(&command(id, "git status"));
    }
    (agent, ada)
}

#[test]
fn what_people_had_decided_the_other_way_is_shown_first() {
    let server = TestServer::start();
    let (agent, ada) = lived(&server);
    let allow = preview(&ada, &rule("allow", "git status *"));
    let rest = ["by-rule", "late", "superseded", "yes2", "withdrawn", "yes1"];
    assert_eq!(found(&allow), [[&["no2", "no1"], &rest[..]].concat(), vec!["waits1", "waits2"]]);
    assert_eq!(allow["counts"], counts([2, 2, 2, 1, 3, 2]));
    assert_eq!((&allow["examined"], &allow["truncated"]), (&json!(12), &json!(false)));
    assert_eq!(allow["decided"][0], agent.look("no2"), "as the API shows it");
    let deny = preview(&ada, &rule("deny", "git status *"));
    let rest = ["by-rule", "late", "superseded", "no2", "withdrawn", "no1"];
    assert_eq!(found(&deny), [[&["yes2", "yes1"], &rest[..]].concat(), vec!["waits1", "waits2"]]);
    assert_eq!(deny["counts"], counts([2, 2, 2, 1, 3, 2]));
    // A rule that asks contradicts no decision.
    let ask = preview(&ada, &rule("ask", "git status *"));
    assert_eq!(ids(&ask["decided"]), ["by-rule", "late", "superseded", "yes2", "no2", "withdrawn", "yes1", "no1"]);
    assert_eq!(ask["counts"], counts([0, 2, 2, 1, 3, 2]));
    let nothing = preview(&ada, &rule("allow", "git stash"));
    assert_eq!((found(&nothing), &nothing["counts"]), ([vec![], vec![]], &counts([0; 6])));
}

/// A decision that another rule makes anyway is not this rule's: who previews must not believe that a door would open.
#[test]
fn rules_that_stand_already_have_their_say() {
    let server = TestServer::start();
    let (agent, ada) = lived(&server);
    let nothing = ([vec![], vec![]], counts([0; 6]));
    for cautious in ["deny", "ask"] {
        let id = made_id(&ada, &rule(cautious, "git *"));
        let shown = preview(&ada, &rule("allow", "git status *"));
        assert_eq!((found(&shown), shown["counts"].clone()), nothing, "under {cautious}");
        ada.delete(&format!("/v1/trust-rules/{id}")).expect(200);
    }
    assert_eq!(preview(&ada, &rule("allow", "git status *"))["counts"]["pending"], 2, "once they are gone");
    // One that only could deny keeps what it could deny for a person.
    agent.register(&command("hidden", "git -C /x status"));
    let exact = rule("allow", "git -C /x status");
    assert_eq!(found(&preview(&ada, &exact))[1], ["hidden"]);
    made_id(&ada, &rule("deny", "git status *"));
    assert_eq!(found(&preview(&ada, &exact))[1], [""; 0]);
}

/// Previews `newer` where `older` stands: all is counted, and nothing left to the other.
fn hides_nothing(older: &str, newer: &str) {
    let server = TestServer::start();
    let (_agent, ada) = lived(&server);
    made_id(&ada, &rule("allow", older));
    let counted = preview(&ada, &rule("allow", newer))["counts"].clone();
    assert_eq!(counted, counts([2, 2, 2, 1, 3, 2]), "{newer} beside {older}");
}

/// Two rules that say the same: the one that is previewed would have decided it, too.
#[test]
fn a_rule_that_stands_and_says_the_same_hides_nothing() {
    hides_nothing("git status *", "git status *");
    hides_nothing("git status *", "git status");
}

#[test]
fn a_rule_that_stands_and_is_it_to_the_letter_hides_nothing_from_a_wider_one() {
    hides_nothing("git status", "git status *");
}

#[test]
fn a_line_counts_where_rules_that_stand_allow_the_rest_of_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("both", "git status && npm test"));
    let git = rule("allow", "git status *");
    assert_eq!(found(&preview(&ada, &git)), [[""; 0]; 2]);
    made_id(&ada, &rule("allow", "npm test"));
    assert_eq!(found(&preview(&ada, &git)), [vec![], vec!["both"]]);
    assert_eq!(found(&preview(&ada, &rule("allow", "make"))), [[""; 0]; 2]);
}

#[test]
fn risk_place_and_author_are_taken_as_they_were() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let root = server.client("root", countersign::domain::enums::Role::Admin);
    let asked = |id: &str, changes: Value| {
        agent.register(&altered(command(id, "git status"), &json!({"confirmation": changes})))
    };
    asked("high", json!({"riskLevel": "high"}));
    asked("elsewhere", json!({"workingDir": "/other"}));
    asked("here", json!({}));
    root.register(&command("mine", "git status"));
    let here = with(&rule("allow", "git status *"), &json!({"scope": "/repo"}));
    assert_eq!(found(&preview(&ada, &here))[1], ["here", "mine"]);
    assert_eq!(found(&preview(&ada, &with(&here, &json!({"allowHighRisk": true}))))[1], ["high", "here", "mine"]);
    assert_eq!(found(&preview(&root, &here))[1], ["here"]);
}

/// What is shown before is what is done after, whatever else stands.
#[test]
fn applying_a_rule_resolves_what_its_preview_has_shown_as_pending() {
    let lines = [
        "git status",
        "git status -s",
        "git log && git status",
        "npm test; git log",
        "git $X",
        "sudo npm test",
        "ls *.rs",
    ];
    for decision in ["allow", "deny", "ask"] {
        for pattern in ["git status *", "git *", "* test", "npm test", "ls *", "*"] {
            let server = TestServer::start();
            let (agent, ada) = (server.agent("builder"), server.approver("ada"));
            for (number, line) in lines.iter().enumerate() {
                agent.register(&command(&format!("c{number}"), line));
            }
            for standing in [rule("allow", "git log *"), rule("deny", "npm test -x"), rule("ask", "ls -l")] {
                made_id(&ada, &standing);
            }
            let shown = preview(&ada, &rule(decision, pattern));
            let new = with(&rule(decision, pattern), &json!({"applyToPending": true}));
            let resolved = ada.post("/v1/trust-rules", &new).expect(201).body["resolved"].clone();
            let promised = if decision == "ask" { vec![] } else { ids(&shown["pending"]) };
            assert_eq!(resolved, json!(promised), "{decision} {pattern}");
        }
    }
}

/// The preview covers the whole queue: no person has to make the rule to learn what it decides.
#[test]
fn what_is_pending_is_shown_from_beyond_the_latest_500_and_what_is_decided_is_not() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("old-no", "git status"));
    ada.confirm("old-no", "deny").expect(200);
    agent.register(&command("old", "git status"));
    let fill = (0..10).map(|thread| -> Act<'_, ()> {
        let agent = agent.clone();
        Box::new(move || {
            for number in 0..50 {
                agent.register(&command(&format!("c-{thread}-{number}"), "git log"));
            }
        })
    });
    race(fill);
    let shown = preview(&ada, &rule("allow", "git status *"));
    assert_eq!((found(&shown), &shown["examined"]), ([vec![], vec!["old"]], &json!(500)));
    assert_eq!(shown["counts"], counts([0, 0, 0, 0, 0, 1]));
    let other = preview(&ada, &rule("allow", "git log"));
    assert_eq!((other["pending"].as_array().unwrap().len(), &other["counts"]["pending"]), (500, &json!(500)));
}

/// The one line that must be seen is not the one to be left out where there is too much to show.
#[test]
fn a_contradiction_is_shown_however_much_else_there_is_to_show() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&command("no", "git status"));
    ada.confirm("no", "deny").expect(200);
    let large = json!({"metadata": {"notes": "x".repeat(900_000)}});
    for number in 0..11 {
        let id = format!("yes{number}");
        agent.register(&with(&command(&id, "git status"), &large));
        ada.confirm(&id, "allow").expect(200);
    }
    let shown = preview(&ada, &rule("allow", "git status *"));
    assert_eq!((&shown["truncated"], &shown["counts"]), (&json!(true), &counts([1, 11, 1, 0, 0, 0])));
    assert!(ids(&shown["decided"]).len() < 12);
    assert_eq!(ids(&shown["decided"]).first(), Some(&"no"));
}

#[test]
fn a_preview_stores_nothing_and_resolves_nothing_though_it_is_to_be_applied() {
    let server = TestServer::start();
    let (agent, ada) = lived(&server);
    let waiter = agent.wait_in_background("waits1");
    server.until_waiting(1);
    let before = picture(&server);
    for decision in ["allow", "deny", "ask"] {
        let applied = with(&rule(decision, "git status *"), &json!({"applyToPending": true, "maxUses": 1}));
        preview(&ada, &applied);
    }
    assert_eq!((picture(&server), server.service.waiting()), (before, 1));
    assert_eq!(agent.register(&command("next", "git status"))["status"], "pending");
    ada.confirm("waits1", "allow").expect(200);
    waiter.join().unwrap().expect(200);
}
