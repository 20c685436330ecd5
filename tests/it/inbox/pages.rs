//! What holds for every one of these pages: who sees them, who may do something there, and how they say no.

use countersign::domain::enums::Role;
use serde_json::json;

use crate::api::routes::everything;
use crate::harness::page::{Browser, between};
use crate::harness::{Client, TestServer, confirmation, question, secret};

/// A server with something on each page, and what is needed to go there.
pub(super) struct Fixture {
    pub(super) server: TestServer,
    pub(super) agent: Client,
    pub(super) ada: Client,
    pub(super) rule_id: String,
}

impl Fixture {
    /// Pending: a confirmation `c`, a secret `s` and a question `q`; and a rule.
    pub(super) fn new() -> Self {
        let server = TestServer::start();
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        for registration in [confirmation("c"), secret("s"), question("q")] {
            agent.register(&registration);
        }
        let rule = json!({"toolName": "browser", "pattern": "*", "scope": "everywhere", "decision": "ask"});
        let made = ada.post("/v1/trust-rules", &rule).expect(201);
        let rule_id = made.body["trustRule"]["ruleId"].as_str().unwrap().to_owned();
        Self { server, agent, ada, rule_id }
    }

    fn pages(&self) -> Vec<String> {
        let fixed = [
            "/rules",
            "/rules/new",
            "/rules/new?requestId=c",
            "/history",
            "/numbers",
            "/interactions/c",
            "/interactions/s",
        ];
        let connect = [
            "/agents",
            "/settings",
            "/channels",
            "/connect",
            "/connect?client=codex",
            "/connect?client=acp&agent=builder",
        ];
        let fixed = fixed.into_iter().chain(["/interactions/q"]).chain(connect).map(str::to_owned);
        fixed.chain([format!("/rules/{}", self.rule_id)]).collect()
    }

    /// The forms that change something.
    fn forms(&self) -> [(String, Vec<(&'static str, &'static str)>); 5] {
        let rule = [("toolName", "shell"), ("pattern", "ls"), ("scope", "everywhere"), ("decision", "allow")];
        let channel = [("kind", "slack"), ("name", "chat"), ("address", "https://hooks.example/x")];
        [
            ("/rules".to_owned(), rule.to_vec()),
            (format!("/rules/{}/revoke", self.rule_id), Vec::new()),
            ("/channels".to_owned(), channel.to_vec()),
            ("/agents".to_owned(), vec![("tokenId", "t"), ("name", "other")]),
            ("/tokens/none/revoke".to_owned(), Vec::new()),
        ]
    }
}

/// Panics unless this changes nothing in the database.
#[track_caller]
fn unchanged(server: &TestServer, it: impl FnOnce()) {
    let before = everything(server);
    it();
    assert_eq!(before, everything(server));
}

#[test]
fn no_page_is_shown_without_logging_in() {
    let fixture = Fixture::new();
    let anonymous = Browser::anonymous(&fixture.server.url);
    for path in fixture.pages() {
        let answer = anonymous.get(&path).expect(303);
        let led = answer.headers["location"].to_str().unwrap();
        let next = form_urlencoded::Serializer::new(String::new()).append_pair("next", &path).finish();
        let expected = if path == "/" { "/login".to_owned() } else { format!("/login?{next}") };
        assert_eq!((led, answer.text.as_str()), (expected.as_str(), ""), "{path}");
    }
    unchanged(&fixture.server, || {
        for (path, fields) in fixture.forms() {
            let answer = anonymous.send_form(&path, &fields).expect(401);
            assert!(answer.text.contains("You are not logged in"), "{path}: {answer:?}");
        }
        anonymous.send_form("/rules/preview", &fixture.forms()[0].1).expect(401);
    });
}

#[test]
fn a_form_without_the_sessions_own_word_does_nothing() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    let of_another = fixture.ada.browser().csrf();
    unchanged(&fixture.server, || {
        for (path, fields) in fixture.forms() {
            browser.send_form(&path, &fields).expect(403);
            browser.send_form(&path, &[&[("csrf", of_another.as_str())], fields.as_slice()].concat()).expect(403);
        }
        browser.send_form("/rules/preview", &fixture.forms()[0].1).expect(403);
    });
}

