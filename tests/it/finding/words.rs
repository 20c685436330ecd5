//! Words and phrases: what they are looked up in, whatever their letters, and that nothing in them means anything.

use serde_json::json;

use super::{command, found, started};
use crate::harness::{altered, confirmation, question, responses, secret};

#[test]
fn a_word_is_looked_up_in_what_was_asked_what_was_said_and_the_beginnings_of_ids() {
    let (_server, agent, ada) = started();
    let asked = json!({"origin": {"repository": "acme/widgets", "branch": "hotfix", "title": "Mend the tides"},
        "confirmation": {"toolName": "Terminal", "reason": "The Nightly build needs it", "workingDir": "/srv/harbour"}});
    agent.register(&altered(confirmation("ship-1"), &asked));
    let of_secret = json!({"secret": {"service": "forge", "field": "pass", "label": "Login of the forge", "purpose": "to fetch crates"}});
    agent.register(&altered(secret("s-1"), &of_secret));
    agent.register(&altered(question("q-1"), &json!({"conversationId": "talk-7"})));
    ada.post("/v1/confirm", &json!({"requestId": "ship-1", "decision": "deny", "comment": "Not on a Friday"}))
        .expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "q-1", "responses": responses()})).expect(200);
    for (query, expected) in [
        ("make", "ship-1"),
        ("MAKE terminal", "ship-1"),
        ("\"nightly build\"", "ship-1"),
        ("\"build nightly\"", ""),
        ("build nightly", "ship-1"),
        ("widgets hotfix tides harbour", "ship-1"),
        ("friday", "ship-1"),
        ("friday -nightly", ""),
        ("forge", "s-1"),
        ("crates -make", "s-1"),
        ("which?", "q-1"),
        ("talk", "q-1"),
        ("alk-7", ""),
        ("ship", "ship-1"),
        ("hip-1", ""),
        ("claude", "q-1 s-1 ship-1"),
        ("-make -forge", "q-1"),
        ("ada", ""),
    ] {
        assert_eq!(found(&ada, query), expected, "{query}");
    }
}

#[test]
fn letters_of_every_script_are_found_without_case_and_as_they_stand() {
    let (_server, agent, ada) = started();
    for (id, text) in [
        ("umlaut", "echo ÄÖÜ straße"),
        ("greek", "echo ΟΔΟΣ"),
        ("cyrillic", "echo Привет"),
        ("hebrew", "echo שלום עולם"),
        ("arabic", "echo مرحبا بالعالم"),
        ("han", "echo 数据库 备份"),
        ("emoji", "echo 🚀🚀🚀 go"),
        ("percent", "echo 100% a_b it's \"quoted\" C:\\temp; -- DROP"),
        ("lines", "first line\n\n\tsecond   line"),
    ] {
        command(&agent, id, text);
    }
    for (query, expected) in [
        ("äöü", "umlaut"),
        ("STRASSE", ""),
        ("STRAßE", "umlaut"),
        ("οδος", "greek"),
        ("привет", "cyrillic"),
        ("שלום", "hebrew"),
        ("\"שלום עולם\"", "hebrew"),
        ("مرحبا", "arabic"),
        ("数据库", "han"),
        ("数据", "han"),
        ("库", "han"),
        ("🚀", "emoji"),
        ("🚀🚀🚀", "emoji"),
        ("100%", "percent"),
        ("10_%", ""),
        ("a_b", "percent"),
        ("a%b", ""),
        ("it's", "percent"),
        ("\"it's \\\"quoted\\\"\"", "percent"),
        ("C:\\temp;", "percent"),
        ("\"-- drop\"", "percent"),
        ("\"line second\"", "lines"),
        ("\"first line second line\"", "lines"),
        ("ec", "lines emoji han arabic hebrew cyrillic greek umlaut percent"),
        ("%", "percent"),
        ("_", "percent"),
        ("go", "emoji"),
        ("g", "emoji greek"),
    ] {
        let mut ids: Vec<String> = found(&ada, query).split(' ').map(str::to_owned).collect();
        let mut wanted: Vec<String> = expected.split(' ').map(str::to_owned).collect();
        ids.sort();
        wanted.sort();
        assert_eq!(ids, wanted, "{query}");
    }
}

#[test]
fn of_a_long_text_the_beginning_is_looked_at_and_a_long_phrase_is_found_in_it() {
    let (_server, agent, ada) = started();
    command(&agent, "long", &format!("begin {} end", "middle ".repeat(200)));
    assert_eq!(found(&ada, "begin middle"), "long");
    assert_eq!(found(&ada, "end"), "");
    let phrase = "middle ".repeat(60);
    assert_eq!(found(&ada, &format!("\"begin {phrase}\"")), "long");
}
