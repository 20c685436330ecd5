//! What a person puts off: it is out of their rows until then, and nobody else notices.

use std::time::Duration;

use serde_json::json;

use crate::harness::page::{Browser, between};
use crate::harness::{TestServer, altered, confirmation};

fn rows(browser: &Browser) -> Vec<String> {
    between(&browser.page("/"), "<li class=\"row pending\" data-request-id=\"", "\"")
}

fn put_off(browser: &Browser, id: &str, minutes: &str) -> (u16, String) {
    let answer = browser.submit(&format!("/interactions/{id}/snooze"), &[("minutes", minutes)]);
    (answer.status, answer.text)
}

#[test]
fn what_is_put_off_comes_back_by_itself_and_is_there_for_everybody_else() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    for id in ["first", "second"] {
        agent.register(&altered(confirmation(id), &json!({"conversationId": id, "expiresInMs": 86_400_000})));
    }
    let (adas, bobs) = (ada.browser(), bob.browser());
    assert_eq!(put_off(&adas, "first", "60").0, 303);
    assert_eq!((rows(&adas), rows(&bobs)), (vec!["second".to_owned()], vec!["first".to_owned(), "second".to_owned()]));
    let page = adas.page("/");
    assert!(page.contains("<title>(1) countersign</title>") && page.contains("1 put off"), "{page}");
    assert!(!bobs.page("/").contains("put off"));
    assert_eq!(agent.look("first")["status"], "pending");
    server.advance(Duration::from_secs(59 * 60));
    assert_eq!(rows(&adas), ["second"]);
    server.advance(Duration::from_secs(60));
    assert_eq!(rows(&adas), ["first", "second"]);
    // By hand, too; and what is over is put off no more.
    assert_eq!(put_off(&adas, "first", "60").0, 303);
    assert_eq!(put_off(&adas, "first", "0").0, 303);
    assert_eq!(put_off(&adas, "second", "60").0, 303);
    assert_eq!(rows(&adas), ["first"]);
    bob.confirm("second", "deny").expect(200);
    assert!(!adas.page("/").contains("put off"));
    assert_eq!(put_off(&adas, "second", "60").0, 404);
}

#[test]
fn nothing_is_put_off_to_within_ten_minutes_of_its_end() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let ending = |id: &str, minutes: u64| {
        agent.register(&altered(confirmation(id), &json!({"conversationId": id, "expiresInMs": minutes * 60_000})));
    };
    ending("soon", 10);
    ending("later", 25);
    let browser = server.approver("ada").browser();
    let (status, said) = put_off(&browser, "soon", "15");
    assert!(status == 409 && said.contains("within ten minutes"), "{status} {said}");
    assert_eq!(put_off(&browser, "later", "1440").0, 303);
    assert_eq!(rows(&browser), ["soon"]);
    server.advance(Duration::from_secs(14 * 60));
    assert_eq!(rows(&browser), Vec::<String>::new());
    server.advance(Duration::from_secs(60));
    assert_eq!(rows(&browser), ["later"]);
    for minutes in ["", "-1", "x", "10081"] {
        assert_eq!(put_off(&browser, "later", minutes).0, 400, "{minutes:?}");
    }
    assert_eq!(put_off(&browser, "unknown", "15").0, 404);
}
