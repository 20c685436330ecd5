//! A database in which everything has happened, made by a real server.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use countersign::domain::enums::Role;
use countersign::domain::interaction::Deadline;
use countersign::domain::kinds::{Confirmation, Content};
use countersign::domain::tool_call::ToolCall;
use countersign::tokens;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::page::Browser;
use crate::harness::{
    Client, TestServer, altered, confirmation, countersign, create_token, origin, question, responses, secret, until,
};
use crate::notices::LOOPBACK;

/// The database, which no server uses, and what opens it.
pub(super) struct Rich {
    pub(super) db: PathBuf,
    pub(super) key: PathBuf,
    pub(super) builder: String,
    pub(super) ada: String,
    pub(super) revoked: String,
    /// In which ada is logged in.
    pub(super) browser: Browser,
    _folder: TempDir,
}

impl Rich {
    pub(super) fn new() -> Self {
        Self::with(0)
    }

    /// One with so many interactions that there are entries for agents that list their own, and signatures for searches.
    pub(super) fn large() -> Self {
        Self::with(400)
    }

    fn with(more: usize) -> Self {
        let server = TestServer::with(&LOOPBACK);
        let made = |name, role| create_token(&server.db(), &*server.clock, name, role);
        let (builder, ada, root) =
            (made("builder", Role::Agent), made("ada", Role::Approver), made("root", Role::Admin));
        let revoked = made("gone", Role::Approver);
        let [agent, person, admin] = [&builder, &ada, &root].map(|token| Client::new(&server.url, token));
        let browser = person.browser();
        channels(&person, &browser);
        person.post("/v1/views", &json!({"name": "risks 🔥", "query": "risk:high"})).expect(201);
        rules(&agent, &person);
        confirmations(&server, &agent, &person);
        secrets(&agent, &person);
        questions(&agent, &person);
        calls(&server, &agent);
        for number in 0..more {
            agent.register(&altered(elsewhere(&format!("more-{number}")), &json!({"conversationId": "more"})));
        }
        until(|| more == 0 || !server.sql("SELECT 1 FROM search_blocks").is_empty());
        for id in ["over", "once"] {
            admin.post(&format!("/v1/interactions/{id}/forget"), &json!({})).expect(200);
        }
        browser.submit("/interactions/waits-too/snooze", &[("minutes", "60")]).expect(303);
        let revoke =
            countersign().args(["token", "revoke", "--name", "gone", "--db"]).arg(server.db()).output().unwrap();
        assert!(revoke.status.success(), "{revoke:?}");
        Self::copied(&server, (builder, ada, revoked), browser)
    }

