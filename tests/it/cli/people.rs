//! What people do from the command line.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use super::{Asking, command, complains, ends, fixture, json_of, says, told};
use crate::harness::page::words_of;
use crate::harness::{KINDS, altered, confirmation, question, secret};

#[test]
fn approving_says_what_was_approved_and_hands_on_the_comment() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    assert_eq!(says(&ada, &["approve", "a", "-m", "go ahead"]), "approved a: shell: make deploy\n");
    let resolution = ada.look("a")["resolution"].clone();
    assert_eq!((&resolution["decision"], &resolution["comment"]), (&json!("allow"), &json!("go ahead")));
}

#[test]
fn what_has_to_be_acknowledged_takes_a_second_word() {
    let (_server, agent, ada) = fixture();
    for (id, change, fact) in [
        ("high", json!({"riskLevel": "high"}), "high risk"),
        ("hidden", json!({"input": {"command": "ls \u{202e}x"}}), "do not show"),
        ("long", json!({"input": {"command": "echo\n".repeat(90)}}), "it is long"),
    ] {
        agent.register(&altered(confirmation(id), &json!({"confirmation": change})));
        let sentence = complains(2, &ada, &["approve", id]);
        for part in [fact, &format!("countersign show {id}"), "--acknowledge"] {
            assert!(sentence.contains(part), "{sentence}");
        }
        assert_eq!(ada.look(id)["status"], "pending");
        says(&ada, &["approve", id, "--acknowledge"]);
        assert_eq!(ada.look(id)["status"], "approved");
    }
}

#[test]
fn approving_shows_all_of_what_is_approved() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let (stdout, stderr) = ends(0, &mut command(&ada, &["approve", "a", "--input", r#"{"command":"make test"}"#]));
    assert_eq!(stdout, "approved a: shell: make deploy\n");
    for part in ["│ command: make deploy", "sha256:", "approved is", "│ command: make test"] {
        assert!(stderr.contains(part), "{part} is not shown:\n{stderr}");
    }
}

#[test]
fn every_text_of_a_request_is_shown_on_its_page_and_in_a_terminal() {
    // For programs, or shown where a rule is made or an answer is typed.
    const ELSEWHERE: [&str; 6] =
        ["toolUseId", "scopeOptions", "allowlistOptions", "questionId", "optionId", "placeholder"];
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(members) => {
                let shown = members.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()));
                shown.flat_map(|(_, value)| texts(value)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }
    let (_server, agent, ada) = fixture();
    for kind in KINDS {
        let asked = (kind.full)();
        agent.register(&asked);
        let id = asked["requestId"].as_str().unwrap();
        let page = words_of(&ada.browser().page(&format!("/interactions/{id}")));
        let card = says(&ada, &["show", id]);
        let texts = texts(&asked[kind.name]);
        assert!(!texts.is_empty());
        for text in texts {
            assert!(page.contains(text), "{text:?} is not on the page: {page}");
            assert!(card.contains(text) || card.contains(&text.to_uppercase()), "{text:?} is not on the card: {card}");
        }
    }
}

#[test]
fn what_an_edit_brings_in_has_to_be_acknowledged_too() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    let edit = ["approve", "a", "--input", "{\"command\":\"make \u{200b}test\"}"];
    assert!(complains(2, &ada, &edit).contains("do not show"));
    says(&ada, &[&edit[..], &["--acknowledge"]].concat());
    assert_eq!(ada.look("a")["status"], "approved");
}

#[test]
fn approving_for_ever_takes_what_was_offered() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    let sentence = complains(1, &ada, &["approve", "a", "--always", "make"]);
    assert!(sentence.contains("'make *'"), "{sentence}");
    let sentence = complains(1, &ada, &["approve", "a", "--always", "make *"]);
    assert!(sentence.contains("'everywhere' or '/repo'"), "{sentence}");
    says(&ada, &["approve", "a", "--always", "make *", "--scope", "/repo"]);
    let rules = ada.get("/v1/trust-rules").body["trustRules"].clone();
    let rule = &rules[0];
    assert_eq!((&rule["pattern"], &rule["scope"]), (&json!("make *"), &json!("/repo")));
}

