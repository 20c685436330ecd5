//! The page of settings: a person's own sessions, and ending them.

use std::time::Duration;

use serde_json::json;

use crate::harness::TestServer;
use crate::harness::page::{Browser, between, words_of};

/// The ids of the sessions that a page offers to end.
fn others(browser: &Browser) -> Vec<String> {
    let page = browser.page("/settings");
    let forms = between(&page, "action=\"/settings/sessions/", "\"");
    forms.iter().filter_map(|form| form.strip_suffix("/end")).map(str::to_owned).collect()
}

fn is_logged_in(browser: &Browser) -> bool {
    browser.get("/rules").status == 200
}

#[test]
fn a_person_sees_their_own_sessions_and_ends_that_of_a_lost_phone() {
    let server = TestServer::start();
    let (ada, bea) = (server.approver("ada"), server.approver("bea").browser());
    let phone = ada.browser();
    server.advance(Duration::from_secs(60));
    let desk = ada.browser();
    let page = desk.page("/settings");
    let words = words_of(&page);
    assert!(words.contains("You are ada, in the role approver."), "{words}");
    for time in ["2030-01-01 00:00:00 UTC", "2030-01-01 00:01:00 UTC", "2030-01-01 12:01:00 UTC"] {
        assert!(words.contains(time), "{time} is not in {words}");
    }
    assert_eq!(page.matches("this browser</strong>").count(), 1);
    let ids = server.sql("SELECT session_id FROM sessions");
    assert_eq!((others(&desk).len(), ids.len()), (1, 3));
    let lost = others(&desk).remove(0);
    // Of another person it stays, and of nobody there is nothing to end.
    for id in [lost.as_str(), "none"] {
        bea.submit(&format!("/settings/sessions/{id}/end"), &[]).expect(303);
    }
    assert!(is_logged_in(&phone));
    for _ in 0..2 {
        let answer = desk.submit(&format!("/settings/sessions/{lost}/end"), &[]).expect(303);
        assert_eq!(answer.headers["location"], "/settings");
    }
    assert_eq!([&phone, &desk, &bea].map(is_logged_in), [false, true, true]);
    let told = server
        .sql("SELECT principal, json_extract(detail, '$.sessionId') FROM audit_events WHERE event = 'session.ended'");
    assert_eq!(told, [[json!("ada"), json!(lost)]]);
    assert!(!desk.page("/settings").contains("End all others"));
}

#[test]
fn all_others_are_ended_at_once_and_this_one_by_its_id_too() {
    let server = TestServer::start();
    let (ada, bea) = (server.approver("ada"), server.approver("bea").browser());
    let [one, two, this] = [ada.browser(), ada.browser(), ada.browser()];
    this.send_form("/settings/sessions/end", &[("csrf", "wrong")]).expect(403);
    assert!([&one, &two].into_iter().all(is_logged_in));
    assert!(this.page("/settings").contains("End all others"));
    this.submit("/settings/sessions/end", &[]).expect(303);
    assert_eq!([&one, &two, &this, &bea].map(is_logged_in), [false, false, true, true]);
    let own = server.sql("SELECT session_id FROM sessions AS s JOIN tokens USING (token_id) WHERE principal = 'ada' AND s.ended_at_ms IS NULL");
    let answer = this.submit(&format!("/settings/sessions/{}/end", own[0][0].as_str().unwrap()), &[]).expect(303);
    assert_eq!(answer.headers["location"], "/login");
    assert!(answer.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"), "{answer:?}");
    assert!(!is_logged_in(&this));
}
