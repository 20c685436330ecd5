//! The links in notices: they open a card, and nothing that follows them decides anything.

use std::collections::BTreeSet;

use serde_json::json;

use super::{PACE, add, channel, fixture};
use crate::api::routes::everything;
use crate::harness::page::{between, text_of};
use crate::harness::receiver::Receiver;
use crate::harness::{TestServer, confirmation, question, secret};

/// Mail scanners and previews follow links, some of them with the cookies of whoever reads.
#[test]
fn a_crawler_with_cookies_over_every_link_changes_no_row() {
    let (server, agent, ada) = fixture();
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("c"));
    // Only what comes after a notice waits for the next one.
    receiver.until_received(1);
    for registration in [secret("s"), question("q")] {
        agent.register(&registration);
    }
    server.advance(PACE);
    let received = receiver.until_received(2);
    let bodies: Vec<_> = received.iter().map(crate::harness::receiver::Received::json).collect();
    let links = bodies.iter().flat_map(|body| {
        let data = &body["data"];
        let agents = data["agents"].as_array().into_iter().flatten().map(|of| &of["first"]["url"]);
        [&data["url"]].into_iter().chain(agents).map(|url| url.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    });
    let browser = ada.browser();
    crate::harness::until(|| server.sql("SELECT count(*) FROM notices WHERE status = 'waiting'") == [[json!(0)]]);
    let before = everything(&server);
    let mut seen = BTreeSet::new();
    let mut next: Vec<String> = links.map(|link| link.strip_prefix(&server.url).unwrap().to_owned()).collect();
    assert!(next.contains(&"/interactions/c".to_owned()) && next.contains(&"/".to_owned()), "{next:?}");
    while let Some(path) = next.pop() {
        if !path.starts_with('/') || !seen.insert(path.clone()) {
            continue;
        }
        let answer = browser.get(&path);
        assert!(answer.status < 500, "{path}: {answer:?}");
        next.extend(between(&answer.text, "href=\"", "\"").iter().map(|link| text_of(link)));
    }
    assert!(seen.len() > 15, "{seen:?}");
    assert_eq!(before, everything(&server));
}

#[test]
fn links_begin_with_the_public_url_and_its_path() {
    let flags = [&super::LOOPBACK[..], &["--public-url", "https://inbox.example/sign"]].concat();
    let server = TestServer::with(&flags);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let receiver = Receiver::start();
    add(&ada, &channel("webhook", &receiver));
    agent.register(&confirmation("c"));
    let body = receiver.until_received(1)[0].json();
    assert_eq!(body["data"]["url"], "https://inbox.example/sign/interactions/c");
}
