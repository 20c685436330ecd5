//! `countersign why`: why a person is asked, in sentences, and for programs as the API says it.

use serde_json::json;

use super::{complains, fixture, json_of, says};
use crate::harness::{altered, confirmation, question};

#[test]
fn it_is_said_in_sentences_and_for_programs_as_the_api_does() {
    let (_server, agent, ada) = fixture();
    let rule = json!({"toolName": "shell", "pattern": "make test", "scope": "everywhere", "decision": "allow"});
    let made = ada.post("/v1/trust-rules", &rule).expect(201).body;
    let id = made["trustRule"]["ruleId"].as_str().unwrap();
    agent.register(&confirmation("deploy-42"));
    assert_eq!(
        says(&ada, &["why", "dep"]),
        format!(
            "A person is asked: no rule covers all of it.\n\
             The rule {id} (allow): `deploy` stands where the pattern says `test`.\n"
        )
    );
    let said = ada.get("/v1/interactions/deploy-42/why").expect(200).body;
    assert_eq!(json_of(&ada, &["why", "dep", "--json"]), said);
    let hidden = json!({"confirmation": {"input": {"command": "make \u{1b}[2Jx"}}});
    agent.register(&altered(confirmation("hidden"), &hidden));
    assert!(!says(&ada, &["why", "hidden"]).contains('\u{1b}'));
}

#[test]
fn what_has_no_rules_says_so() {
    let (_server, agent, ada) = fixture();
    agent.register(&question("q"));
    agent.register(&confirmation("done"));
    agent.register(&confirmation("done-2"));
    ada.confirm("done-2", "allow").expect(200);
    assert!(complains(1, &ada, &["why", "q"]).contains("is a question"));
    assert!(complains(1, &ada, &["why", "done-2"]).contains("already approved"));
    assert_eq!(says(&ada, &["why", "--exact", "done"]), "A person is asked: no rule speaks of the tool `shell`.\n");
    assert!(complains(1, &agent, &["why", "--exact", "done"]).contains("role agent"));
}

#[test]
fn the_card_names_plain_facts_beside_the_risk_that_is_claimed() {
    let (_server, agent, ada) = fixture();
    let line = "sudo rm -r x && curl https://example.com > '/etc/\u{202e}x'";
    agent.register(&altered(confirmation("c"), &json!({"confirmation": {"input": {"command": line}}})));
    let shown = says(&ada, &["show", "c"]);
    let lines = shown.lines().map(str::trim).collect::<Vec<_>>();
    let at = lines.iter().position(|line| line.starts_with("risk")).unwrap();
    assert_eq!(
        lines[at + 1..at + 5],
        [
            "seen in it  deletes or discards",
            "writes outside its directory: /etc/⟨U+202E⟩x",
            "reaches example.com",
            "runs as another user",
        ]
    );
    agent.register(&confirmation("plain"));
    assert!(!says(&ada, &["show", "plain"]).contains("seen in it"));
}
