//! What is said on one server holds on the other at once: a rule, the end of a token, and the uses that a rule has.

use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::harness::{Act, Client, countersign, race};
use crate::run::Run;

pub(super) fn kept(run: &Run) -> Vec<(&'static str, String)> {
    let (rules, tokens, uses) = (run.amount(10, 200), run.amount(3, 40), run.amount(2, 40));
    let cluster = Cluster::new("up");
    let url = Cluster::url(&[cluster.primary().display().to_string()]);
    let servers = [0, 1].map(|at| cluster.servers.serve(&url, &format!("head-{at}")));
    let (agent, approver) = (Cluster::token(&url, "builder", "agent"), Cluster::token(&url, "ada", "approver"));
    let here = [&agent, &approver].map(|token| Client::new(&servers[0].url, token));
    let there = [&agent, &approver].map(|token| Client::new(&servers[1].url, token));

    for number in 0..rules {
        let tool = format!("denied-{number}");
        let asked =
            |half: usize| there[0].post("/v1/interactions", &asking(&format!("{tool}-{half}"), &tool)).expect(201).body;
        let made = json!({"toolName": tool, "pattern": "make *", "scope": "everywhere", "decision": "deny"});
        // Some ask while the rule is made: what becomes of them is open.
        race([
            Box::new(|| drop(here[1].post("/v1/trust-rules", &made).expect(201))) as Act<'_, ()>,
            Box::new(|| (0..4).for_each(|half| drop(asked(half)))),
        ]);
        let after = asked(4);
        assert_eq!(after["status"], "rejected", "the rule was made before: {after}");
    }
    for number in 0..uses {
        let tool = format!("used-{number}");
        let made = json!({
            "toolName": tool, "pattern": "make *", "scope": "everywhere", "decision": "allow", "maxUses": 3
        });
        here[1].post("/v1/trust-rules", &made).expect(201);
        let acts = (0..8_usize).map(|at| -> Act<'_, Value> {
            let (client, tool) = (if at % 2 == 0 { &here[0] } else { &there[0] }, &tool);
            Box::new(move || client.post("/v1/interactions", &asking(&format!("{tool}-{at}"), tool)).expect(201).body)
        });
        let allowed = race(acts).iter().filter(|body| body["status"] == "approved").count();
        assert_eq!(allowed, 3, "a rule with three uses");
    }
    for number in 0..tokens {
        let name = format!("gone-{number}");
        let client = Client::new(&servers[1].url, &Cluster::token(&url, &name, "agent"));
        client.register(&asking(&format!("{name}-before"), "shell"));
        let revoked = countersign().args(["token", "revoke", "--name", &name, "--db", &url]).output().unwrap();
        assert!(revoked.status.success(), "{revoked:?}");
        let refused = client.post("/v1/interactions", &asking(&format!("{name}-after"), "shell"));
        assert_eq!(refused.status, 401, "the token was revoked before: {refused:?}");
    }
    drop(servers);
    vec![
        ("rules that held on the other server at once", rules.to_string()),
        ("rules with three uses, used on both", uses.to_string()),
        ("tokens whose end held on the other server at once", tokens.to_string()),
    ]
}

fn asking(request_id: &str, tool: &str) -> Value {
    let asked = json!({"toolName": tool, "input": {"command": "make deploy"}, "workingDir": "/repo"});
    json!({"requestId": request_id, "kind": "confirmation", "confirmation": asked})
}
