//! Every field of a query, alone and together, over REST.

use std::time::Duration;

use serde_json::json;

use super::{command, encoded, found, started};
use crate::harness::{Client, TestServer, altered, confirmation, question, secret};

/// Of each agent, kind, risk and outcome one, a second apart from 00:00:00 on.
fn varied() -> (TestServer, Client) {
    let (server, claude, ada) = started();
    let (codex, bea) = (server.agent("codex_1"), server.approver("bea"));
    for risk in ["low", "medium", "high"] {
        let asked = json!({"conversationId": "release-2.4.1", "confirmation": {"riskLevel": risk, "toolName": "Bash"}});
        claude.register(&altered(confirmation(risk), &asked));
        server.advance(Duration::from_secs(1));
    }
    codex.register(&altered(question("open"), &json!({"conversationId": "Release-3"})));
    server.advance(Duration::from_secs(1));
    codex.register(&altered(secret("asked"), &json!({"conversationId": null})));
    server.advance(Duration::from_secs(1));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    codex.register(&confirmation("ruled"));
    ada.confirm("low", "allow").expect(200);
    bea.confirm("medium", "deny").expect(200);
    claude.post_nothing("/v1/interactions/high/cancel").expect(200);
    (server, ada)
}

#[test]
fn each_field_finds_what_it_says_alone_negated_and_together() {
    let (server, ada) = varied();
    let rule = server.sql("SELECT rule_id FROM trust_rules")[0][0].as_str().unwrap().to_owned();
    let all = "ruled asked open high medium low";
    for (query, expected) in [
        ("", all),
        ("agent:claude", "high medium low"),
        ("agent:CLAUDE-*", "high medium low"),
        ("agent:\"claude\"", ""),
        ("agent:\"Claude-CI\"", "high medium low"),
        ("-agent:claude", "ruled asked open"),
        ("agent:codex%", ""),
        ("agent:codex_", "ruled asked open"),
        ("agent:claude_", ""),
        ("tool:bash", "high medium low"),
        ("tool:b tool:SHELL", "ruled high medium low"),
        ("-tool:bash", "ruled asked open"),
        ("in:release", "open high medium low"),
        ("in:RELEASE-2.4", "high medium low"),
        ("in:\"release-3\"", "open"),
        ("-in:release", "ruled asked"),
        ("id:m", "medium"),
        ("id:\"m\"", ""),
        ("is:pending", "asked open"),
        ("is:open", "asked open"),
        ("is:decided", "ruled medium low"),
        ("is:approved is:rejected", "ruled medium low"),
        ("-is:pending -is:cancelled", "ruled medium low"),
        ("is:pending is:cancelled", "asked open high"),
        ("kind:secret", "asked"),
        ("kind:secret kind:question", "asked open"),
        ("-kind:confirmation", "asked open"),
        ("risk:high", "high"),
        ("risk:low risk:high", "high low"),
        ("-risk:high", "ruled asked open medium low"),
        ("by:ada", "low"),
        ("by:A", "low"),
        ("by:bea by:ada", "medium low"),
        ("-by:ada", "ruled asked open high medium"),
        ("by:claude-ci", "high"),
        ("rule:any", "ruled"),
        ("rule:none", "asked open high medium low"),
        ("-rule:none", "ruled"),
        (&format!("rule:{rule}"), "ruled"),
        (&format!("rule:{}", &rule[..13].to_uppercase()), "ruled"),
        (&format!("-rule:\"{rule}\""), "asked open high medium low"),
        (&format!("rule:other rule:\"{rule}\""), "ruled"),
        (&format!("-rule:other -rule:\"{rule}\""), "asked open high medium low"),
        (&format!("rule:none rule:{rule}"), all),
        (&format!("rule:any -rule:{rule}"), ""),
        ("-rule:other -rule:none", "ruled"),
        ("-tool:bash -tool:shell", "asked open"),
        ("-agent:codex -agent:claude", ""),
        ("rule:\"none\"", ""),
        ("since:3s", "ruled asked open high"),
        ("since:2030-01-01T00:00:04Z", "ruled asked"),
        ("until:2030-01-01T00:00:01Z", "low"),
        ("since:2030-01-01T00:00:01Z until:2s", "high medium"),
        ("since:2031-01-01", ""),
        ("expires:2029-12-31", ""),
        ("expires:2031-01-01", all),
        ("since:2029-12-31 until:2030-01-02", all),
        ("agent:claude risk:high is:cancelled rule:none since:2h", "high"),
        ("agent:claude -tool:bash", ""),
    ] {
        assert_eq!(found(&ada, query), expected, "{query}");
    }
}

