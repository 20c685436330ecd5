//! The editor of rules: what it begins with, what it shows before a rule is made, and making it.

use serde_json::json;

use super::pages::Fixture;
use crate::api::routes::everything;
use crate::harness::page::{Browser, between, text_of, words_of};
use crate::harness::{Client, TestServer, altered, confirmation};

type Fields<'f> = Vec<(&'f str, &'f str)>;

/// What the form sends for a rule about `make *`, with these in place of its own.
fn fields<'f>(changes: &[(&'f str, &'f str)]) -> Fields<'f> {
    let rule = [
        ("toolName", "shell"),
        ("pattern", "make *"),
        ("scope", "everywhere"),
        ("decision", "allow"),
        ("lifetime", ""),
        ("unit", "days"),
        ("maxUses", ""),
    ];
    let changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = rule.into_iter().filter(|(name, _)| !changed(name));
    kept.chain(changes.iter().copied()).collect()
}

/// What the script is answered while `changes` are typed; nothing in the database may change.
#[track_caller]
fn preview(server: &TestServer, browser: &Browser, changes: &[(&str, &str)]) -> String {
    let csrf = browser.csrf();
    let before = everything(server);
    let sent = [&[("csrf", csrf.as_str()), ("part", "true")], fields(changes).as_slice()].concat();
    let part = browser.send_form("/rules/preview", &sent).expect(200).text;
    assert_eq!(everything(server), before, "a preview changes nothing");
    assert!(!part.contains("<html"), "only the part of the page: {part}");
    part
}

/// What is about `make`, oldest first: approved, rejected, decided by a rule, withdrawn, and pending.
fn lived() -> (TestServer, Client, Client) {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for id in ["yes", "no", "withdrawn", "high"] {
        let changes = if id == "high" { json!({"confirmation": {"riskLevel": "high"}}) } else { json!({}) };
        agent.register(&altered(confirmation(id), &changes));
    }
    agent.register(&altered(confirmation("other"), &json!({"confirmation": {"input": {"command": "ls"}}})));
    ada.confirm("yes", "allow").expect(200);
    ada.confirm("no", "deny").expect(200);
    agent.post_nothing("/v1/interactions/withdrawn/cancel").expect(200);
    (server, agent, ada)
}

/// The interactions that a part of a page links to, in its order.
fn linked(part: &str) -> Vec<String> {
    between(part, "</span> <a href=\"", "\"")
}

#[test]
fn while_it_is_typed_a_rule_shows_what_it_would_have_decided() {
    let (server, agent, ada) = lived();
    agent.register(&confirmation("waits"));
    let browser = ada.browser();
    let part = preview(&server, &browser, &[]);
    assert_eq!(linked(&part), ["/interactions/no", "/#card-waits", "/interactions/withdrawn", "/interactions/yes"]);
    let words = words_of(&part);
    for said in [
        "Of the latest 6 confirmations it would have approved 3: without it people approved 1 and rejected 1, other \
         rules decided 0, and 1 went unanswered. 1 waiting now would be decided by it.",
        "People had rejected these: 1",
        "Waiting now: 1",
        "The others, the latest first: 2",
        "rejected by ada",
    ] {
        assert!(words.contains(said), "{said} is not in {words}");
    }
    assert!(part.find("class=\"problem\"") < part.find("/interactions/no"), "what contradicts people is marked");
    let denying = preview(&server, &browser, &[("decision", "deny")]);
    assert!(denying.contains("People had approved these: 1"), "{denying}");
    assert_eq!(linked(&denying)[0], "/interactions/yes");
    let risky = preview(&server, &browser, &[("allowHighRisk", "true")]);
    assert!(linked(&risky).contains(&"/#card-high".to_owned()), "{risky}");
    assert_eq!(linked(&preview(&server, &browser, &[("pattern", "cargo *")])), [""; 0]);
}

#[test]
fn what_cannot_be_read_yet_is_told_while_it_is_typed() {
    let (server, _, ada) = lived();
    let browser = ada.browser();
    let part = preview(&server, &browser, &[("pattern", ""), ("toolName", " "), ("maxUses", "x")]);
    for missing in ["Tool: Fill this in.", "Pattern: Fill this in.", "Uses: A whole number"] {
        assert!(part.contains(missing), "{part}");
    }
}