#[test]
fn auditors_see_all_and_change_nothing() {
    let fixture = Fixture::new();
    let auditor = fixture.server.client("olga", Role::Auditor).browser();
    let approver = fixture.ada.browser();
    let buttons = |browser: &Browser, path: &str| {
        let page = browser.page(path);
        let main = page.split_once("<main").unwrap().1.to_owned();
        between(&main, "<button", "</button>").join("\n")
    };
    for path in fixture.pages() {
        let seen = buttons(&auditor, &path);
        assert!(!seen.contains("Revoke") && !seen.contains("Make this rule"), "{path}: {seen}");
    }
    let rule = format!("/rules/{}", fixture.rule_id);
    for (path, button) in [(rule.as_str(), "Revoke this rule"), ("/rules/new", "Make this rule")] {
        assert!(buttons(&approver, path).contains(button), "{path} has no button to miss");
    }
    for (path, fields) in fixture.forms() {
        let csrf = auditor.csrf();
        let fields = [&[("csrf", csrf.as_str())], fields.as_slice()].concat();
        unchanged(&fixture.server, || {
            let answer = auditor.send_form(&path, &fields).expect(403);
            assert!(answer.text.contains("the role auditor does not allow this"), "{answer:?}");
        });
    }
    // A role that may see the rules may see what one would decide.
    let shown = auditor.submit("/rules/preview", &fixture.forms()[0].1).expect(200).text;
    assert!(shown.contains("it would have approved 0"), "{shown}");
}

#[test]
fn what_a_browser_asks_wrongly_is_told_in_words() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    for (path, status, sentence) in [
        ("/history?status=done", 400, "<code>status</code>: expected one of approved, rejected"),
        ("/history?kind=x", 400, "<code>kind</code>: expected one of"),
        ("/history?principal=a%20b", 400, "<code>principal</code>: an id is"),
        ("/history?conversationId=%2F", 400, "<code>conversationId</code>: an id is"),
        ("/history?toolName=a%00b", 400, "<code>toolName</code>: a name is"),
        ("/history?cursor=%3F", 400, "<code>cursor</code>: a cursor is"),
        ("/history?cursor=", 200, "History"),
        ("/history?colour=red", 400, "unknown field `colour`"),
        ("/numbers?offsetMinutes=841", 400, "<code>offsetMinutes</code>: at most 840 minutes from UTC"),
        ("/numbers?since=7d", 400, "unknown field `since`"),
        ("/rules?status=pending", 400, "<code>status</code>: expected one of active"),
        ("/rules?cursor=-1", 400, "<code>cursor</code>: a cursor is"),
        ("/rules/new?requestId=%3Cb%3E", 400, "<code>requestId</code>: an id is"),
        ("/rules/new?requestId=none", 404, "there is no such interaction"),
        ("/rules/new?requestId=s", 409, "this interaction is a secret"),
        ("/rules/none", 404, "there is no such trust rule"),
        ("/interactions/none", 404, "there is no such interaction"),
        ("/interactions/%3Cscript%3E", 400, "an id is"),
        ("/interactions/c?x=%3Cscript%3E", 400, "takes no query parameter"),
    ] {
        let answer = browser.get(path).expect(status);
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("script-src 'self'"), "{path}");
        assert!(answer.text.contains(sentence), "{path}: {}", answer.text);
        assert!(!answer.text.contains("<script>"), "{path}: {}", answer.text);
    }
    // A program is told as it is everywhere else.
    let answer = fixture.server.anonymous().get("/history").expect(401);
    assert_eq!(answer.code(), "unauthenticated");
}

/// Screen readers and the policy on content: every field has a name, and nothing in a page runs or styles by itself.
#[test]
fn every_field_is_labelled_and_nothing_is_inline() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    for path in fixture.pages() {
        let page = browser.page(&path);
        for begin in ["<input", "<select", "<textarea"] {
            for (at, _) in page.match_indices(begin) {
                let (before, rest) = page.split_at(at);
                let field = rest.split('>').next().unwrap();
                let is_inside = before.rfind("<label") > before.rfind("</label>");
                let id = between(field, " id=\"", "\"");
                let has_label = id.first().is_some_and(|id| page.contains(&format!("<label for=\"{id}\"")));
                let is_named =
                    field.contains("type=\"hidden\"") || field.contains("aria-label=") || has_label || is_inside;
                assert!(is_named, "{path}: {begin}{field}");
            }
        }
        for inline in [" style=", "<style", "<script>", " onclick", " oninput", "javascript:"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        assert_eq!(page.matches("<h1").count(), 1, "{path}");
        let mut ids = between(&page, " id=\"", "\"");
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count, "{path} gives an id twice");
    }
}
