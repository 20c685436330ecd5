//! The page of one interaction: all of its story.

use std::time::Duration;

use serde_json::{Value, json};

use super::pages::Fixture;
use crate::harness::page::{between, column, sql_of, words_of};
use crate::harness::{TestServer, altered, confirmation, responses};

#[track_caller]
fn says(page: &str, facts: &[&str]) {
    let words = words_of(page);
    for fact in facts {
        assert!(words.contains(fact), "{fact:?} is not in {words}");
    }
}

/// The events that a page tells, and that its SQL finds the same.
#[track_caller]
fn events(server: &TestServer, page: &str) -> Vec<String> {
    let told = between(page, "<b>", "</b>");
    assert_eq!(told, column(&server.sql(&sql_of(page)), 2), "{}", sql_of(page));
    told
}

#[test]
fn a_confirmation_tells_all_from_the_question_to_the_outcome() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let asked = json!({"metadata": {"ticket": "T-1"}, "confirmation": {"inputEditsAllowed": true, "riskLevel": "high",
        "reason": "it is time", "toolUseId": "use-1", "executionTarget": "host",
        "diff": {"filePath": "/repo/a", "oldContent": "before", "newContent": "after", "isNewFile": false}}});
    agent.register(&altered(confirmation("c"), &asked));
    let browser = ada.browser();
    let page = browser.page("/interactions/c");
    says(&page, &["confirmation c", "pending In the queue", "Deadline 2030-01-02 00:00:00 UTC"]);
    assert!(page.contains("<a href=\"/?open=c\">"), "{page}");
    server.advance(Duration::from_secs(2));
    let decision = json!({"requestId": "c", "decision": "allow", "comment": "but <b>gently</b>",
        "updatedInput": {"command": "make gently"}, "selectedPattern": "make *", "selectedScope": "/repo"});
    ada.post("/v1/confirm", &decision).expect(200);
    agent.post("/v1/interactions/c/claim", &json!({"claimId": "claim-1"})).expect(200);
    let outcome = json!({"claimId": "claim-1", "outcome": "failed", "detail": "no rule to make target\n<i>"});
    agent.post("/v1/interactions/c/outcome", &outcome).expect(200);
    let page = browser.page("/interactions/c");
    says(
        &page,
        &[
            "approved by ada, 2030-01-01 00:00:02 UTC",
            "make deploy",
            "before",
            "after",
            "it is time",
            "/repo",
            "Risk high",
            "The agent's id of this use use-1",
            "Offered pattern: any make make *",
            "Offered scope: here /repo",
            "Its input may be edited yes",
            "The agent's own notes {\"ticket\":\"T-1\"}",
            "Asked by builder",
            "Conversation conversation",
            "Comment but <b>gently</b>",
            "Approved with this input {\"command\":\"make gently\"}",
            "Rule made with it",
            "Claim claim-1",
            "Outcome failed",
            "What the agent says of it no rule to make target <i>",
        ],
    );
    assert!(!page.contains("/#card-c") && !page.contains("<b>gently") && !page.contains("<i>"), "{page}");
    let told = ["interaction.registered", "trust_rule.created", "interaction.approved", "interaction.claimed"];
    assert_eq!(events(&server, &page), [&told[..], &["interaction.outcome_reported"]].concat());
    let rule = &server.sql("SELECT rule_id FROM trust_rules")[0][0];
    assert!(page.contains(&format!("<a href=\"/rules/{}\">", rule.as_str().unwrap())), "{page}");
}

#[test]
fn a_question_is_answered_in_its_own_words() {
    let fixture = Fixture::new();
    fixture.ada.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    let page = fixture.ada.browser().page("/interactions/q");
    says(&page, &["answered by ada", "Which? Red Blue", "What was answered Which? Red Why? I like it"]);
    assert_eq!(events(&fixture.server, &page), ["interaction.registered", "interaction.answered"]);
    assert!(!page.contains("/rules/new"), "no rule answers a question");
}

#[test]
fn a_secret_is_told_of_and_never_told() {
    let fixture = Fixture::new();
    let given = json!({"requestId": "s", "value": "hunter2", "delivery": "transient_send"});
    fixture.ada.post("/v1/secret", &given).expect(200);
    fixture.agent.post("/v1/interactions/s/secret", &json!({"takeId": "t"})).expect(200);
    let page = fixture.ada.browser().page("/interactions/s");
    says(&page, &["The forge's token", "forge", "Delivery transient_send"]);
    assert_eq!(events(&fixture.server, &page), ["interaction.registered", "interaction.answered", "secret.taken"]);
    assert!(!page.contains("hunter2"));
}

