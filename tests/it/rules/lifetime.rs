//! What rules decide together, what each of them is counted for, and what ends them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{bare, command, made_id, rule, status, uses, with};
use crate::harness::{TestServer, altered};

/// Which rules a decision names, in its resolution.
fn named(interaction: &Value) -> Value {
    interaction["resolution"]["trustRules"].clone()
}

fn first_revisions(rule_ids: &[&String]) -> Value {
    rule_ids.iter().map(|rule_id| json!({"ruleId": rule_id, "revision": 1})).collect()
}

#[test]
fn rules_that_allow_a_line_together_are_all_named_and_count_one_use_each() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let npm = made_id(&ada, &rule("allow", "npm run *"));
    let git = made_id(&ada, &rule("allow", "git status *"));
    let idle = made_id(&ada, &rule("allow", "git log *"));
    server.advance(Duration::from_secs(5));
    let line = "git status && npm run a; npm run b | npm run c";
    let shown = agent.register(&command("c", line));
    assert_eq!(shown["status"], "approved");
    assert_eq!(named(&shown), first_revisions(&[&git, &npm]), "in the order of the line");
    assert_eq!(shown["resolution"]["resolvedBy"], json!({"trustRule": git}));
    assert_eq!(agent.look("c"), shown);
    assert_eq!([&npm, &git, &idle].map(|id| uses(&ada, id)), [json!(1), json!(1), json!(0)]);
    let at = json!("2030-01-01T00:00:05.000Z");
    assert_eq!(
        server.sql("SELECT rule_id, use_count, last_used_at FROM v_trust_rules"),
        [[json!(idle), json!(0), Value::Null], [json!(git), json!(1), at.clone()], [json!(npm), json!(1), at.clone()]]
    );
    let events = ada.get("/v1/audit-events?requestId=c").expect(200).body;
    let approved = &events["auditEvents"][0];
    assert_eq!((&approved["event"], &approved["ruleId"]), (&json!("interaction.approved"), &json!(git)));
    assert_eq!(approved["detail"]["trustRules"], first_revisions(&[&git, &npm]));
    let hit = |id: &str, pattern: &str| vec![json!(id), json!(1), json!(pattern), json!("c"), json!(line), at.clone()];
    assert_eq!(
        server.sql("SELECT rule_id, revision, pattern, request_id, subject, hit_at FROM v_rule_hits"),
        [hit(&git, "git status *"), hit(&npm, "npm run *")]
    );
}

/// Else a rule with one use left would pass two lines, or one that passes nothing would cost the others their uses.
#[test]
fn a_line_passes_only_while_each_of_its_rules_has_uses_left_and_costs_none_where_it_waits() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let git = made_id(&ada, &rule("allow", "git status *"));
    let npm = made_id(&ada, &with(&rule("allow", "npm run *"), &json!({"maxUses": 1})));
    assert_eq!(status(&agent, &command("c1", "git status && npm run a && npm run b")), "approved");
    assert_eq!(status(&agent, &command("c2", "git status && npm run a")), "pending");
    assert_eq!([&git, &npm].map(|id| uses(&ada, id)), [json!(1), json!(1)]);
    assert_eq!(ada.get(&format!("/v1/trust-rules/{npm}")).body["status"], "exhausted");
    assert_eq!(server.history("c1").len(), 3, "registered, exhausted, approved");
    assert_eq!(status(&agent, &command("c3", "git status")), "approved");
}

#[test]
fn a_line_with_a_command_that_no_rule_covers_waits_and_uses_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let git = made_id(&ada, &rule("allow", "git status *"));
    for (number, line) in
        ["git status && make", "make; git status", "git status $(make)", "git status\nmake"].iter().enumerate()
    {
        assert_eq!(status(&agent, &command(&format!("c{number}"), line)), "pending", "{line}");
    }
    assert_eq!(uses(&ada, &git), 0);
    assert_eq!(server.count("v_rule_hits"), 0);
}

#[test]
fn each_rule_of_a_line_needs_its_own_word_on_high_risk() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let high =
        |id: &str| altered(command(id, "git status && npm test"), &json!({"confirmation": {"riskLevel": "high"}}));
    made_id(&ada, &with(&rule("allow", "git status"), &json!({"allowHighRisk": true})));
    let npm = made_id(&ada, &rule("allow", "npm test"));
    assert_eq!(status(&agent, &high("c1")), "pending");
    ada.delete(&format!("/v1/trust-rules/{npm}")).expect(200);
    made_id(&ada, &with(&rule("allow", "npm test"), &json!({"allowHighRisk": true})));
    assert_eq!(status(&agent, &high("c2")), "approved");
}

