//! The page of rules: what it lists, and taking one back.

use serde_json::{Value, json};

use super::pages::Fixture;
use crate::harness::page::{Browser, between, link_of, sql_of, words_of};
use crate::harness::{Client, TestServer, altered, confirmation};

fn make(approver: &Client, changes: &Value) -> String {
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let made = approver.post("/v1/trust-rules", &altered(rule, changes)).expect(201);
    made.body["trustRule"]["ruleId"].as_str().unwrap().to_owned()
}

/// The rules that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    between(page, "<tr id=\"rule-", "\"")
}

#[test]
fn a_rule_says_what_it_does_how_often_it_did_and_where_it_came_from() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("first"));
    let from_request = json!({"requestId": "first", "pattern": "make *", "scope": "/repo", "decision": "allow",
        "maxUses": 3, "expiresInMs": 86_400_000, "allowHighRisk": true});
    let made = ada.post("/v1/trust-rules", &from_request).expect(201).body["trustRule"]["ruleId"].clone();
    agent.register(&confirmation("second"));
    let browser = ada.browser();
    let row = between(&browser.page("/rules"), "<tr id=\"rule-", "</tr>").remove(0);
    let row = words_of(row.split_once('>').unwrap().1.replace("</td>", "</td> ").as_str());
    let used = "1 of 3, last 2030-01-01 00:00:00 UTC";
    assert_eq!(row, format!("allow shell make * builder /repo {used} ada"));
    let page = browser.page(&format!("/rules/{}", made.as_str().unwrap()));
    let words = words_of(&page);
    for fact in [
        "allow shell make *",
        "Status active",
        "Scope /repo",
        "High risk allowed, too",
        "Used 1 of 3",
        "Last use 2030-01-01 00:00:00 UTC",
        "Until 2030-01-02 00:00:00 UTC",
        "Made by ada from first, 2030-01-01 00:00:00 UTC",
        "Revoke…",
    ] {
        assert!(words.contains(fact), "{fact} is not in {words}");
    }
    assert!(page.contains("<a href=\"/interactions/first\">first</a>"));
    let events = between(&page, "<b>", "</b>");
    assert_eq!(events, ["interaction.approved", "trust_rule.created"], "the latest first");
    assert_eq!(server.sql(&sql_of(&page))[0][0], "second", "the SQL shows its hits");
}

#[test]
fn rules_are_filtered_and_come_in_pages() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let mut made = (0..53).map(|n| make(&ada, &json!({"pattern": format!("make {n}")}))).collect::<Vec<_>>();
    let browser_rule = make(&ada, &json!({"toolName": "it's <b>"}));
    ada.delete(&format!("/v1/trust-rules/{}", made[7])).expect(200);
    let browser = ada.browser();
    assert_eq!(listed(&browser.page("/rules?status=&toolName=it%27s+%3Cb%3E")), std::slice::from_ref(&browser_rule));
    assert_eq!(listed(&browser.page("/rules?status=revoked")), [made[7].clone()]);
    assert!(listed(&browser.page("/rules?toolName=nothing")).is_empty());
    made.reverse();
    let first = browser.page("/rules?toolName=shell");
    assert_eq!(listed(&first), made[..50]);
    let second = browser.page(&link_of(&first, "next").unwrap());
    assert_eq!(listed(&second), made[50..]);
    assert!(link_of(&second, "first").is_some() && link_of(&second, "next").is_none());
}

#[test]
fn rules_are_found_by_a_text_in_what_they_say_or_in_who_made_them() {
    let server = TestServer::start();
    let (ada, bea) = (server.approver("ada"), server.approver("bea"));
    let make_all = make(&ada, &json!({}));
    let push = make(&bea, &json!({"pattern": "git push origin *", "agent": "ci-bot", "reason": "100% safe"}));
    let browser = bea.browser();
    let found = |q: &str| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
        listed(&browser.page(&format!("/rules?{query}")))
    };
    assert_eq!(found(""), [push.clone(), make_all.clone()]);
    for (text, id) in
        [("MAKE", &make_all), (" ada ", &make_all), ("push origin", &push), ("ci-bot", &push), ("%", &push)]
    {
        assert_eq!(found(text), std::slice::from_ref(id), "{text}");
    }
    assert!(found("x'--").is_empty() && browser.page("/rules?q=x").contains("No rule is found."));
    let page = browser.page("/rules?q=%3Cb%3E&status=active");
    assert!(page.contains("value=\"&#60;b&#62;\"") && page.contains("<details class=\"fold more\" open>"), "{page}");
}

#[test]
fn what_a_rule_says_is_shown_and_never_obeyed() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let id = make(
        &ada,
        &json!({"toolName": "<script>alert(1)</script>", "pattern": "\"><img src=x> \u{202e}\u{1b}[2J", "scope": "'<b>"}),
    );
    let browser = ada.browser();
    for path in ["/rules".to_owned(), format!("/rules/{id}")] {
        let page = browser.page(&path);
        for obeyed in ["<script>alert", "<img src=x", "'<b>", "\u{202e}", "\u{1b}"] {
            assert!(!page.contains(obeyed), "{path} has {obeyed:?}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)") && page.contains(">U+202E</mark>"), "{page}");
        assert!(page.contains(">U+001B</mark>"), "{page}");
    }
}

fn revoke(browser: &Browser, id: &str) {
    let answer = browser.submit(&format!("/rules/{id}/revoke"), &[]).expect(303);
    assert_eq!(answer.headers["location"].to_str().unwrap(), format!("/rules/{id}"));
}

#[test]
fn a_rule_is_taken_back_by_a_form_that_asks_once_more() {
    let fixture = Fixture::new();
    let id = make(&fixture.ada, &json!({}));
    let browser = fixture.ada.browser();
    let page = browser.page(&format!("/rules/{id}"));
    let asked = between(&page, "<details class=\"revoke\">", "</details>");
    assert!(asked[0].contains(&format!("action=\"/rules/{id}/revoke\"")), "the button is behind a fold: {asked:?}");
    assert_eq!(page.matches("/revoke\"").count(), 1);
    revoke(&browser, &id);
    let page = browser.page(&format!("/rules/{id}"));
    assert!(words_of(&page).contains("Status revoked by ada"), "{page}");
    assert!(!page.contains("/revoke\""), "what has ended cannot be taken back");
    assert_eq!(fixture.agent.register(&confirmation("after"))["status"], "pending");
    // Once more, from a page that is older: it stays as it is.
    revoke(&browser, &id);
    let events = fixture.server.sql("SELECT count(*) FROM audit_events WHERE event = 'trust_rule.revoked'");
    assert_eq!(events, [[json!(1)]]);
    browser.submit("/rules/none/revoke", &[]).expect(404);
}
