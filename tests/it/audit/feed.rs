//! `GET /v1/events`: what has happened comes through, each event once, in order, also across an end of the connection.

use serde_json::json;

use crate::harness::{Client, TestServer, confirmation, countersign};

#[test]
fn an_event_comes_through_as_the_history_has_it_once_it_has_happened() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("before"));
    let mut feed = ada.feed(None);
    agent.register(&confirmation("c"));
    ada.confirm("c", "allow").expect(200);
    let messages = [feed.next().unwrap(), feed.next().unwrap()];
    let listed = ada.get("/v1/audit-events?requestId=c").expect(200).body["auditEvents"].clone();
    assert_eq!(json!([messages[1].data, messages[0].data]), listed, "only what came after the beginning");
    for message in &messages {
        assert_eq!((&message.data["seq"], &message.data["event"]), (&json!(message.id), &json!(message.event)));
    }
}

#[test]
fn the_last_id_resumes_exactly_after_it_also_across_a_restart() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut feed = ada.feed(None);
    agent.register(&confirmation("c1"));
    let last = feed.next().unwrap();
    assert_eq!(last.event, "interaction.registered");
    drop(feed);
    agent.register(&confirmation("c2"));
    let mut expected = vec![(last.id + 1, "interaction.registered".to_owned())];
    assert_eq!(ada.feed(Some(last.id)).take(1), expected);
    let server = server.restart(&[]);
    let [agent, ada] = [agent, ada].map(|client| Client::new(&server.url, client.token.as_deref().unwrap()));
    let mut feed = ada.feed(Some(last.id));
    assert_eq!(feed.take(1), expected);
    ada.confirm("c2", "deny").expect(200);
    expected = vec![(last.id + 2, "interaction.rejected".to_owned())];
    assert_eq!(feed.take(1), expected, "and goes on live");
    agent.register(&confirmation("c3"));
    assert_eq!(feed.take(1), [(last.id + 3, "interaction.registered".to_owned())]);
    assert_eq!(ada.feed(Some(0)).take(4).len(), 4, "from the very beginning");
}

/// More than any page that is read at once, from many writers.
#[test]
fn nothing_is_left_out_or_doubled_while_much_happens_at_once() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let agents = ["a", "b", "c", "d"].map(|name| (name, server.agent(name)));
    let last = server.sql("SELECT max(seq) FROM audit_events")[0][0].as_i64().unwrap();
    let mut feed = ada.feed(None);
    let writers = agents.map(|(name, agent)| {
        std::thread::spawn(move || {
            for number in 0..100 {
                agent.register(&confirmation(&format!("{name}{number}")));
            }
        })
    });
    let ids: Vec<i64> = feed.take(400).into_iter().map(|(id, _)| id).collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(ids, (last + 1..=last + 400).collect::<Vec<_>>());
}

#[test]
fn an_agent_is_fed_its_own_alone() {
    let server = TestServer::start();
    let (agent, other, ada) = (server.agent("builder"), server.agent("other"), server.approver("ada"));
    let (mut feed, mut from_the_start) = (agent.feed(None), agent.feed(Some(0)));
    other.register(&confirmation("theirs"));
    ada.confirm("theirs", "allow").expect(200);
    agent.register(&confirmation("mine"));
    ada.confirm("mine", "allow").expect(200);
    for feed in [&mut feed, &mut from_the_start] {
        for event in ["interaction.registered", "interaction.approved"] {
            let message = feed.next().unwrap();
            assert_eq!((message.event.as_str(), &message.data["requestId"]), (event, &json!("mine")));
        }
    }
}

#[test]
fn a_last_id_that_is_none_is_refused() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    for id in ["x", "-1", "1.5", ""] {
        let answer = ada.try_send("GET", "/v1/events", &[("last-event-id", id)], None).unwrap();
        assert_eq!(answer.refusal(), (400, "malformed_request"), "{id:?}");
    }
    assert_eq!(server.anonymous().get("/v1/events").refusal(), (401, "unauthenticated"));
}

#[test]
fn a_feed_ends_with_its_token() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut feed = ada.feed(None);
    let revoke = countersign().args(["token", "revoke", "--name", "ada", "--db"]).arg(server.db()).output().unwrap();
    assert!(revoke.status.success(), "{revoke:?}");
    agent.register(&confirmation("c"));
    assert!(feed.next().is_none());
}
