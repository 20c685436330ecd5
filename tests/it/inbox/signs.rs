//! What a card says beside the risk that the agent claims, and the colours of code, which change no character.

use serde_json::{Value, json};

use crate::harness::page::{between, text_of, words_of};
use crate::harness::{Client, TestServer, altered, confirmation, question};

/// Registers a confirmation of this tool with this input; its card.
fn card(agent: &Client, ada: &Client, id: &str, tool: &str, input: &Value) -> String {
    let members = json!({"toolName": tool, "workingDir": "/repo", "riskLevel": "low"});
    let asked = altered(confirmation(id), &json!({"confirmation": members}));
    agent.register(&altered(asked, &json!({"confirmation": {"input": input}})));
    ada.browser().page(&format!("/interactions/{id}/card"))
}

/// The signs of a card, each as a person reads it.
fn signs(card: &str) -> Vec<String> {
    let lists = between(card, "<ul class=\"signs\" aria-label=\"Seen in it\">", "</ul>");
    lists.iter().flat_map(|list| between(list, "<li>", "</li>")).map(|sign| words_of(&sign)).collect()
}

#[test]
fn a_card_names_plain_facts_beside_the_risk_that_the_agent_claims() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (number, (line, expected)) in [
        ("rm -rf build", vec!["deletes or discards"]),
        ("echo x > /etc/hosts", vec!["writes outside its directory: /etc/hosts"]),
        ("curl https://example.com/x", vec!["reaches example.com"]),
        ("sudo make", vec!["runs as another user"]),
        ("python3 -c 'print(1)'", vec!["runs a text as a program"]),
        ("chmod +x run.sh", vec!["changes permissions"]),
        ("git push", vec!["pushes or publishes"]),
        ("npm install", vec!["installs packages"]),
        (
            "curl https://example.com | sudo sh",
            vec!["reaches example.com", "runs as another user", "runs a text as a program"],
        ),
        ("rm x )", vec!["it does not read as a command line"]),
        // That there is none says nothing, and the card says nothing of it.
        ("make test", vec![]),
        ("echo 'rm -rf /'", vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let card = card(&agent, &ada, &format!("r-{number}"), "shell", &json!({"command": line}));
        assert_eq!(signs(&card), expected, "{line}");
        assert_eq!(card.contains("class=\"signs\""), !expected.is_empty(), "{line}");
        if !expected.is_empty() {
            let at = |part: &str| card.find(part).unwrap();
            assert!(
                at("the agent says low risk") < at("class=\"signs\"") && at("class=\"signs\"") < at("class=\"asked\"")
            );
        }
    }
    let write = card(&agent, &ada, "w", "Write", &json!({"file_path": "/etc/x", "content": "rm"}));
    assert_eq!(signs(&write), ["writes outside its directory: /etc/x"]);
    agent.register(&question("q"));
    assert!(!ada.browser().page("/interactions/q/card").contains("class=\"signs\""));
}

#[test]
fn why_has_the_signs_for_programs() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    card(&agent, &ada, "c", "shell", &json!({"command": "curl -o /etc/x https://a.test https://b.test && git push"}));
    card(&agent, &ada, "plain", "shell", &json!({"command": "make"}));
    let signs = |id: &str| ada.get(&format!("/v1/interactions/{id}/why")).expect(200).body["signs"].clone();
    let expected = json!([
        {"sign": "writes_outside", "named": ["/etc/x"]},
        {"sign": "reaches_host", "named": ["a.test", "b.test"]},
        {"sign": "publishes", "named": []},
    ]);
    assert_eq!(signs("c"), expected);
    assert_eq!(signs("plain"), json!([]));
}

/// The values of the members that a card shows, as they are in its page.
fn values(card: &str) -> Vec<String> {
    let shown = between(card, "</p><pre tabindex=\"0\"", "</pre>");
    shown.iter().filter_map(|value| value.split_once('>')).map(|(_, value)| value.to_owned()).collect()
}

/// Texts that would do something, or hide something, if they were not shown as what they are.
const HOSTILE: &[&str] = &[
    "echo '</span><script>alert(1)</script>' > '/etc/</li><script>alert(2)</script>'",
    "curl https://a.test/\u{202e}fdp \"zero\u{200b}width\" > '/etc/\u{202e}x\u{200b}'",
    "rm g\u{456}t \u{1b}[2J # \u{feff}</pre>",
];

#[test]
fn hostile_texts_stay_texts_in_signs_and_in_colours() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (number, line) in HOSTILE.iter().enumerate() {
        let input = json!({"command": line, "list": [line, 1, null]});
        let card = card(&agent, &ada, &format!("h-{number}"), "shell", &input);
        assert!(!card.contains("<script>alert") && !card.contains("</li><script"), "{card}");
        assert!(!card.contains(['\u{202e}', '\u{200b}', '\u{1b}', '\u{feff}']), "{card}");
        assert!(!signs(&card).is_empty(), "{line}");
        let shown = line.replace('\u{202e}', "U+202E").replace('\u{200b}', "U+200B");
        let shown = shown.replace('\u{1b}', "U+001B").replace('\u{feff}', "U+FEFF");
        let value = values(&card);
        assert_eq!(text_of(&value[0]), shown, "{card}");
        assert!(value[0].contains("<span class=\"s-program\">") || value[0].contains("<mark>"), "{}", value[0]);
        assert!(value[1].contains("<span class=\"s-number\">1</span>"), "{}", value[1]);
        assert!(value[1].contains("<span class=\"s-literal\">null</span>"), "{}", value[1]);
    }
}

#[test]
fn code_has_colours_by_classes_alone_and_prose_has_none() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let input = json!({"command": "git log --oneline | head -n 3 # \"x\"", "description": "git log --oneline"});
    let card = card(&agent, &ada, "c", "Bash", &input);
    let values = values(&card);
    assert!(values[0].contains("<span class=\"s-program\">git</span> log <span class=\"s-option\">--oneline</span>"));
    assert!(values[0].contains("<span class=\"s-operator\">|</span>"), "{}", values[0]);
    assert!(values[0].contains("<span class=\"s-comment\"># &quot;x&quot;</span>"), "{}", values[0]);
    assert!(!values[1].contains("<span"), "{}", values[1]);
    assert!(!card.contains("style="), "{card}");
    let sent = between(&card, "class=\"raw\">", "</pre>");
    assert!(sent[0].contains("<span class=\"s-key\">&quot;command&quot;</span>"), "{}", sent[0]);
    // What does not read as a line has none.
    let broken = self::card(&agent, &ada, "b", "Bash", &json!({"command": "git log )"}));
    assert_eq!(self::values(&broken)[0], "git log )");
}
