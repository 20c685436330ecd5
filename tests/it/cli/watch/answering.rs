//! One key a decision, and more where more is at stake.

use serde_json::json;

use super::{Fixture, READY, shell};
use crate::harness::{Client, altered, question, secret};

#[test]
fn one_key_approves_what_was_on_the_screen() {
    let fixture = Fixture::new();
    let mut terminal = fixture.watch();
    terminal.shows("Nothing to decide");
    fixture.agent.register(&shell("one", "make deploy"));
    let screen = terminal.shows(READY);
    for part in ["1 waits", "build-agent wants to use shell", "make deploy", "/repo", "medium", "sha256:"] {
        assert!(screen.contains(part), "{part} is not on the screen:\n{screen}");
    }
    terminal.press("a");
    assert_eq!(fixture.resolved("one")["resolution"]["resolvedBy"], json!({"principal": "ada"}));
    terminal.shows("one: approved.");
    terminal.shows("nothing waits");
}

#[test]
fn a_key_that_was_meant_for_the_card_before_decides_nothing() {
    let fixture = Fixture::new();
    let mut terminal = fixture.watch();
    fixture.agent.register(&shell("one", "make first"));
    fixture.agent.register(&shell("two", "make second"));
    terminal.until(|screen| screen.contains("2 wait") && screen.contains(READY));
    terminal.press("aaaa");
    fixture.resolved("one");
    terminal.until(|screen| screen.contains("1 waits") && screen.contains(READY));
    assert_eq!(fixture.agent.look("two")["status"], "pending");
}

#[test]
fn the_oldest_deadline_is_looked_at_first() {
    let fixture = Fixture::new();
    for (id, minutes) in [("later", 20), ("soonest", 10), ("latest", 30)] {
        let deadline = json!({"expiresInMs": minutes * 60_000});
        fixture.agent.register(&altered(shell(id, &format!("make {id}")), &deadline));
    }
    let screen = fixture.watch().shows(READY);
    let chosen = screen.lines().find(|line| line.starts_with('▸')).unwrap();
    assert!(chosen.contains("make soonest"), "{screen}");
    let places = ["soonest", "later", "latest"].map(|id| screen.find(&format!("make {id}")).unwrap());
    assert!(places.is_sorted(), "{screen}");
}

#[test]
fn high_risk_needs_a_second_key_and_any_other_goes_back() {
    let fixture = Fixture::new();
    let high = altered(shell("danger", "rm -r build"), &json!({"confirmation": {"riskLevel": "high"}}));
    fixture.agent.register(&high);
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("a");
    terminal.shows("high risk");
    terminal.press("a");
    terminal.until(|screen| !screen.contains("high risk") && screen.contains(READY));
    assert_eq!(fixture.agent.look("danger")["status"], "pending");
    terminal.press("a");
    terminal.shows("high risk");
    terminal.press("y");
    assert_eq!(fixture.resolved("danger")["status"], "approved");
}

#[test]
fn what_has_not_been_read_to_its_end_needs_a_second_key() {
    let fixture = Fixture::new();
    let command = format!("{}rm -rf /srv/shop", "echo harmless\n".repeat(60));
    fixture.agent.register(&altered(shell("high", &command), &json!({"confirmation": {"subject": "echo"}})));
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("a");
    terminal.shows("The end of it has not been on the screen");
    terminal.press("\u{1b}");
    terminal.until(|screen| !screen.contains("The end of it"));
    terminal.press("G");
    terminal.shows("rm -rf /srv/shop");
    terminal.press("a");
    assert_eq!(fixture.resolved("high")["status"], "approved");
}

#[test]
fn what_is_long_or_hides_something_needs_a_second_key_though_it_was_read() {
    let fixture = Fixture::new();
    let long = format!("{}rm -rf /srv/shop", "echo harmless\n".repeat(10_000));
    for (id, command, sentence) in [("long", long.as_str(), "it is long"), ("hidden", "ls \u{202e}x", "do not show")] {
        fixture.agent.register(&altered(shell(id, command), &json!({"confirmation": {"subject": "echo"}})));
        let mut terminal = fixture.watch();
        terminal.shows(READY);
        terminal.press("Ga");
        terminal.until(|screen| screen.contains(sentence) && !screen.contains("The end of it"));
        terminal.press("y");
        assert_eq!(fixture.resolved(id)["status"], "approved");
    }
}

#[test]
fn a_rejection_takes_its_reason_along() {
    let fixture = Fixture::new();
    fixture.agent.register(&shell("one", "make deploy"));
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("r");
    terminal.shows("Why not?");
    terminal.press("not on a Fridax\u{7f}y\r");
    let resolved = fixture.resolved("one");
    assert_eq!(
        (&resolved["status"], &resolved["resolution"]["comment"]),
        (&json!("rejected"), &json!("not on a Friday"))
    );
}

