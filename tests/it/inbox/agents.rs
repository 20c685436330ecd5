//! The page of agents: who asks, how much of it rules decide, and their tokens, which admins make and revoke there.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::json;

use crate::harness::page::{Browser, between, words_of};
use crate::harness::{Client, TestServer, confirmation, question};

/// The rows of the table: the words of each.
fn rows(page: &str) -> Vec<String> {
    let body = page.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
    let words = |row: &String| words_of(&row.replace("</td>", "</td> ").replace("</th>", "</th> "));
    between(body, "<tr>", "</tr>").iter().map(words).collect()
}

/// The id of the token of a principal.
fn token_id(server: &TestServer, name: &str) -> String {
    let found = server.sql(&format!("SELECT token_id FROM tokens WHERE principal = '{name}'"));
    found[0][0].as_str().unwrap().to_owned()
}

#[test]
fn each_agent_is_shown_with_what_waits_what_it_asked_and_its_tokens() {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    server.agent("silent");
    bob.register(&question("long-ago"));
    server.advance(Duration::from_secs(30 * 86_400));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    ann.register(&confirmation("ruled"));
    ann.register(&question("open"));
    let page = ada.browser().page("/agents");
    let made = "made 2030-01-01 00:00:00 UTC";
    let [of_ann, of_bob, of_silent] = ["ann", "bob", "silent"].map(|name| token_id(&server, name));
    assert_eq!(
        rows(&page),
        [
            format!("Aann 2030-01-31 00:00:00 UTC 1 of ann in the queue 2 1 (50 %) {of_ann} {made}"),
            format!("Bbob 2030-01-01 0 0 0 {of_bob} {made}"),
            format!("Ssilent never 0 0 0 {of_silent} {made}"),
        ],
    );
    assert!(page.contains("href=\"/?agent=ann\"") && page.contains("href=\"/history?principal=ann\""), "{page}");
    assert!(!page.contains(">ada</span>") && !page.contains("Revoke"), "people and their tokens are not there");
    assert!(words_of(&page).contains("Your role, approver, makes no tokens and revokes none"));
}

/// Sends the form of the page, as it stands there.
fn make(browser: &Browser, name: &str) -> (String, crate::harness::Answer) {
    let id = between(&browser.page("/agents"), "name=\"tokenId\" value=\"", "\"").remove(0);
    let answer = browser.submit("/agents", &[("tokenId", &id), ("name", name)]);
    (id, answer)
}

#[test]
fn a_token_is_made_by_an_admin_and_shown_in_that_answer_alone() {
    let server = TestServer::start();
    server.approver("ada");
    let browser = server.client("root", Role::Admin).browser();
    let (id, answer) = make(&browser, " builder ");
    let answer = answer.expect(200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let token = between(&answer.text, "<code id=\"token\">", "</code>").remove(0);
    let agent = Client::new(&server.url, &token);
    agent.register(&confirmation("first"));
    assert_eq!(agent.look("first")["registeredBy"], "builder");
    assert!(!browser.page("/agents").contains(&token));
    // The same form again, as when a browser loads the answer anew.
    let again = browser.submit("/agents", &[("tokenId", &id), ("name", "builder")]).expect(409);
    assert!(again.text.contains("has made its token already") && !again.text.contains("id=\"token\""));
    for (name, fault) in [("", "Fill this in."), ("a b", "an id is"), ("ada", "ada is an approver already")] {
        let refused = make(&browser, name).1.expect(400);
        assert!(between(&refused.text, "id=\"name-fault\">", "</span>")[0].contains(fault), "{}", refused.text);
    }
    assert_eq!(server.sql("SELECT count(*) FROM tokens WHERE principal = 'builder'"), [[json!(1)]]);
}

#[test]
fn a_token_of_an_agent_is_revoked_behind_a_question_and_a_persons_is_not() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let (root, browser) = (server.client("root", Role::Admin), ada.browser());
    let admin = root.browser();
    let of_agent = format!("/tokens/{}/revoke", token_id(&server, "builder"));
    let asked = between(&admin.page("/agents"), "<details class=\"revoke\">", "</details>");
    assert!(asked.len() == 1 && asked[0].contains(&of_agent), "{asked:?}");
    let csrf = browser.csrf();
    server.unchanged(|| {
        browser.send_form(&of_agent, &[("csrf", &csrf)]).expect(403);
    });
    for name in ["ada", "root"] {
        admin.submit(&format!("/tokens/{}/revoke", token_id(&server, name)), &[]).expect(404);
    }
    admin.submit("/tokens/none/revoke", &[]).expect(404);
    agent.register(&confirmation("before"));
    // Twice, as from a page that is older: it stays as it is.
    for _ in 0..2 {
        assert_eq!(admin.submit(&of_agent, &[]).expect(303).headers["location"], "/agents");
    }
    assert_eq!(agent.get("/v1/interactions/before").refusal(), (401, "unauthenticated"));
    let told = server
        .sql("SELECT principal, json_extract(detail, '$.revokedBy') FROM audit_events WHERE event = 'token.revoked'");
    assert_eq!(told, [[json!("builder"), json!("root")]]);
    assert!(rows(&admin.page("/agents"))[0].ends_with("none"), "what waits of it is still shown");
    ada.get("/v1/interactions/before").expect(200);
}