#[test]
fn a_deadline_is_found_by_how_far_ahead_it_is() {
    let (server, agent, ada) = started();
    for (id, millis) in [("later", 7_200_000), ("soon", 1_800_000)] {
        agent.register(&altered(confirmation(id), &json!({"expiresInMs": millis})));
    }
    for (query, expected) in [
        ("expires:10m", ""),
        ("expires:1h", "soon"),
        ("expires:2030-01-01T00:30:00Z", ""),
        ("expires:2030-01-01T00:30:00.001Z", "soon"),
        ("expires:3h is:open", "soon later"),
        ("expires:4000w", "soon later"),
        ("expires:1h & expires:3h", "soon"),
        ("expires:1h -tool:shell", ""),
    ] {
        assert_eq!(found(&ada, query), expected, "{query}");
    }
    server.advance(Duration::from_secs(6_000));
    assert_eq!(found(&ada, "expires:1h is:open"), "later");
    assert_eq!(found(&ada, "expires:1h is:expired"), "soon");
}

#[test]
fn a_query_narrows_down_what_the_other_parameters_say() {
    let (_server, ada) = varied();
    for (rest, expected) in [
        ("status=approved&q=agent%3Acodex", "ruled"),
        ("kind=confirmation&q=-risk%3Ahigh", "ruled medium low"),
        ("since=2030-01-01T00:00:02Z&q=until%3A2030-01-01T00%3A00%3A03Z", "high"),
        ("since=2030-01-01T00:00:02Z&q=since%3A2030-01-01", "ruled asked open high"),
        ("status=pending&q=is%3Aapproved", ""),
        ("idPrefix=m&q=tool%3Abash", "medium"),
        ("by=ada&q=make", "low"),
    ] {
        let body = ada.get(&format!("/v1/interactions?{rest}")).expect(200).body;
        assert_eq!(super::ids_of(&body).join(" "), expected, "{rest}");
    }
}

#[test]
fn what_is_no_query_is_refused_with_a_sentence_that_names_it() {
    let (_server, ada) = varied();
    for (query, named) in [
        ("status:pending", "status:"),
        ("is:done", "is:done"),
        ("for:ada", "for:ada"),
        ("\"open", "closing"),
        ("since:yesterday", "since:yesterday"),
        ("a\u{0}b", "control"),
        (&"x".repeat(1_001), "1000"),
        (&"x ".repeat(500), ""),
        (&(0..33).map(|at| format!("w{at} ")).collect::<String>(), "32"),
    ] {
        let answer = ada.get(&format!("/v1/interactions?q={}", encoded(query)));
        if named.is_empty() {
            answer.expect(200);
            continue;
        }
        assert_eq!((answer.refusal(), &answer.body["field"]), ((400, "malformed_request"), &json!("q")), "{query}");
        assert!(answer.body["error"].as_str().unwrap().contains(named), "{query}: {}", answer.body);
    }
    for twice in ["q=a&q=b", "Q=a"] {
        assert_eq!(ada.get(&format!("/v1/interactions?{twice}")).refusal().0, 400, "{twice}");
    }
}

#[test]
fn an_agent_finds_its_own_alone() {
    let (server, claude, _ada) = started();
    let other = server.agent("other");
    command(&claude, "mine", "make all");
    command(&other, "theirs", "make all");
    assert_eq!(found(&claude, "make"), "mine");
    assert_eq!(found(&claude, "agent:other"), "");
    assert_eq!(found(&claude, "id:theirs"), "");
    assert_eq!(found(&other, "all -agent:claude-ci"), "theirs");
}

#[test]
fn an_agent_finds_rules_by_their_ids_and_not_by_what_they_are_called() {
    let (_server, agent, ada) = started();
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let id = ada.post("/v1/trust-rules", &rule).expect(201).body["trustRule"]["ruleId"].as_str().unwrap().to_owned();
    command(&agent, "ruled", "make all");
    assert_eq!(found(&ada, "-rule:other"), "ruled");
    // Whatever it is called, nothing tells.
    for query in ["rule:other", "-rule:other", "rule:\"other\""] {
        assert_eq!(found(&agent, query), "", "{query}");
    }
    assert_eq!(found(&agent, &format!("rule:{id}")), "ruled");
}