#[test]
fn a_secret_is_typed_unseen_and_handed_over_once() {
    let fixture = Fixture::new();
    fixture.agent.register(&secret("token"));
    let mut terminal = fixture.watch();
    terminal.shows(" a  give it");
    terminal.press("a");
    terminal.shows("The value:");
    terminal.press("hunter2");
    terminal.shows("not shown");
    terminal.press("\t");
    terminal.shows("handed over once");
    terminal.press("\r");
    assert_eq!(fixture.resolved("token")["resolution"]["delivery"], "transient_send");
    let taken = fixture.agent.post_nothing("/v1/interactions/token/secret").expect(200);
    assert_eq!(taken.body["value"], "hunter2");
    assert!(!terminal.sent().contains("hunter2"));
}

#[test]
fn all_lines_of_a_secret_that_is_pasted_are_the_secret() {
    let fixture = Fixture::new();
    fixture.agent.register(&secret("key"));
    let mut terminal = fixture.watch();
    terminal.shows(" a  give it");
    terminal.press("a");
    terminal.shows("The value:");
    terminal.press("\u{1b}[200~-----BEGIN\rabc\r\n-----END\r\u{1b}[201~");
    terminal.shows("not shown");
    terminal.press("\r");
    fixture.resolved("key");
    let taken = fixture.agent.post_nothing("/v1/interactions/key/secret").expect(200);
    assert_eq!(taken.body["value"], "-----BEGIN\nabc\n-----END\n");
}

#[test]
fn a_question_is_answered_entry_by_entry_and_sent_with_a_second_key() {
    let fixture = Fixture::new();
    fixture.agent.register(&question("paint"));
    let mut terminal = fixture.watch();
    terminal.shows(" a  answer");
    terminal.press("a");
    terminal.shows("▸ 1  Red");
    terminal.press("j\r");
    terminal.shows("(in your own words)");
    terminal.press("1");
    terminal.shows("In your own words:");
    terminal.press("the sea\r");
    terminal.shows("All is answered");
    terminal.press("y");
    let expected = json!([{"questionId": "colour", "optionId": "blue"}, {"questionId": "why", "text": "the sea"}]);
    assert_eq!(fixture.resolved("paint")["resolution"]["responses"], expected);
}

#[test]
fn several_options_are_ticked_where_the_entry_takes_several() {
    let fixture = Fixture::new();
    let mut several = question("paint");
    several["question"]["entries"][0]["multiSelect"] = json!(true);
    several["question"]["entries"][0]["header"] = json!("Colour");
    fixture.agent.register(&several);
    let mut terminal = fixture.watch();
    terminal.shows(" a  answer");
    terminal.press("a");
    terminal.shows("Colour: Which?");
    // Nothing is ticked yet: nothing is chosen.
    terminal.press("\r ");
    terminal.shows("[x] Red");
    terminal.press("2");
    terminal.shows("[x] Blue");
    terminal.press("\r");
    terminal.shows("(in your own words)");
    terminal.press("2");
    terminal.shows("All is answered");
    terminal.press("y");
    let expected =
        json!([{"questionId": "colour", "optionIds": ["red", "blue"]}, {"questionId": "why", "skipped": true}]);
    assert_eq!(fixture.resolved("paint")["resolution"]["responses"], expected);
}

#[test]
fn an_answer_of_blanks_is_not_sent() {
    let fixture = Fixture::new();
    fixture.agent.register(&question("paint"));
    let mut terminal = fixture.watch();
    terminal.shows(" a  answer");
    terminal.press("a");
    terminal.shows("▸ 1  Red");
    terminal.press("1");
    terminal.shows("(in your own words)");
    terminal.press("1");
    terminal.shows("In your own words:");
    terminal.press("  \r\u{7f}\u{7f}the sea\r");
    terminal.shows("All is answered");
    terminal.press("y");
    assert_eq!(fixture.resolved("paint")["resolution"]["responses"][1]["text"], "the sea");
}

#[test]
fn a_rule_is_made_of_what_was_offered() {
    let fixture = Fixture::new();
    fixture.agent.register(&shell("one", "make deploy"));
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("A");
    terminal.shows("make *  the agent says: any make");
    terminal.press("\r");
    terminal.shows("Where?");
    terminal.press("2");
    assert_eq!(fixture.resolved("one")["status"], "approved");
    assert_eq!(fixture.agent.register(&shell("two", "make test"))["status"], "approved");
}

#[test]
fn who_was_faster_is_said_in_place() {
    let fixture = Fixture::new();
    fixture.agent.register(&shell("one", "make deploy"));
    let mut terminal = fixture.watch();
    terminal.shows(READY);
    terminal.press("r");
    terminal.shows("Why not?");
    let bob = crate::harness::token(&fixture.db, "bob", "approver");
    Client::new(&fixture.server.url, &bob).confirm("one", "deny").expect(200);
    terminal.shows("already rejected by bob");
    terminal.shows("Already resolved: rejected by bob.");
}