/// What is denied is denied wherever in a line it hides, and however wide the door beside it is.
#[test]
fn a_rule_that_denies_one_command_denies_every_line_that_runs_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let deny = made_id(&ada, &rule("deny", "git push *"));
    let lines = [
        "git push",
        "git status && git push -f",
        "sudo git push",
        "sh -c 'git push'",
        "ls $(git push)",
        "/usr/bin/git push x",
    ];
    for (number, line) in lines.iter().enumerate() {
        // To the letter: nothing allows more surely.
        made_id(&ada, &rule("allow", line));
        let shown = agent.register(&command(&format!("c{number}"), line));
        assert_eq!((&shown["status"], named(&shown)), (&json!("rejected"), first_revisions(&[&deny])), "{line}");
    }
    assert_eq!(uses(&ada, &deny), lines.len());
    assert_eq!(server.count("v_rule_hits WHERE decision = 'allow'"), 0);
}

/// A command that is given as a list of words is the same command.
#[test]
fn a_rule_that_denies_a_command_denies_it_as_a_list_of_words_too() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &rule("deny", "git push *"));
    for (number, words) in [json!(["git", "push"]), json!(["sh", "-c", "git push"])].iter().enumerate() {
        let asked = bare(&format!("c{number}"), &json!({"command": words}));
        made_id(&ada, &rule("allow", &json!({"command": words}).to_string()));
        assert_eq!(status(&agent, &asked), "rejected", "{words}");
    }
}

/// What could be denied is neither denied nor allowed: a person looks at it.
#[test]
fn what_a_rule_may_deny_or_ask_about_is_left_to_a_person_though_another_allows_it() {
    let lines = ["git -C /x push origin", "git $WORD", "$WORD push"];
    for decision in ["deny", "ask"] {
        let server = TestServer::start();
        let (agent, ada) = (server.agent("builder"), server.approver("ada"));
        for line in lines {
            made_id(&ada, &rule("allow", line));
        }
        let cautious = made_id(&ada, &rule(decision, "git push *"));
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(status(&agent, &command(&format!("c{number}"), line)), "pending", "{line}");
        }
        assert_eq!(uses(&ada, &cautious), 0, "nothing was decided");
        ada.delete(&format!("/v1/trust-rules/{cautious}")).expect(200);
        for (number, line) in lines.iter().enumerate() {
            assert_eq!(status(&agent, &command(&format!("d{number}"), line)), "approved", "{line}");
        }
    }
}

#[test]
fn a_rule_that_denies_ends_as_any_other_and_then_denies_nothing() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &rule("allow", "git push *"));
    let ask = |id: &str| status(&agent, &command(id, "git push"));
    made_id(&ada, &with(&rule("deny", "git push *"), &json!({"maxUses": 2})));
    assert_eq!(["c1", "c2", "c3"].map(ask), ["rejected", "rejected", "approved"]);
    made_id(&ada, &with(&rule("deny", "git push *"), &json!({"expiresInMs": 1000})));
    assert_eq!(ask("c4"), "rejected");
    server.advance(Duration::from_secs(1));
    assert_eq!(ask("c5"), "approved");
    let revoked = made_id(&ada, &rule("deny", "git push *"));
    assert_eq!(ask("c6"), "rejected");
    ada.delete(&format!("/v1/trust-rules/{revoked}")).expect(200);
    assert_eq!(ask("c7"), "approved");
}

/// The time of a rule that stands in memory is over when the clock says so, whether or not it was swept.
#[test]
fn a_rule_whose_time_is_over_decides_nothing_even_before_a_sweep() {
    let server = TestServer::without_sweeper();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    made_id(&ada, &with(&rule("allow", "git status *"), &json!({"expiresInMs": 1000})));
    server.advance(Duration::from_millis(999));
    assert_eq!(status(&agent, &command("before", "git status")), "approved");
    server.advance(Duration::from_millis(1));
    assert_eq!(status(&agent, &command("after", "git status")), "pending");
}

/// What stands is counted in the file, not in the memory of one process.
#[test]
fn uses_go_on_where_they_were_after_a_restart() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let id = made_id(&ada, &with(&rule("allow", "git status *"), &json!({"maxUses": 3})));
    assert_eq!(status(&agent, &command("c1", "git status")), "approved");
    let tokens = [agent, ada].map(|client| client.token.unwrap());
    let server = server.restart(&[]);
    let [agent, ada] = tokens.map(|token| crate::harness::Client::new(&server.url, &token));
    let decided = ["c2", "c3", "c4"].map(|request| status(&agent, &command(request, "git status")));
    assert_eq!(decided, ["approved", "approved", "pending"]);
    assert_eq!(uses(&ada, &id), 3);
}
