//! What the lists are narrowed down by beside equal members: time, risk, resolver, and several statuses.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, TestServer, altered, confirmation, question};

#[track_caller]
fn ids(client: &Client, query: &str) -> String {
    let body = client.get(&format!("/v1/interactions?{query}")).expect(200).body;
    let ids = body["interactions"].as_array().unwrap().iter().map(|item| item["requestId"].as_str().unwrap());
    ids.collect::<Vec<_>>().join(" ")
}

/// Five interactions, a second apart from 00:00:00 on: of each risk, one that a rule approves, and a question.
fn varied() -> (TestServer, Client, String) {
    let server = TestServer::start();
    let (agent, ada, bea) = (server.agent("builder"), server.approver("ada"), server.approver("bea"));
    for risk in ["low", "medium", "high"] {
        agent.register(&altered(confirmation(risk), &json!({"confirmation": {"riskLevel": risk}})));
        server.advance(Duration::from_secs(1));
    }
    agent.register(&altered(question("open"), &json!({"conversationId": null})));
    server.advance(Duration::from_secs(1));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    let rule = ada.post("/v1/trust-rules", &rule).expect(201).body;
    agent.register(&confirmation("ruled"));
    ada.confirm("low", "allow").expect(200);
    bea.confirm("medium", "deny").expect(200);
    (server, ada, rule["trustRule"]["ruleId"].as_str().unwrap().to_owned())
}

#[test]
fn a_list_is_narrowed_down_by_time_risk_resolver_and_several_statuses() {
    let (_server, ada, rule) = varied();
    let by_rule = format!("by={rule}");
    for (query, shown) in [
        ("since=2030-01-01T00:00:02.000Z", "ruled open high"),
        ("since=2030-01-01T00:00:02.001Z", "ruled open"),
        ("until=2030-01-01T00:00:02.000Z", "medium low"),
        ("since=2030-01-01T00:00:01Z&until=2030-01-01T00:00:03Z", "high medium"),
        ("since=2030-01-01T02:00:01%2B02:00&until=2030-01-01T00:00:02Z", "medium"),
        ("since=2030-01-01T00:00:01Z&until=2030-01-01T00:00:01Z", ""),
        ("since=2031-01-01T00:00:00Z", ""),
        ("until=2029-01-01T00:00:00Z", ""),
        ("risk=low", "low"),
        ("risk=medium", "ruled medium"),
        ("risk=high", "high"),
        ("risk=high&status=pending", "high"),
        ("risk=high&kind=question", ""),
        ("by=ada", "low"),
        ("by=bea", "medium"),
        ("by=nobody", ""),
        (&by_rule, "ruled"),
        ("status=approved&status=rejected", "ruled medium low"),
        ("status=pending&status=rejected", "open high medium"),
        ("status=pending&since=2030-01-01T00:00:03Z", "open"),
        ("status=pending&by=ada", ""),
        ("idPrefix=l&since=2030-01-01T00:00:00Z&risk=low&by=ada", "low"),
        ("idPrefix=l&until=2030-01-01T00:00:00Z", ""),
    ] {
        assert_eq!(ids(&ada, query), shown, "{query}");
    }
}

#[test]
fn what_is_no_filter_is_refused_with_the_name_of_the_parameter() {
    let (_server, ada, _) = varied();
    for (query, field) in [
        ("since=yesterday", "since"),
        ("since=", "since"),
        ("until=2030-13-01T00:00:00Z", "until"),
        ("since=2030-01-01T00:00:01Z&until=2030-01-01T00:00:00Z", "until"),
        ("risk=extreme", "risk"),
        ("by=a%20b", "by"),
        ("status=approved&status=open", "status"),
        ("status=approved,rejected", "status"),
        ("status=", "status"),
        ("status=pending&status=approved&status=pending", "status"),
        ("risk=low&risk=high", "risk"),
    ] {
        let answer = ada.get(&format!("/v1/interactions?{query}"));
        assert_eq!(answer.refusal(), (400, "malformed_request"), "{query}");
        // Of a parameter that comes twice the sentence has the name.
        let named =
            answer.body["field"].as_str() == Some(field) || answer.body["error"].as_str().unwrap().contains(field);
        assert!(named, "{query}: {}", answer.body);
    }
    assert_eq!(ada.get("/v1/interactions?sinse=2030-01-01T00:00:00Z").refusal(), (400, "malformed_request"));
    assert_eq!(ada.get("/v1/interactions?status=pending&&x=1").refusal(), (400, "malformed_request"));
    let answer = ada.get("/v1/audit-events?since=2030-01-01T00:00:01Z&until=2030-01-01T00:00:00Z");
    assert_eq!((answer.refusal(), &answer.body["field"]), ((400, "malformed_request"), &json!("until")));
}

#[test]
fn pages_of_a_filter_hold_all_of_it_once() {
    let (_server, ada, _) = varied();
    for query in ["status=approved&status=rejected&status=pending", "since=2030-01-01T00:00:01Z", "risk=medium"] {
        let (mut found, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let at = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
            let body = ada.get(&format!("/v1/interactions?{query}&limit=1{at}")).expect(200).body;
            found.extend(body["interactions"].as_array().unwrap().iter().map(|item| item["requestId"].clone()));
            cursor = body["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let found: Vec<&str> = found.iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(found.join(" "), ids(&ada, query), "{query}");
    }
}

#[test]
fn the_history_is_narrowed_down_by_time() {
    let (_server, ada, _) = varied();
    let events = |query: &str| {
        let body = ada.get(&format!("/v1/audit-events?{query}")).expect(200).body;
        let events = body["auditEvents"].as_array().unwrap().clone();
        events.iter().map(|event| event["at"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = events("limit=500");
    for (since, until) in
        [("00:00:01.000", "00:00:02.000"), ("00:00:00.000", "00:00:04.000"), ("00:00:03.500", "00:01:00.000")]
    {
        let [since, until] = [since, until].map(|time| format!("2030-01-01T{time}Z"));
        let expected: Vec<String> = all.iter().filter(|at| **at >= since && **at < until).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < all.len());
        assert_eq!(events(&format!("limit=500&since={since}&until={until}")), expected);
    }
    assert_eq!(events("since=2030-01-01T00:00:01Z&until=2030-01-01T00:00:04Z&requestId=open").len(), 1);
    assert_eq!(events("until=2030-01-01T00:00:03Z&requestId=open").len(), 0);
}