#[test]
fn without_a_script_a_button_shows_the_same_and_keeps_what_was_typed() {
    let (_server, _, ada) = lived();
    let browser = ada.browser();
    let typed =
        [("pattern", "\nmake *\n# </textarea><script>"), ("lifetime", "2"), ("unit", "hours"), ("maxUses", "7")];
    let page = browser.submit("/rules/preview", &fields(&typed)).expect(200).text;
    assert!(page.contains("it would have approved"), "{page}");
    let pattern = between(&page, "<textarea id=\"pattern\"", "</textarea>").remove(0);
    // A browser drops the first line's end after the tag: the one that was typed has to be there beside it.
    assert_eq!(text_of(&format!("<x{pattern}")), "\n\nmake *\n# </textarea><script>");
    for kept in ["name=\"lifetime\" value=\"2\"", "<option selected>hours", "name=\"maxUses\" value=\"7\""] {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    let page = browser.page("/rules/new");
    assert!(page.contains("formaction=\"/rules/preview\" formnovalidate"), "{page}");
    let show = page.find("Show what it would decide").unwrap();
    assert!(show < page.find("Make this rule").unwrap(), "Enter in a field presses the first button: it makes nothing");
}

#[test]
fn a_rule_begins_with_what_covers_the_request_it_is_made_for() {
    let fixture = Fixture::new();
    let browser = fixture.ada.browser();
    let asked = json!({"confirmation": {"input": {"command": "ls *"}, "workingDir": "/srv/<x>"}});
    fixture.agent.register(&altered(confirmation("star"), &asked));
    let page = browser.page("/rules/new?requestId=star");
    assert!(page.contains("name=\"toolName\" value=\"shell\""), "{page}");
    let pattern = between(&page, "<textarea id=\"pattern\"", "</textarea>").remove(0);
    assert_eq!(text_of(&format!("<x{pattern}")), "\nls \\*", "a star of the command is no wildcard");
    let scope = between(&page, "id=\"scope\" name=\"scope\" value=\"", "\"").remove(0);
    assert_eq!(text_of(&scope), "/srv/<x>");
    assert!(page.contains("<a href=\"/#card-star\">"), "it shows at once what it would decide: {page}");
    // No rule may allow what hides: there is no pattern to begin with.
    let hidden = json!({"confirmation": {"input": {"command": "ls \u{202e}x"}, "persistentDecisionsAllowed": false}});
    fixture.agent.register(&altered(confirmation("hidden"), &hidden));
    let page = browser.page("/rules/new?requestId=hidden");
    assert!(page.contains("No pattern covers it") && page.contains("asked that no lasting rule be made"), "{page}");
    assert!(page.contains(">U+202E</mark>") && !page.contains('\u{202e}'), "{page}");
}

#[test]
fn a_rule_is_made_as_it_was_typed() {
    let (server, _, ada) = lived();
    let browser = ada.browser();
    let typed = [
        ("pattern", "make it\r\nso"),
        ("scope", " /repo "),
        ("decision", "deny"),
        ("lifetime", "3"),
        ("unit", "hours"),
        ("maxUses", "2"),
        ("allowHighRisk", "true"),
    ];
    let answer = browser.submit("/rules", &fields(&typed)).expect(303);
    let path = answer.headers["location"].to_str().unwrap().to_owned();
    let rules = server.sql(
        "SELECT '/rules/' || rule_id, tool_name, pattern, scope, decision, allow_high_risk, created_by, created_from, \
         expires_at, max_uses FROM v_trust_rules",
    );
    assert_eq!(
        rules,
        [[
            json!(path),
            json!("shell"),
            json!("make it\nso"),
            json!("/repo"),
            json!("deny"),
            json!(1),
            json!("ada"),
            json!(null),
            json!("2030-01-01T03:00:00.000Z"),
            json!(2)
        ]]
    );
    // The very same again is the one that stands.
    let again = browser.submit("/rules", &fields(&typed)).expect(303);
    assert_eq!(again.headers["location"].to_str().unwrap(), path);
    browser.page(&path);
}

#[test]
fn only_who_asks_for_it_decides_what_is_waiting() {
    let (_server, agent, ada) = lived();
    agent.register(&confirmation("waits"));
    let browser = ada.browser();
    browser.submit("/rules", &fields(&[("pattern", "make deploy")])).expect(303);
    assert_eq!(agent.look("waits")["status"], "pending");
    browser.submit("/rules", &fields(&[("applyToPending", "true")])).expect(303);
    assert_eq!(agent.look("waits")["status"], "approved");
    assert_eq!(agent.look("high")["status"], "pending");
}

#[test]
fn a_field_at_fault_is_told_of_beside_it_and_no_rule_is_made() {
    let (server, _, ada) = lived();
    let browser = ada.browser();
    let long = "x".repeat(1025);
    for (field, typed, fault) in [
        ("toolName", "", "Fill this in."),
        ("toolName", "a\u{7}b", "a name is 1 to 256 characters"),
        ("pattern", "", "Fill this in."),
        ("pattern", "a\0b", "a pattern is not empty and holds no NUL"),
        ("pattern", &long, "This is longer than 1024 bytes."),
        ("scope", " ", "Fill this in."),
        ("scope", &long, "This is longer than 1024 bytes."),
        ("decision", "maybe", "expected one of allow, deny, ask"),
        ("lifetime", "0", "A whole number of these"),
        ("lifetime", "1.5", "A whole number of these"),
        ("lifetime", "99999999999999999999", "A whole number of these"),
        ("lifetime", "36525000", "at most a hundred years"),
        ("unit", "fortnights", "A whole number of these"),
        ("maxUses", "0", "A whole number from 1 on"),
        ("maxUses", "-1", "A whole number from 1 on"),
    ] {
        let changes = if field == "unit" { vec![("unit", typed), ("lifetime", "1")] } else { vec![(field, typed)] };
        let page = browser.submit("/rules", &fields(&changes)).expect(400).text;
        let place = if field == "unit" { "lifetime" } else { field };
        let told = between(&page, &format!("id=\"{place}-fault\">"), "</span>");
        assert!(told.len() == 1 && told[0].contains(fault), "{field} {typed:?}: {told:?}");
        assert_eq!(page.matches("class=\"fault\"").count(), 1, "{field} {typed:?}: only this one is at fault");
        assert!(page.contains("aria-invalid=\"true\"") || field == "decision", "{field} {typed:?}");
    }
    assert_eq!(server.sql("SELECT count(*) FROM trust_rules"), [[json!(0)]]);
}

#[test]
fn the_parts_of_a_rule_are_listed_and_can_be_set_free_one_by_one() {
    let (server, agent, ada) = lived();
    let browser = ada.browser();
    let asked = json!({"confirmation": {"input": {"command": "make deploy", "host": "staging", "why": "<b>"}, "executionTarget": "host"}});
    agent.register(&altered(confirmation("parts"), &asked));
    let page = browser.page("/rules/new?requestId=parts");
    assert_eq!(between(&page, "name=\"memberPointer\" value=\"", "\""), ["/host", "/why", "", ""]);
    assert_eq!(text_of(&between(&page, "name=\"memberPattern\" value=\"", "\"")[1]), "<b>");
    assert!(page.contains("name=\"agent\" value=\"builder\"") && page.contains("<option selected>host"), "{page}");
    let typed = [
        ("memberPointer", "/host"),
        ("memberPattern", "staging"),
        ("memberPointer", "/why"),
        ("memberPattern", "x"),
        ("memberFree", "/why"),
        ("memberPointer", ""),
        ("memberPattern", ""),
        ("agent", "builder"),
        ("target", "host"),
        ("reason", "as agreed"),
    ];
    let rule = browser.submit("/rules", &fields(&typed)).expect(303).headers["location"].to_str().unwrap().to_owned();
    assert_eq!(
        server.sql("SELECT members, agent, execution_target, reason FROM v_trust_rules"),
        [[json!(r#"{"/host":"staging","/why":"*"}"#), json!("builder"), json!("host"), json!("as agreed")]]
    );
    let words = words_of(&browser.page(&rule));
    for said in ["member host is staging", "member why whatever it says", "agent builder", "runs on host", "as agreed"]
    {
        assert!(words.contains(said), "{said} is not in {words}");
    }
    let faulty =
        browser.submit("/rules", &fields(&[("memberPointer", "host"), ("memberPattern", "x")])).expect(400).text;
    assert!(faulty.contains("JSON pointer") && faulty.contains("name=\"memberPointer\" value=\"host\""), "{faulty}");
    let any = fields(&[("anyMembers", "true"), ("pattern", "make any")]);
    browser.submit("/rules", &any).expect(303);
    assert_eq!(server.sql("SELECT members FROM trust_rules WHERE pattern = 'make any'"), [[json!(r#"{"":"*"}"#)]]);
}
