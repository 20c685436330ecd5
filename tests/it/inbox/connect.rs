//! The page that connects an agent: its token, which is shown once, what is copied, and the first question.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::json;

use crate::harness::page::{Browser, between, link_of, text_of, words_of};
use crate::harness::{Answer, Client, TestServer, altered, confirmation};

const CLIENTS: [&str; 14] = [
    "claude-code",
    "codex",
    "copilot",
    "gemini",
    "qwen",
    "cursor",
    "opencode",
    "mcp",
    "acp",
    "aap",
    "humanlayer",
    "curl",
    "python",
    "typescript",
];

const PLACEHOLDER: &str = "THE-TOKEN-OF-THE-AGENT";

/// The texts of a page that are there to be copied.
fn blocks(page: &str) -> Vec<String> {
    between(page, "<code id=\"", "</code>").iter().map(|block| text_of(block.split_once('>').unwrap().1)).collect()
}

/// The id of the token that the form of a page makes.
#[track_caller]
fn token_id(page: &str) -> String {
    between(page, "name=\"tokenId\" value=\"", "\"").first().unwrap().clone()
}

/// Sends the form of the page of a client.
fn make(browser: &Browser, client: &str, agent: &str) -> Answer {
    let id = token_id(&browser.page(&format!("/connect?client={client}")));
    browser.submit("/connect", &[("client", client), ("tokenId", &id), ("agent", agent)])
}

/// The tokens that a page shows.
fn tokens(page: &str) -> Vec<String> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    page.split("csgn_").skip(1).map(|rest| format!("csgn_{}", rest.split(ends).next().unwrap())).collect()
}

fn count_of_tokens(server: &TestServer) -> usize {
    server.sql("SELECT token_id FROM tokens").len()
}

#[test]
fn a_token_is_made_once_and_shown_in_that_answer_alone() {
    let server = TestServer::start();
    let browser = server.client("root", Role::Admin).browser();
    for client in CLIENTS {
        let id = token_id(&browser.page(&format!("/connect?client={client}")));
        let fields = [("client", client), ("tokenId", id.as_str()), ("agent", client)];
        let before = count_of_tokens(&server);
        let answer = browser.submit("/connect", &fields).expect(200);
        assert_eq!(answer.headers["cache-control"], "no-store", "{client}");
        let [token] = tokens(&answer.text).try_into().unwrap();
        assert!(!answer.text.contains(PLACEHOLDER) && blocks(&answer.text)[0].contains(&token), "{client}");
        let agent = Client::new(&server.url, &token);
        agent.register(&confirmation(client));
        assert_eq!(agent.look(client)["registeredBy"], client);
        // The same form again, as when a browser loads the answer anew.
        let again = browser.submit("/connect", &fields).expect(409);
        assert!(again.text.contains("has made its token already") && tokens(&again.text).is_empty(), "{client}");
        assert_eq!(count_of_tokens(&server), before + 1, "{client}");
        let waiting = between(&answer.text, "data-page=\"", "\"");
        assert!(tokens(&browser.page(&text_of(&waiting[0]))).is_empty(), "{client}");
    }
    let told = server.sql("SELECT principal, json_extract(detail, '$.madeBy'), json_extract(detail, '$.role') FROM audit_events WHERE event = 'token.created' ORDER BY seq DESC LIMIT 1");
    assert_eq!(told, [[json!("typescript"), json!("root"), json!("agent")]]);
}

#[test]
fn a_person_who_may_make_no_tokens_sees_why_and_makes_none() {
    let server = TestServer::start();
    let admin = server.client("root", Role::Admin).browser();
    assert!(admin.page("/connect?client=codex").contains("Make a token"));
    for (name, role) in [("ada", Role::Approver), ("olga", Role::Auditor)] {
        let browser = server.client(name, role).browser();
        let page = browser.page("/connect?client=codex");
        assert!(!page.contains("Make a token") && page.contains(PLACEHOLDER), "{page}");
        assert!(words_of(&page).contains(&format!("Your role, {}, makes no tokens here: an admin", role.as_str())));
        let fields = [("client", "codex"), ("tokenId", "t"), ("agent", "builder")];
        let csrf = browser.csrf();
        server.unchanged(|| {
            let refused =
                browser.send_form("/connect", &[&[("csrf", csrf.as_str())], &fields[..]].concat()).expect(403);
            assert!(refused.text.contains("does not allow this"), "{}", refused.text);
        });
    }
}

