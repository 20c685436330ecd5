//! Requests that no HTTP client sends, byte by byte: what is cut off, framed in two ways, or larger than it says.

use serde_json::json;

use crate::api::routes::Fixture;
use crate::harness::wire::{exchange, exchange_and_end, head};

#[test]
fn a_body_that_ends_too_early_is_not_acted_on() {
    let body = json!({"requestId": "c", "decision": "allow"}).to_string();
    let json = "Content-Type: application/json";
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    Fixture::new().unchanged_by(|fixture| {
        for (framing, sent) in [
            (format!("Content-Length: {}", body.len() + 1), &body),
            ("Transfer-Encoding: chunked".to_owned(), &chunk),
            ("Transfer-Encoding: chunked".to_owned(), &format!("{chunk}zz\r\n")),
        ] {
            let request = head(&fixture.admin, "POST /v1/confirm HTTP/1.1", &[json, &framing]) + sent;
            let answer = exchange_and_end(&fixture.admin, request.as_bytes());
            assert!(matches!(answer.status(), None | Some(400)), "{framing}: {answer:?}");
        }
    });
}

#[test]
fn a_request_that_two_servers_would_frame_differently_is_not_acted_on() {
    let body = json!({"requestId": "c", "decision": "allow"}).to_string();
    let json = "Content-Type: application/json";
    let length = format!("Content-Length: {}", body.len());
    Fixture::new().unchanged_by(|fixture| {
        for framing in [
            vec![json, "Content-Length: 1", &length],
            vec![json, "Content-Length: -1"],
            vec![json, "Transfer-Encoding: gzip"],
            vec![json, &length, "Broken Header: 1"],
        ] {
            let request = head(&fixture.admin, "POST /v1/confirm HTTP/1.1", &framing) + &body;
            let answer = exchange(&fixture.admin, request.as_bytes());
            assert_eq!(answer.status(), Some(400), "{framing:?}: {answer:?}");
        }
    });
}

#[test]
fn a_body_in_chunks_cannot_go_over_the_limit_unnoticed() {
    Fixture::new().unchanged_by(|fixture| {
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let body = json!({"requestId": "c", "decision": "allow"}).to_string();
        let headers = ["Content-Type: application/json", "Transfer-Encoding: chunked"];
        let start = head(&fixture.admin, "POST /v1/confirm HTTP/1.1", &headers);
        let request = format!("{start}{:x}\r\n{body}\r\n{}0\r\n\r\n", body.len(), chunk.repeat(16));
        let answer = exchange(&fixture.admin, request.as_bytes());
        assert_eq!((answer.status(), &answer.body["code"]), (Some(413), &json!("body_too_large")), "{answer:?}");
    });
}

#[test]
fn many_small_headers_are_no_reason_for_a_refusal_without_a_word() {
    Fixture::new().unchanged_by(|fixture| {
        let few = vec!["a: b"; 200];
        let answer = exchange(&fixture.admin, head(&fixture.admin, "GET /v1/interactions/c HTTP/1.1", &few).as_bytes());
        assert_eq!((answer.status(), &answer.body["requestId"]), (Some(200), &json!("c")), "{}", answer.head);
        let many = vec!["a-header-of-some-length: and a value that is of some length, too, as it may well be"; 220];
        let answer =
            exchange(&fixture.admin, head(&fixture.admin, "GET /v1/interactions/c HTTP/1.1", &many).as_bytes());
        assert_eq!(
            (answer.status(), &answer.body["code"]),
            (Some(431), &json!("headers_too_large")),
            "{}",
            answer.head
        );
    });
}

/// A client that is still sending when the connection closes never reads the answer.
#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    const LENGTH: usize = 900_000;
    let fixture = Fixture::new();
    let (anonymous, agent) = (fixture.server.anonymous(), fixture.server.agent("eve"));
    fixture.unchanged_by(|fixture| {
        let headers = ["Content-Type: application/json", &format!("Content-Length: {LENGTH}")];
        let second = head(&fixture.admin, "GET /v1/interactions/c HTTP/1.1", &[]);
        for (client, line, status) in [
            (&anonymous, "POST /v1/confirm HTTP/1.1", 401),
            (&agent, "POST /v1/confirm HTTP/1.1", 403),
            (&fixture.admin, "POST /v1/nothing HTTP/1.1", 404),
            (&fixture.admin, "PUT /v1/confirm HTTP/1.1", 405),
        ] {
            let first = head(client, line, &headers).replace("Connection: close\r\n", "");
            let request = format!("{first}{}{second}", " ".repeat(LENGTH));
            let answers = exchange(&fixture.admin, request.as_bytes()).text;
            assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{answers}");
            assert!(answers.contains("HTTP/1.1 200 OK"), "the connection is of no more use: {answers}");
        }
    });
}
