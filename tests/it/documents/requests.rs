//! Requests in the documents: every `curl` is sent, document by document, to a new server, and the block of JSON after it
//! has to be what came back. Every query of the documents is put to the database.

use countersign::clock::Timestamp;
use countersign::domain::enums::Role;
use serde_json::Value;

use super::commands::{commands, words};
use super::{Block, Document, documents};
use crate::harness::{Answer, Client, TestServer};

/// A member that stands for those that are left out of an example.
const MORE: &str = "…";

/// The server that a document's requests go to.
struct Stand {
    server: TestServer,
    agent: Client,
    approver: Client,
}

impl Stand {
    fn new() -> Self {
        let server = TestServer::start();
        let agent = server.client("agent", Role::Agent);
        let approver = server.client("approver", Role::Approver);
        Self { server, agent, approver }
    }

    /// Sends what `curl` would.
    fn curl(&self, words: &[String]) -> Answer {
        let (mut method, mut path, mut body, mut client) = (None, None, None, self.server.anonymous());
        let mut headers = Vec::new();
        let mut words = words.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-X" => method = words.next(),
                "-d" => body = words.next(),
                "-H" => match words.next().unwrap() {
                    "Authorization: Bearer $AGENT" => client = self.agent.clone(),
                    "Authorization: Bearer $APPROVER" => client = self.approver.clone(),
                    header => headers.push(header.split_once(": ").unwrap()),
                },
                "--unix-socket" | "--retry" | "--retry-delay" => drop(words.next()),
                "-sS" | "--retry-all-errors" => {}
                url => {
                    let local = ["http://127.0.0.1:7711", "http://localhost"];
                    let found = local.iter().find_map(|server| url.strip_prefix(server));
                    // Nothing is waited for here: what is waited for comes in a later step of the story.
                    path = Some(found.unwrap_or_else(|| panic!("{url}")).replace("waitMs=300000", "waitMs=0"));
                }
            }
        }
        let method = method.unwrap_or(if body.is_some() { "POST" } else { "GET" });
        let body = body.or((method == "POST").then_some("")).map(str::as_bytes);
        client.try_send(method, &path.unwrap(), &headers, body).unwrap()
    }
}

/// Whether an answer is what an example shows: the same members with the same values, but for ids, times and hashes.
fn is_like(name: &str, shown: &Value, real: &Value) -> bool {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            let has_more = shown.contains_key(MORE);
            let all = shown.iter().filter(|(name, _)| *name != MORE);
            all.clone().all(|(name, value)| real.get(name).is_some_and(|real| is_like(name, value, real)))
                && (has_more || real.keys().all(|name| shown.contains_key(name)))
        }
        (Value::Array(shown), Value::Array(real)) => {
            shown.len() == real.len() && shown.iter().zip(real).all(|(shown, real)| is_like(name, shown, real))
        }
        (Value::Number(_), Value::Number(_)) if name == "seq" => true,
        (Value::String(shown), Value::String(real)) => match name {
            "nextCursor" | "hash" => true,
            "ruleId" | "takeId" | "trustRule" => shown.len() == real.len(),
            _ if shown.parse::<Timestamp>().is_ok() => real.parse::<Timestamp>().is_ok(),
            _ => shown == real,
        },
        _ => shown == real,
    }
}

/// Runs the requests and queries of a document in their order; how many there were.
fn run(document: &Document) -> usize {
    let stand = Stand::new();
    let mut blocks = document.blocks.iter().peekable();
    let mut count = 0;
    while let Some(Block { language, text }) = blocks.next() {
        if language != "console" {
            continue;
        }
        let mut latest = None;
        for words in commands(text).map(words) {
            match words[0].as_str() {
                "curl" => latest = Some(stand.curl(&words)),
                "sqlite3" => drop(stand.server.sql(words.last().unwrap())),
                _ => continue,
            }
            count += 1;
        }
        let (Some(answer), place) = (latest, document.path.display()) else { continue };
        match blocks.next_if(|block| block.language == "json") {
            Some(shown) => {
                let shown = serde_json::from_str::<Value>(&shown.text).unwrap();
                assert!(is_like("", &shown, &answer.body), "{place}:\n{text}\n{shown:#}\n{:#}", answer.body);
            }
            None => assert!((200..300).contains(&answer.status), "{place}:\n{text}\n{answer:?}"),
        }
    }
    count
}

#[test]
fn every_request_is_answered_as_its_document_shows() {
    assert!(documents().iter().map(run).sum::<usize>() > 15);
}

#[test]
fn every_example_of_json_is_json() {
    for document in documents() {
        for text in document.blocks_in("json") {
            let read = serde_json::from_str::<Value>(text);
            assert!(read.is_ok(), "{}: {}:\n{text}", document.path.display(), read.unwrap_err());
            assert!(text.lines().all(|line| line.chars().count() <= 130), "{}: a long line", document.path.display());
        }
    }
}

#[test]
fn an_example_with_another_member_or_another_value_is_found() {
    let like = |shown: Value, real: Value| is_like("", &shown, &real);
    use serde_json::json;
    assert!(like(json!({"a": 1, "at": "2026-11-22T12:44:13.316Z"}), json!({"a": 1, "at": "2030-01-01T00:00:00.000Z"})));
    assert!(like(json!({"a": 1, "…": "…"}), json!({"a": 1, "b": 2})));
    assert!(!like(json!({"a": 1}), json!({"a": 1, "b": 2})));
    assert!(!like(json!({"a": 1, "b": 2}), json!({"a": 1})));
    assert!(!like(json!({"a": [1]}), json!({"a": [2]})));
}