#[test]
fn a_form_that_cannot_be_carried_out_makes_no_token_and_says_why_beside_the_field() {
    let server = TestServer::start();
    server.approver("ada");
    let browser = server.client("root", Role::Admin).browser();
    let of_another = server.client("root", Role::Admin).browser().csrf();
    let before = count_of_tokens(&server);
    for (agent, fault) in [
        ("", "Fill this in."),
        ("a b", "an id is 1 to 128"),
        ("<script>", "an id is 1 to 128"),
        ("ada", "ada is an approver already, and a principal has one role: choose another name"),
    ] {
        let answer = make(&browser, "gemini", agent).expect(400);
        let said = between(&answer.text, "id=\"agent-fault\">", "</span>");
        assert!(said[0].contains(fault), "{agent}: {said:?}");
        assert!(answer.text.contains("aria-invalid=\"true\" aria-describedby=\"agent-fault\""), "{}", answer.text);
        assert!(tokens(&answer.text).is_empty() && !answer.text.contains("<script>"), "{agent}");
    }
    let fields = [("client", "codex"), ("tokenId", "t"), ("agent", "builder")];
    browser.send_form("/connect", &fields).expect(403);
    browser.send_form("/connect", &[&[("csrf", of_another.as_str())], &fields[..]].concat()).expect(403);
    for fields in [
        &fields[..1],
        &fields[1..],
        &[("client", "pigeon"), fields[1], fields[2]],
        &[fields[0], ("tokenId", "a/b"), fields[2]],
    ] {
        browser.submit("/connect", fields).expect(400);
    }
    assert_eq!(count_of_tokens(&server), before);
    for (path, sentence) in [
        ("/connect?client=pigeon", "expected one of claude-code, codex"),
        ("/connect?client=codex&agent=a%20b", "an id is"),
        ("/connect?client=codex&agent=a&since=then", "a time is written"),
        ("/connect?token=t", "unknown field"),
        ("/connect/arrival?client=codex", "say which client and which agent"),
    ] {
        let answer = browser.get(path).expect(400);
        assert!(answer.text.contains(sentence), "{path}: {}", answer.text);
    }
}

#[test]
fn the_blocks_name_the_public_url_or_the_host_by_which_the_person_has_come() {
    let plain = TestServer::start();
    let behind = TestServer::with(&["--public-url", "https://desk.example:8443/some/path/"]);
    for (server, url) in [(&plain, plain.url.as_str()), (&behind, "https://desk.example:8443/some/path")] {
        let browser = server.client("root", Role::Admin).browser();
        for client in CLIENTS {
            let page = browser.page(&format!("/connect?client={client}"));
            let all = blocks(&page).join("\n");
            assert!(all.contains(url) && all.contains(PLACEHOLDER), "{client}: {all}");
            assert!(!url.starts_with("https") || !all.contains(&plain.url), "{client}: {all}");
        }
    }
    // By another name of the same machine.
    let browser = plain.client("root", Role::Admin).browser();
    let port = plain.url.rsplit_once(':').unwrap().1;
    let host = format!("localhost:{port}");
    let page = browser.send("GET", "/connect?client=curl", &[("host", &host)], None).expect(200).text;
    assert!(blocks(&page).join("\n").contains(&format!("server=http://{host}\n")), "{page}");
}

#[test]
fn the_page_says_so_when_the_first_question_of_the_agent_comes() {
    let server = TestServer::start();
    let browser = server.client("root", Role::Admin).browser();
    let (other, older) = (server.agent("other"), server.agent("builder"));
    older.register(&confirmation("with-another-token"));
    server.advance(Duration::from_secs(1));
    let answer = make(&browser, "claude-code", "builder").expect(200);
    let [part] = between(&answer.text, "data-part=\"", "\"").try_into().unwrap();
    let [page] = between(&answer.text, "data-page=\"", "\"").try_into().unwrap();
    let (part, page) = (text_of(&part), text_of(&page));
    let live = between(&answer.text, "data-live=\"", "\"");
    assert_eq!(live, ["/feed"]);
    let mut lines = browser.stream_lines(&live[0]);
    assert!(lines.any(|line| line == "event: hello"), "the feed has no beginning");
    for path in [&part, &page] {
        assert!(words_of(&browser.page(path)).contains("There is no question of builder yet"), "{path}");
    }
    other.register(&confirmation("another-agents"));
    assert!(!browser.page(&part).contains("data-arrived"));
    let agent = Client::new(&server.url, &tokens(&answer.text)[0]);
    agent.register(&altered(confirmation("first"), &json!({"confirmation": {"input": {"command": "<b>hello"}}})));
    agent.register(&confirmation("second"));
    assert!(lines.any(|line| line.contains("\"first\"") && line.contains("interaction.registered")));
    for path in [&part, &page] {
        let shown = browser.page(path);
        assert!(shown.contains("data-arrived") && shown.contains("href=\"/interactions/first\""), "{path}: {shown}");
        assert!(shown.contains("&lt;b&gt;hello") && !shown.contains("data-live"), "{path}: {shown}");
    }
    // Who has a token already waits by the name alone; and of an agent that has asked, that is shown.
    assert!(browser.page("/connect?client=codex&agent=builder").contains("/interactions/with-another-token"));
    assert!(browser.page("/connect?client=codex&agent=nobody").contains("There is no question of"));
    let anonymous = Browser::anonymous(&server.url);
    let led = anonymous.get(&part).expect(303).headers["location"].to_str().unwrap().to_owned();
    assert!(led.starts_with("/login?next=%2Fconnect%2Farrival%3F"), "{led}");
}

#[test]
fn one_comes_to_it_from_every_page_and_from_the_empty_queue() {
    let server = TestServer::start();
    let browser = server.approver("ada").browser();
    let queue = browser.page("/");
    assert!(queue.contains("Nothing waits for you.") && queue.matches("href=\"/connect\"").count() == 2, "{queue}");
    assert!(browser.page("/rules").contains("<a href=\"/connect\">Connect</a>"));
    let page = browser.page("/connect");
    let listed = between(&page, "href=\"/connect?client=", "\"");
    assert_eq!(listed, CLIENTS);
    assert!(blocks(&page).is_empty() && link_of(&page, "next").is_none());
}
