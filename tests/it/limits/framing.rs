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

#[test]
fn a_body_that_says_it_is_too_large_is_refused_before_it_comes() {
    let fixture = Fixture::new();
    let browser = fixture.server.anonymous();
    fixture.unchanged_by(|fixture| {
        for (client, line, media_type, bytes) in [
            (&fixture.admin, "POST /v1/confirm HTTP/1.1", "application/json", 1024 * 1024 + 1),
            (&fixture.admin, "POST /v1/interactions HTTP/1.1", "application/json", usize::MAX / 4),
            (&browser, "POST /login HTTP/1.1", "application/x-www-form-urlencoded", 5_000),
        ] {
            let headers = [&format!("Content-Type: {media_type}"), &format!("Content-Length: {bytes}")[..]];
            let request = head(client, line, &headers).replace("Connection: close\r\n", "");
            let answer = exchange(client, request.as_bytes());
            assert_eq!((answer.status(), &answer.body["code"]), (Some(413), &json!("body_too_large")), "{answer:?}");
            assert!(answer.head.contains("connection: close"), "{}", answer.head);
        }
        // One that goes on sending all the same reads the answer, and is not heard a second time.
        let headers = ["Content-Type: application/json", "Content-Length: 3000000"];
        let first = head(&fixture.admin, "POST /v1/confirm HTTP/1.1", &headers).replace("Connection: close\r\n", "");
        let second = head(&fixture.admin, "GET /v1/interactions/c HTTP/1.1", &[]);
        let answer = exchange(&fixture.admin, (first + &" ".repeat(3_000_000) + &second).as_bytes());
        assert_eq!((answer.status(), &answer.body["code"]), (Some(413), &json!("body_too_large")), "{answer:?}");
    });
}

#[test]
fn what_is_no_request_is_refused_in_the_shape_of_every_refusal() {
    let long = "x".repeat(100_000);
    let tiny = "a: b\r\n".repeat(300);
    let (malformed, too_large) = ((400, "malformed_request"), (431, "headers_too_large"));
    let kinds = [
        ("two lengths", "POST /v1/confirm HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", malformed),
        ("a negative length", "POST /v1/confirm HTTP/1.1\r\nContent-Length: -1\r\n", malformed),
        ("a length in words", "POST /v1/confirm HTTP/1.1\r\nContent-Length: ten\r\n", malformed),
        ("an unknown coding", "POST /v1/confirm HTTP/1.1\r\nTransfer-Encoding: gzip\r\n", malformed),
        ("chunks of an old version", "POST /v1/confirm HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", malformed),
        ("a folded header", "GET /healthz HTTP/1.1\r\nA: b\r\n c\r\n", malformed),
        ("a blank before the colon", "GET /healthz HTTP/1.1\r\nA : b\r\n", malformed),
        ("a header without a name", "GET /healthz HTTP/1.1\r\n: b\r\n", malformed),
        ("a header without a colon", "GET /healthz HTTP/1.1\r\nabc\r\n", malformed),
        ("a NUL in a header", "GET /healthz HTTP/1.1\r\nA: b\0c\r\n", malformed),
        ("no version", "GET /healthz\r\n", malformed),
        ("an unknown version", "GET /healthz HTTP/3.0\r\n", malformed),
        ("no method", "/healthz HTTP/1.1\r\n", malformed),
        ("a method that is no word", "G@T( /healthz HTTP/1.1\r\n", malformed),
        ("a blank in the path", "GET /health z HTTP/1.1\r\n", malformed),
        ("a path that is none", "GET healthz HTTP/1.1\r\n", malformed),
        ("tiny headers, too many", &format!("GET /healthz HTTP/1.1\r\n{tiny}"), too_large),
        ("a long header", &format!("GET /healthz HTTP/1.1\r\nA: {long}\r\n"), too_large),
    ];
    Fixture::new().unchanged_by(|fixture| {
        let good = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        for (kind, request, (status, code)) in kinds {
            let alone = exchange(&fixture.admin, format!("{request}Connection: close\r\n\r\n").as_bytes());
            assert_eq!(alone.status(), Some(status), "{kind}: {alone:?}");
            assert_eq!(alone.body["code"], json!(code), "{kind}: {alone:?}");
            assert!(alone.body["error"].is_string() && alone.head.contains("content-type: application/json"), "{kind}");
            let after = exchange(&fixture.admin, format!("{good}{request}Connection: close\r\n\r\n").as_bytes()).text;
            let (first, second) = after.split_once("HTTP/1.1 200 OK").unwrap();
            assert!(first.is_empty() && second.contains(&format!("\"code\":\"{code}\"")), "{kind}: {after}");
        }
        // It depends on how it arrives whether a long path is found to be one, or only that there is too much.
        let answer = exchange(&fixture.admin, format!("GET /{long} HTTP/1.1\r\n\r\n").as_bytes());
        let refusals = [(Some(414), json!("uri_too_long")), (Some(431), json!("headers_too_large"))];
        assert!(refusals.contains(&(answer.status(), answer.body["code"].clone())), "{answer:?}");
    });
}

#[test]
fn a_client_that_speaks_another_version_is_told_so() {
    let fixture = Fixture::new();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = exchange(&fixture.admin, preface);
    assert_eq!((answer.status(), &answer.body["code"]), (Some(400), &json!("malformed_request")), "{answer:?}");
    assert!(answer.body["error"].as_str().unwrap().contains("HTTP/1.1"));
}
