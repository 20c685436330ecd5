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

#[test]
fn a_last_id_beyond_the_newest_event_is_told_of_and_goes_on_from_there() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("before"));
    let newest = server.sql("SELECT max(seq) FROM audit_events")[0][0].as_i64().unwrap();
    for client in [&agent, &ada] {
        let mut feed = client.feed(Some(newest + 1_000_000));
        let told = feed.next().unwrap();
        assert_eq!((told.id, told.event.as_str(), &told.data), (newest, "reset", &json!({"lastEventId": newest})));
    }
    let mut feeds = [&agent, &ada].map(|client| client.feed(Some(newest + 7)));
    agent.register(&confirmation("after"));
    for feed in &mut feeds {
        assert_eq!(feed.take(2)[1], (newest + 1, "interaction.registered".to_owned()));
    }
    // The newest one itself is nothing to be told of.
    let mut feed = agent.feed(Some(newest));
    assert_eq!(feed.take(1), [(newest + 1, "interaction.registered".to_owned())]);
}

#[test]
fn an_agents_own_events_are_found_without_a_look_at_those_of_others() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    agent.register(&confirmation("mine"));
    for number in 0..300 {
        other.register(&confirmation(&format!("theirs-{number}")));
    }
    agent.post_nothing("/v1/interactions/mine/cancel").expect(200);
    let mut feed = agent.feed(Some(0));
    let events: Vec<String> = feed.take(2).into_iter().map(|(_, event)| event).collect();
    assert_eq!(events, ["interaction.registered", "interaction.cancelled"]);
    let page = agent.get("/v1/audit-events").expect(200).body;
    assert_eq!((page["auditEvents"].as_array().unwrap().len(), &page["nextCursor"]), (2, &json!(null)));
    let plan = server.sql(
        "EXPLAIN QUERY PLAN SELECT seq FROM own_events CROSS JOIN audit_events ON seq = event_seq \
         WHERE owner = 'builder' AND event_seq > 0 ORDER BY event_seq LIMIT 200",
    );
    let steps: Vec<&str> = plan.iter().map(|step| step[3].as_str().unwrap()).collect();
    assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
}

/// `own_events` is written for many events at once: what is newer is found all the same, in its place.
#[test]
fn an_agents_own_events_are_found_whether_or_not_they_are_entered_yet() {
    let server = TestServer::start();
    let (agent, other) = (server.agent("builder"), server.agent("other"));
    for number in 0..100 {
        agent.register(&confirmation(&format!("mine-{number}")));
        other.register(&confirmation(&format!("theirs-{number}")));
    }
    let own = "SELECT seq FROM audit_events JOIN interactions USING (request_id) WHERE registered_by = 'builder' ORDER BY seq";
    let own: Vec<i64> = server.sql(own).iter().map(|row| row[0].as_i64().unwrap()).collect();
    let entered = server.count("own_events WHERE owner = 'builder'") as usize;
    assert!((1..100).contains(&entered), "{entered}");
    assert_eq!(
        server.count("kept_through WHERE what = 'own_events' AND number = (SELECT max(event_seq) FROM own_events)"),
        1
    );
    for from in [0, own[entered - 2], own[entered - 1], own[entered], own[98]] {
        let after: Vec<i64> = own.iter().copied().filter(|seq| *seq > from).collect();
        let told: Vec<i64> = agent.feed(Some(from)).take(after.len()).into_iter().map(|(seq, _)| seq).collect();
        assert_eq!(told, after, "after {from}");
    }
    for limit in [1, 7, 100] {
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = agent.get(&format!("/v1/audit-events?limit={limit}{cursor}")).expect(200).body;
            listed.extend(page["auditEvents"].as_array().unwrap().iter().map(|event| event["seq"].as_i64().unwrap()));
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        listed.reverse();
        assert_eq!(listed, own, "{limit} at a time");
    }
    let server = server.restart(&[]);
    let agent = Client::new(&server.url, agent.token.as_deref().unwrap());
    agent.register(&confirmation("later"));
    assert_eq!(agent.feed(Some(own[98])).take(2).last().unwrap().1, "interaction.registered");
}

#[test]
fn proxies_are_asked_to_pass_events_on_as_they_come() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let bearer = format!("Bearer {}", ada.token.as_deref().unwrap());
    let feeds = [ada.stream_headers("/v1/events", "authorization", &bearer), ada.browser().stream_headers("/feed")];
    for headers in feeds {
        assert_eq!(headers["x-accel-buffering"], "no");
        assert_eq!(headers["cache-control"], "no-cache, no-transform");
    }
}
