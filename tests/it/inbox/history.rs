//! The page of the history: what it lists, filtered and in pages, and the SQL that shows the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::page::{Browser, between, column, link_of, sql_of, words_of};
use crate::harness::{Client, TestServer, altered, confirmation, question, secret};

/// A tool that tries to get out of HTML and SQL, and hides something.
const HOSTILE: &str = "it's \"<b>\u{202e}x--";

/// Of each kind and end something, of two agents.
fn varied() -> (TestServer, Client) {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    ann.register(&confirmation("approved"));
    bob.register(&altered(confirmation("rejected"), &json!({"confirmation": {"toolName": HOSTILE}})));
    ann.register(&altered(secret("answered"), &json!({"conversationId": "other"})));
    bob.register(&altered(question("expired"), &json!({"expiresInMs": 1})));
    ann.register(&confirmation("cancelled"));
    bob.register(&question("pending"));
    ada.confirm("approved", "allow").expect(200);
    ada.confirm("rejected", "deny").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "answered", "value": "hunter2"})).expect(200);
    ann.post_nothing("/v1/interactions/cancelled/cancel").expect(200);
    server.advance(Duration::from_millis(1));
    (server, ada)
}

/// The interactions that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    between(page, "</span> <a href=\"/interactions/", "\"")
}

/// What the page at `path` lists, and that its SQL finds the same.
#[track_caller]
fn same(server: &TestServer, browser: &Browser, path: &str) -> Vec<String> {
    let page = browser.page(path);
    let (shown, sql) = (listed(&page), sql_of(&page));
    assert_eq!(shown, column(&server.sql(&sql), 0), "{path}: {sql}");
    shown
}

#[test]
fn a_filter_shows_all_that_it_names_and_so_does_its_sql() {
    let (server, ada) = varied();
    let browser = ada.browser();
    for (query, shown) in [
        ("", "pending cancelled expired answered rejected approved"),
        ("?status=pending", "pending"),
        ("?status=expired&kind=&toolName=&principal=&conversationId=", "expired"),
        ("?kind=question", "pending expired"),
        ("?toolName=shell", "cancelled approved"),
        ("?toolName=it%27s+%22%3Cb%3E%E2%80%AEx--", "rejected"),
        ("?principal=ann&kind=confirmation", "cancelled approved"),
        ("?conversationId=other", "answered"),
        ("?conversationId=nowhere", ""),
    ] {
        let shown = shown.split_whitespace().collect::<Vec<_>>();
        assert_eq!(same(&server, &browser, &format!("/history{query}")), shown, "{query}");
    }
}

/// What is copied is pasted into terminals: all of it has to be seen.
#[test]
fn the_sql_hides_nothing_and_can_be_copied() {
    let (server, ada) = varied();
    let page = ada.browser().page("/history?toolName=it%27s+%22%3Cb%3E%E2%80%AEx--");
    let sql = sql_of(&page);
    assert!(sql.contains("tool_name = 'it''s \"<b>' || char(8238) || 'x--'"), "{sql}");
    assert!(page.contains("data-copy=\"sql\" hidden") && page.contains("src=\"/pages.js\""), "{page}");
    assert!(!page.contains('\u{202e}') || page.matches('\u{202e}').count() == 1, "only the filter has it as it is");
    let rows = server.sql(&sql);
    let ada_said = json!("ada");
    let at = json!("2030-01-01 00:00:00");
    let row: Vec<Value> =
        ["rejected", "rejected", "confirmation", HOSTILE, "bob", "conversation"].map(Value::from).to_vec();
    assert_eq!(rows, [[row, vec![at.clone(), at, ada_said]].concat()]);
}

#[test]
fn a_row_says_who_asked_what_and_how_it_ended() {
    let (_server, ada) = varied();
    let page = ada.browser().page("/history");
    let rows = between(&page, "<li>", "</li>");
    let words = rows.iter().map(|row| words_of(row)).collect::<Vec<_>>();
    let at = "2030-01-01 00:00:00 UTC";
    assert_eq!(
        words,
        [
            format!("pending Which? / Why? question, asked by bob in conversation, {at}"),
            format!(
                "cancelled make deploy confirmation of shell, asked by ann in conversation, {at}; cancelled by ann, {at}"
            ),
            format!(
                "expired Which? / Why? question, asked by bob in conversation, {at}; expired by the deadline, {at}"
            ),
            format!("answered The forge's token secret, asked by ann in other, {at}; answered by ada, {at}"),
            format!(
                "rejected make deploy confirmation of it's \"<b>U+202Ex--, asked by bob in conversation, {at}; rejected by ada, {at}"
            ),
            format!(
                "approved make deploy confirmation of shell, asked by ann in conversation, {at}; approved by ada, {at}"
            ),
        ]
    );
    assert!(!page.contains("<b>") && !page.contains("hunter2"));
}

#[test]
fn a_long_history_comes_in_pages_each_with_its_sql() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut made = (0..120).map(|n| format!("r{n:03}")).collect::<Vec<_>>();
    for id in &made {
        agent.register(&confirmation(id));
    }
    made.reverse();
    let browser = ada.browser();
    let (mut seen, mut path, mut pages) = (Vec::new(), "/history?toolName=shell".to_owned(), 0);
    loop {
        seen.extend(same(&server, &browser, &path));
        pages += 1;
        let page = browser.page(&path);
        assert_eq!(link_of(&page, "first").is_some(), pages > 1);
        match link_of(&page, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((seen, pages), (made, 3));
}

#[test]
fn a_long_subject_is_cut_in_the_list_and_says_so() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let command = format!("{}rm -rf /", "é".repeat(10_000));
    agent.register(&altered(confirmation("long"), &json!({"confirmation": {"input": {"command": command}}})));
    let browser = ada.browser();
    let page = browser.page("/history");
    assert!(page.contains("… and 9768 characters more") && !page.contains("rm -rf"), "{page}");
    assert!(browser.page("/interactions/long").contains("rm -rf /"), "the story has all of it");
}