#[test]
fn an_edited_input_is_what_is_approved() {
    let (_server, agent, ada) = fixture();
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"inputEditsAllowed": true}})));
    says(&ada, &["approve", "a", "--input", r#"{"command":"make test"}"#]);
    assert_eq!(ada.look("a")["resolution"]["effectiveInput"], json!({"command": "make test"}));
}

#[test]
fn rejecting_several_goes_on_past_one_that_another_person_decided() {
    let (_server, agent, ada) = fixture();
    for id in ["a", "b", "c"] {
        agent.register(&confirmation(id));
    }
    ada.confirm("b", "allow").expect(200);
    let (stdout, stderr) = told(1, command(&ada, &["reject", "a", "b", "c", "-m", "no"]).output().unwrap());
    assert_eq!(stdout, "rejected a: shell: make deploy\nrejected c: shell: make deploy\n");
    assert!(stderr.contains("b: this interaction is already approved") && stderr.contains("1 of 3"), "{stderr}");
}

#[test]
fn a_secret_from_stdin_reaches_the_agent_and_no_stream() {
    let (_server, agent, ada) = fixture();
    for (id, more, delivery) in [("kept", &[][..], "store"), ("once", &["--once"], "transient_send")] {
        agent.register(&secret(id));
        let mut give = command(&ada, &[&["secret", id], more].concat());
        let mut child = give.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"hunter2\n").unwrap();
        let (stdout, stderr) = told(0, child.wait_with_output().unwrap());
        assert_eq!((stdout, stderr), (format!("given {id}\n"), String::new()));
        let taken = agent.post_nothing(&format!("/v1/interactions/{id}/secret")).expect(200).body;
        assert_eq!((&taken["value"], &taken["delivery"]), (&json!("hunter2"), &json!(delivery)));
    }
    agent.register(&secret("none"));
    complains(2, &ada, &["secret", "none"]);
    assert_eq!(ada.look("none")["status"], "pending");
    says(&ada, &["secret", "none", "--decline"]);
    assert_eq!(ada.look("none")["status"], "cancelled");
}

#[test]
fn a_secret_of_several_lines_comes_from_stdin_to_the_byte_and_is_wiped_by_command() {
    let (_server, agent, ada) = fixture();
    let key = "-----BEGIN KEY-----\nabc\n-----END KEY-----\n";
    agent.register(&secret("key"));
    let mut give = command(&ada, &["secret", "key"]);
    let mut child = give.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    told(0, child.wait_with_output().unwrap());
    assert_eq!(agent.post_nothing("/v1/interactions/key/secret").expect(200).body["value"], key);
    let ask = ["ask", "secret", "--service", "forge", "--field", "token", "--label", "The forge's token"];
    let ask = [&ask[..], &["--conversation", "conversation", "--request-id", "key"]].concat();
    assert_eq!(says(&agent, &ask), key);
    assert_eq!(says(&ada, &["secret", "key", "--wipe"]), "wiped key\n");
    assert!(says(&ada, &["show", "key"]).contains("by ada"));
    assert_eq!(agent.post_nothing("/v1/interactions/key/secret").refusal(), (409, "wiped"));
}

#[test]
fn a_rule_that_covers_no_high_risk_is_warned_of_and_the_card_says_where_the_agent_comes_from() {
    let (_server, agent, ada) = fixture();
    let told = json!({"origin": {"repository": "shop", "title": "a\u{202e}b"}, "confirmation": {"riskLevel": "high"}});
    agent.register(&altered(confirmation("c"), &told));
    let approve = ["approve", "c", "--acknowledge", "--always", "make *", "--scope", "/repo"];
    let (_, said) = ends(0, &mut command(&ada, &approve));
    assert!(said.contains("repository: shop") && said.contains("title: a⟨U+202E⟩b"), "{said}");
    assert!(said.contains("warning: this request is of high risk"), "{said}");
}

#[test]
fn an_approval_is_withdrawn_by_command() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("c"));
    complains(1, &ada, &["withdraw", "c"]);
    says(&ada, &["approve", "c"]);
    assert!(says(&ada, &["show", "c"]).contains("is good"));
    assert_eq!(says(&ada, &["withdraw", "c"]), "withdrew the approval of c\n");
    assert!(says(&ada, &["show", "c"]).contains("withdrawn"));
    assert_eq!(agent.post_nothing("/v1/interactions/c/claim").refusal(), (409, "approval_withdrawn"));
    assert_eq!(json_of(&ada, &["withdraw", "c", "--json"])["claim"]["withdrawnBy"], "ada");
}