#[test]
fn an_approval_that_nobody_has_claimed_is_taken_back_on_its_page() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    assert!(!browser.page("/interactions/c").contains("/withdraw"), "it is pending");
    fixture.ada.confirm("c", "allow").expect(200);
    let page = browser.page("/interactions/c");
    says(&page, &["Take the approval back", "To be claimed before"]);
    let auditor = fixture.server.client("eve", countersign::domain::enums::Role::Auditor).browser();
    assert!(!auditor.page("/interactions/c").contains("/withdraw"));
    auditor.submit("/interactions/c/withdraw", &[]).expect(403);
    browser.send_form("/interactions/c/withdraw", &[("csrf", "x")]).expect(403);
    browser.submit("/interactions/c/withdraw", &[]).expect(303);
    let page = browser.page("/interactions/c");
    says(&page, &["What came of it Taken back by ada"]);
    assert!(!page.contains("/withdraw\""), "{page}");
    let told = ["interaction.registered", "interaction.approved", "interaction.approval_withdrawn"];
    assert_eq!(events(&fixture.server, &page), told);
    assert_eq!(fixture.agent.post_nothing("/v1/interactions/c/claim").refusal(), (409, "approval_withdrawn"));
}

#[test]
fn a_kept_secret_is_wiped_on_its_page() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    fixture.ada.post("/v1/secret", &json!({"requestId": "s", "value": "hunter2"})).expect(200);
    says(&browser.page("/interactions/s"), &["Wipe the value"]);
    browser.submit("/interactions/s/wipe", &[]).expect(303);
    let page = browser.page("/interactions/s");
    says(&page, &["Wiped by ada"]);
    assert!(!page.contains("/wipe\""), "{page}");
    assert_eq!(fixture.agent.post_nothing("/v1/interactions/s/secret").refusal(), (409, "wiped"));
}

#[test]
fn what_a_rule_decided_leads_to_the_rule() {
    let fixture = Fixture::new();
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "deny"});
    let made = fixture.ada.post("/v1/trust-rules", &rule).expect(201);
    let id = made.body["trustRule"]["ruleId"].as_str().unwrap();
    fixture.agent.register(&confirmation("hit"));
    let page = fixture.ada.browser().page("/interactions/hit");
    says(&page, &[&format!("rejected by trust rule {id}"), &format!("Decided by rule {id}")]);
    assert!(page.contains(&format!("by <a href=\"/rules/{id}\">trust rule {id}</a>")), "{page}");
}

#[test]
fn a_deadline_that_has_passed_is_told_of_at_once() {
    let fixture = Fixture::new();
    fixture.agent.register(&altered(confirmation("late"), &json!({"expiresInMs": 1})));
    fixture.server.advance(Duration::from_millis(1));
    let page = fixture.ada.browser().page("/interactions/late");
    says(&page, &["expired by the deadline"]);
    assert_eq!(events(&fixture.server, &page), ["interaction.registered", "interaction.expired"]);
}

/// Everything that an agent says, wherever it stands on the page.
#[test]
fn whatever_an_agent_says_is_complete_and_harmless() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let evil = format!("<script>x</script>\u{202e}\u{1b}[2J{}the end of it", "a".repeat(100_000));
    let asked = json!({"metadata": {"note": evil}, "confirmation": {"input": {"command": evil}, "reason": evil,
        "workingDir": evil, "toolUseId": evil, "allowlistOptions": [{"label": evil, "pattern": "p"}],
        "scopeOptions": [{"label": evil, "scope": "s"}]}});
    agent.register(&altered(confirmation("evil"), &asked));
    ada.confirm("evil", "allow").expect(200);
    agent.post("/v1/interactions/evil/claim", &json!({"claimId": "i"})).expect(200);
    let outcome: Value = json!({"claimId": "i", "outcome": "failed", "detail": evil});
    agent.post("/v1/interactions/evil/outcome", &outcome).expect(200);
    let page = ada.browser().page("/interactions/evil");
    for obeyed in ["<script>x", "\u{202e}", "\u{1b}"] {
        assert!(!page.contains(obeyed), "it has {obeyed:?}");
    }
    // The notes, the input twice, the reason, the directory, the id, a label, the report and its event. The pattern that it
    // offers does not cover it, and is left out with its label.
    assert_eq!(page.matches("the end of it").count(), 9);
}