    /// A copy of what the server has, in which nothing changes by itself.
    fn copied(server: &TestServer, (builder, ada, revoked): (String, String, String), browser: Browser) -> Self {
        let folder = TempDir::new().unwrap();
        let db = folder.path().join("rich.db");
        let output = countersign().arg("backup").arg(&db).arg("--db").arg(server.db()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let key = folder.path().join("rich.db.key");
        fs::copy(server.db().with_extension("db.key"), &key).unwrap();
        Self { db, key, builder, ada, revoked, browser, _folder: folder }
    }
}

/// One that nothing can be sent to, one that is removed, and the key of browsers.
fn channels(person: &Client, browser: &Browser) {
    for name in ["hook", "removed"] {
        let channel = json!({"name": name, "kind": "webhook", "url": "http://127.0.0.1:9/"});
        let made = person.post("/v1/channels", &channel).expect(201).body;
        if name == "removed" {
            let id = made["channel"]["channelId"].as_str().or(made["channelId"].as_str()).unwrap().to_owned();
            assert!(person.delete(&format!("/v1/channels/{id}")).status < 300);
        }
    }
    browser.submit("/channels/push/key", &[]).expect(200);
}

/// One that stays, one that is used up, and one that is revoked.
fn rules(agent: &Client, person: &Client) {
    let rule = |pattern: &str, more: Value| {
        let rule = json!({"toolName": "shell", "pattern": pattern, "scope": "everywhere", "decision": "deny"});
        let made = person.post("/v1/trust-rules", &altered(rule, &more)).expect(201).body;
        made["trustRule"]["ruleId"].as_str().unwrap().to_owned()
    };
    rule("make clean", json!({"reason": "nobody cleans — «never» 🧹"}));
    rule("make once", json!({"maxUses": 1, "expiresInMs": 60_000, "decision": "allow"}));
    let revoked = rule("make never", json!({}));
    person.delete(&format!("/v1/trust-rules/{revoked}"));
    let once = json!({"confirmation": {"input": {"command": "make once"}}});
    assert_eq!(agent.register(&altered(confirmation("used-up"), &once))["status"], "approved");
}

fn confirmations(server: &TestServer, agent: &Client, person: &Client) {
    for id in ["over", "ran", "denied", "withdrawn", "cancelled", "waits", "waits-too"] {
        let more = json!({"conversationId": id, "expiresInMs": 86_400_000, "origin": origin(), "metadata": {"of": "mine", "n": 1},
            "confirmation": {"inputEditsAllowed": true, "riskLevel": "high"}});
        agent.register(&altered(confirmation(id), &more));
    }
    // To the letter: what PostgreSQL's JSON would take for wrong, or write in another way.
    let odd = r#"{"requestId":"odd","kind":"confirmation","conversationId":"odd","confirmation":{"toolName":"shell",
        "input":{ "command" : "echo \u0000 \ud834\udd1e 𝄞 \\ud800 \\u0000","n":9007199254740991,"x":1.50e+3,"z":-0.0,
        "b":"\u001b[31m\u202e\ufeff"}}}"#;
    agent.post_text("/v1/interactions", odd).expect(201);
    let allow = |id: &str, more: Value| {
        let body = altered(json!({"requestId": id, "decision": "allow", "acknowledged": ["high_risk"]}), &more);
        person.post("/v1/confirm", &body).expect(200);
    };
    allow("over", json!({"comment": "go on 🚀\n\t\"so\" \\ \u{7f}", "updatedInput": {"command": "make test"}}));
    allow("ran", json!({"comment": "𝄞", "selectedPattern": "make *", "selectedScope": "/repo"}));
    for id in ["over", "ran"] {
        let claim = json!({"claimId": format!("claim-{id}")});
        agent.post(&format!("/v1/interactions/{id}/claim"), &claim).expect(200);
        let outcome = altered(claim, &json!({"outcome": "failed", "detail": "there was no make 😢"}));
        agent.post(&format!("/v1/interactions/{id}/outcome"), &outcome).expect(200);
    }
    allow("withdrawn", json!({}));
    person.post("/v1/interactions/withdrawn/withdraw", &json!({})).expect(200);
    person.post("/v1/confirm", &json!({"requestId": "denied", "decision": "deny", "comment": "no"})).expect(200);
    agent.post("/v1/interactions/cancelled/cancel", &json!({})).expect(200);
    agent.register(&altered(elsewhere("late"), &json!({"expiresInMs": 1500, "conversationId": "late"})));
    agent.register(&altered(elsewhere("replaced"), &json!({"conversationId": "replaced"})));
    agent.post("/v1/conversations/replaced/supersede", &json!({})).expect(200);
    server.advance(Duration::from_millis(1500));
    assert_eq!(agent.look("late")["status"], "expired");
}

/// A confirmation that no rule decides.
pub(super) fn elsewhere(id: &str) -> Value {
    altered(confirmation(id), &json!({"confirmation": {"workingDir": "/elsewhere"}}))
}

fn secrets(agent: &Client, person: &Client) {
    for (id, delivery) in [("kept", "store"), ("once", "transient_send"), ("wiped", "store")] {
        agent.register(&secret(id));
        let value = json!({"requestId": id, "value": "hunter2", "delivery": delivery});
        person.post("/v1/secret", &value).expect(200);
        agent.post(&format!("/v1/interactions/{id}/secret"), &json!({"takeId": "first"})).expect(200);
    }
    person.delete("/v1/interactions/wiped/secret").expect(200);
    agent.register(&secret("asked-for"));
}

fn questions(agent: &Client, person: &Client) {
    agent.register(&question("q"));
    person.post("/v1/question-response", &json!({"requestId": "q", "responses": responses()})).expect(200);
    agent.register(&question("q-waits"));
}

/// A call of a client's tool, and one that asks the same and goes by it.
fn calls(server: &TestServer, agent: &Client) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token_sha256 = tokens::digest(agent.token.as_deref().unwrap());
    let by = runtime.block_on(server.service.authenticate(&token_sha256)).unwrap().unwrap();
    let input = serde_json::from_value(json!({"command": "make calls"})).unwrap();
    let content = Content::Confirmation(Box::new(Confirmation::new("Bash".parse().unwrap(), input)));
    for number in ["1", "2"] {
        let call = ToolCall {
            client: "claude-code",
            session: Some("s".to_owned()),
            call_id: Some(number.to_owned()),
            try_id: Some(format!("try-{number}").parse().unwrap()),
            content: content.clone().accept().unwrap(),
            deadline: Deadline::Default,
            metadata: None,
            origin: None,
            traceparent: None,
        };
        runtime.block_on(server.service.begin_tool_call(&by, call)).unwrap().unwrap();
    }
}