#[test]
fn a_question_is_answered_in_flags() {
    let (_server, agent, ada) = fixture();
    agent.register(&question("q"));
    let sentence = complains(2, &ada, &["answer", "q"]);
    assert!(sentence.contains("countersign show q"), "{sentence}");
    let sentence = complains(2, &ada, &["answer", "q", "-o", "red"]);
    assert!(sentence.contains("colour=… or why=…"), "{sentence}");
    complains(1, &ada, &["answer", "q", "-o", "colour=green", "--skip", "why"]);
    says(&ada, &["answer", "q", "-o", "colour=red", "-t", "why=a=b"]);
    let responses = json!([{"questionId": "colour", "optionId": "red"}, {"questionId": "why", "text": "a=b"}]);
    assert_eq!(ada.look("q")["resolution"]["responses"], responses);
}

#[test]
fn an_option_is_given_again_where_several_may_be_chosen() {
    let (_server, agent, ada) = fixture();
    let mut several = question("q");
    several["question"]["entries"][0]["multiSelect"] = json!(true);
    agent.register(&several);
    for usage in [
        &["-o", "colour=red", "-t", "colour=dark", "--skip", "why"][..],
        &["-o", "colour=red", "-o", "colour=red", "--skip", "why"],
        &["-o", "colour=red", "-t", "why= "],
        &["-o", "colour=red", "-t", "why="],
        &["-o", "colour=red", "-t", "why=so", "--skip", "why"],
    ] {
        complains(2, &ada, &[&["answer", "q"], usage].concat());
        assert_eq!(ada.look("q")["status"], "pending", "{usage:?}");
    }
    says(&ada, &["answer", "q", "-o", "colour=red", "-o", "colour=blue", "--skip", "why"]);
    let responses =
        json!([{"questionId": "colour", "optionIds": ["red", "blue"]}, {"questionId": "why", "skipped": true}]);
    assert_eq!(ada.look("q")["resolution"]["responses"], responses);
    assert!(says(&ada, &["show", "q"]).contains("red blue"));
}

#[test]
fn each_kind_has_its_own_command_and_says_so() {
    let (_server, agent, ada) = fixture();
    for register in [confirmation("c"), secret("s"), question("q")] {
        agent.register(&register);
    }
    for (command, id, named) in
        [("approve", "s", "countersign secret s"), ("reject", "q", "countersign answer q"), ("secret", "c", "show c")]
    {
        let sentence = complains(1, &ada, &[command, id]);
        assert!(sentence.contains(named), "{sentence}");
    }
    assert_eq!(ada.get("/v1/pending-interactions").body["interactions"].as_array().unwrap().len(), 3);
}

#[test]
fn json_is_what_the_server_says() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    agent.register(&secret("s"));
    assert_eq!(json_of(&ada, &["show", "a", "--json"]), ada.look("a"));
    assert_eq!(json_of(&ada, &["list", "--json", "--kind", "secret"]), json!([ada.look("s")]));
    let history = json_of(&ada, &["history", "--json"]);
    assert_eq!(history, json!([ada.look("s"), ada.look("a")]));
    let events = ada.get("/v1/audit-events?requestId=a").body["auditEvents"].clone();
    assert_eq!(json_of(&ada, &["history", "a", "--json"]), events);
    assert_eq!(json_of(&ada, &["approve", "a", "--json"]), ada.look("a"));
}

#[test]
fn the_log_goes_on_as_it_grows() {
    let (_server, agent, ada) = fixture();
    agent.register(&confirmation("a"));
    let mut following = Asking::spawn(&mut command(&ada, &["log", "--follow", "--json", "-n", "1"]));
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(following.child.stdout.take().unwrap()));
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["event"], "interaction.registered");
    ada.confirm("a", "deny").expect(200);
    let rejected = next();
    assert_eq!((&rejected["event"], &rejected["principal"]), (&json!("interaction.rejected"), &json!("ada")));
    following.child.kill().unwrap();
    following.child.wait().unwrap();
}

#[test]
fn login_prints_a_link_that_logs_in() {
    let (server, _agent, ada) = fixture();
    let link = says(&ada, &["login"]);
    let code = link.trim().strip_prefix(&format!("{}/login#", server.url)).unwrap();
    assert!(code.len() > 20, "{link}");
}

#[test]
fn a_list_that_leaves_some_out_says_so() {
    let (server, _agent, ada) = fixture();
    super::ids::flood(&server, 5_000, "pending");
    let (shown, said) = ends(0, &mut command(&ada, &["list"]));
    assert_eq!((shown.lines().count(), said.as_str()), (5_001, ""));
    server.agent("other").register(&confirmation("one-more"));
    let (shown, said) = ends(0, &mut command(&ada, &["list"]));
    assert_eq!(shown.lines().count(), 5_001);
    assert!(said.contains("There are more") && said.contains("--from"), "{said}");
}
