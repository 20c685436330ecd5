//! `origin`: where an agent says that it comes from.

use serde_json::json;

use crate::harness::page::text_of;
use crate::harness::{KINDS, TestServer, altered, confirmation, origin};

#[test]
fn every_kind_shows_where_its_agent_says_that_it_comes_from() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (id, body) in KINDS.iter().map(|kind| (kind.id, (kind.registration)(kind.id))) {
        let told = altered(body.clone(), &json!({"origin": origin()}));
        assert_eq!(agent.register(&told)["origin"], origin());
        assert_eq!(ada.look(id)["origin"], origin());
        // Where it comes from is no part of what is asked.
        for other in [json!({"origin": {"branch": "other"}}), json!({"origin": null}), json!({"origin": {}})] {
            let again = agent.post("/v1/interactions", &altered(told.clone(), &other)).expect(200).body;
            assert_eq!(again["origin"], origin(), "the first stands");
        }
        agent.post("/v1/interactions", &body).expect(200);
        let page = ada.browser().page("/");
        assert!(page.contains("claims repository") && text_of(&page).contains("Fix <the> till"), "{page}");
        assert!(ada.browser().page(&format!("/interactions/{id}")).contains("The agent claims its branch"));
    }
    agent.register(&confirmation("none"));
    assert_eq!(agent.look("none").get("origin"), None);
}

#[test]
fn each_member_has_256_bytes_at_most_and_no_other_name() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for member in ["client", "sessionId", "repository", "branch", "workingDir", "host", "model", "title"] {
        let with = |text: String| altered(confirmation(member), &json!({"origin": {member: text}}));
        for long in ["x".repeat(257), "é".repeat(129)] {
            let refused = server.unchanged(|| agent.post("/v1/interactions", &with(long)));
            assert_eq!(refused.refusal(), (400, "malformed_request"), "{member}");
        }
        agent.register(&with("é".repeat(128)));
    }
    for bad in [json!({"repo": "x"}), json!({"client": 7}), json!(["x"]), json!("x")] {
        let refused = agent.post("/v1/interactions", &altered(confirmation("bad"), &json!({"origin": bad})));
        assert_eq!(refused.refusal(), (400, "malformed_request"), "{bad}");
    }
}

#[test]
fn the_same_use_of_a_tool_from_elsewhere_is_the_same_use() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    let mut hook =
        altered(confirmation("none"), &json!({"confirmation": {"toolUseId": "toolu_1"}, "origin": origin()}));
    hook.as_object_mut().unwrap().remove("requestId");
    let watcher = altered(hook.clone(), &json!({"origin": {"client": "watcher"}}));
    let id = agent.register(&hook)["requestId"].clone();
    assert_eq!(agent.post("/v1/interactions", &watcher).expect(200).body["requestId"], id);
}
