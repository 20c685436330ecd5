//! Why a person is asked, on cards; and whether a rule covers the request that it is written for, in the editor.

use serde_json::json;

use crate::harness::page::{between, words_of};
use crate::harness::{Client, TestServer, altered, confirmation, question, secret};

fn asking(id: &str, line: &str) -> serde_json::Value {
    altered(confirmation(id), &json!({"confirmation": {"input": {"command": line}}}))
}

fn make(ada: &Client, pattern: &str) -> String {
    let rule = json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": "allow"});
    let made = ada.post("/v1/trust-rules", &rule).expect(201).body;
    made["trustRule"]["ruleId"].as_str().unwrap().to_owned()
}

#[test]
fn a_card_says_why_a_person_is_asked() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for registration in [asking("c", "make <b> x"), secret("s"), question("q")] {
        agent.register(&registration);
    }
    let browser = ada.browser();
    for path in ["/?open=c", "/interactions/c/card", "/interactions/c"] {
        let words = words_of(&browser.page(path));
        assert!(words.contains("Why you: no rule speaks of the tool `shell`."), "{path}: {words}");
    }
    let id = make(&ada, "make deploy");
    for path in ["/?open=c", "/interactions/c/card", "/interactions/c"] {
        let page = browser.page(path);
        let why = between(&page, "<details class=\"fold why\">", "</details>");
        assert_eq!(why.len(), 1, "{path}: of the confirmation alone: {page}");
        assert!(why[0].contains(&format!("href=\"/rules/{id}\"")), "{path}: {}", why[0]);
    }
    // What the agent wrote is obeyed nowhere.
    agent.register(&asking("tags", "make '<img src=x>'"));
    let page = browser.page("/interactions/tags");
    assert!(!page.contains("<img src=x>"), "{page}");
    assert!(words_of(&page).contains("`<img src=x>` stands where the pattern says `deploy`"), "{page}");
    // Not of what is over.
    ada.confirm("c", "deny").expect(200);
    assert!(!browser.page("/interactions/c/card").contains("Why you"));
}

#[test]
fn the_editor_says_whether_the_rule_covers_the_request_that_it_is_for() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&asking("c", "make deploy --dry-run"));
    let browser = ada.browser();
    let page = browser.page("/rules/new?requestId=c");
    assert!(page.contains("<input type=\"hidden\" name=\"requestId\" value=\"c\">"), "{page}");
    assert!(words_of(&page).contains("Covers this request? yes."), "{page}");
    let typed = |pattern: &'static str| {
        vec![
            ("requestId", "c"),
            ("toolName", "shell"),
            ("pattern", pattern),
            ("scope", "everywhere"),
            ("decision", "allow"),
            ("unit", "days"),
        ]
    };
    // Without a script: the whole page, which still knows what the rule is for.
    let page = browser.submit("/rules/preview", &typed("make deploy")).expect(200).text;
    assert!(words_of(&page).contains("Covers this request? no: `--dry-run` is a further word."), "{page}");
    assert!(page.contains("<input type=\"hidden\" name=\"requestId\" value=\"c\">"), "{page}");
    // With one: the part of it.
    let mut fields = typed("make deploy --dry-run");
    fields.push(("part", "true"));
    let part = browser.submit("/rules/preview", &fields).expect(200).text;
    assert!(words_of(&part).contains("Covers this request? yes."), "{part}");
    let fields = fields.into_iter().map(|(name, typed)| (name, if name == "toolName" { "other" } else { typed }));
    let part = browser.submit("/rules/preview", &fields.collect::<Vec<_>>()).expect(200).text;
    assert!(words_of(&part).contains("no: the rule is about the tool `other`, and this uses `shell`."), "{part}");
    // What waits beside it and comes near is named with the reason.
    agent.register(&asking("near", "make deploy --silent"));
    let mut fields = typed("make deploy --dry-run");
    fields.push(("part", "true"));
    let part = browser.submit("/rules/preview", &fields).expect(200).text;
    assert!(words_of(&part).contains("near: `--silent` stands where the pattern says `--dry-run`"), "{part}");
    assert_eq!(browser.submit("/rules/preview", &[("requestId", "nowhere")]).status, 404);
}
