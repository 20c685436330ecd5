//! What a page of a stranger can make a browser send: a name that leads here, an origin that is not ours, a form, a link.

use countersign::domain::enums::Role;
use serde_json::json;

use crate::api::routes::Fixture;
use crate::harness::wire::{RawAnswer, exchange};
use crate::harness::{Client, TestServer, confirmation};

/// Asks with these lines alone, and no token.
fn ask(url: &str, lines: &[&str]) -> RawAnswer {
    let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    exchange(&Client::anonymous(url), request.as_bytes())
}

fn refusal(answer: &RawAnswer) -> (u16, &str) {
    (answer.status().unwrap(), answer.body["code"].as_str().unwrap_or_default())
}

const MISDIRECTED: (u16, &str) = (421, "misdirected_request");
const WRONG_ORIGIN: (u16, &str) = (403, "origin_not_allowed");

#[test]
fn a_name_that_only_leads_here_is_not_answered() {
    let server = TestServer::with(&["--allowed-host", "desk.example,lamp.example:8443"]);
    let own = server.url.strip_prefix("http://").unwrap();
    for host in [own, "localhost", "LocalHost:1", "127.0.0.1", "[::1]:80", "desk.example:9", "lamp.example:8443"] {
        assert_eq!(
            ask(&server.url, &["GET /healthz HTTP/1.1", &format!("Host: {host}")]).status(),
            Some(200),
            "{host}"
        );
    }
    for host in
        ["evil.example", "localhost.evil.example", "127.0.0.2", "lamp.example", "lamp.example:1", "", "a b", "x@y"]
    {
        for path in ["/healthz", "/v1/interactions", "/nowhere"] {
            let answer = ask(&server.url, &[&format!("GET {path} HTTP/1.1"), &format!("Host: {host}")]);
            assert_eq!(refusal(&answer), MISDIRECTED, "{host:?} {path}");
        }
    }
    for hosts in [&[][..], &["Host: localhost", "Host: localhost"], &["Host: localhost", "Host: evil.example"]] {
        let answer = ask(&server.url, &[&["GET /healthz HTTP/1.1"], hosts].concat());
        assert_eq!(refusal(&answer), (400, "malformed_request"), "{hosts:?}");
    }
}

#[test]
fn a_target_that_names_another_host_is_not_answered() {
    let server = TestServer::start();
    let answer = |target: &str| ask(&server.url, &[&format!("GET {target} HTTP/1.1"), "Host: localhost"]);
    assert_eq!(answer("http://localhost/healthz").status(), Some(200));
    for target in ["http://evil.example/healthz", "http://localhost:1/healthz", "http://a@localhost/healthz"] {
        assert_eq!(refusal(&answer(target)), MISDIRECTED, "{target}");
    }
}

#[test]
fn on_every_address_only_the_one_that_was_come_to_is_a_name() {
    let server = TestServer::with(&["--listen", "0.0.0.0:0"]);
    let url = server.url.replace("0.0.0.0", "127.0.0.2");
    for (host, status) in [("127.0.0.2", 200), ("localhost", 200), ("0.0.0.0", 421), ("192.0.2.1", 421)] {
        let answer = ask(&url, &["GET /healthz HTTP/1.1", &format!("Host: {host}")]);
        assert_eq!(answer.status(), Some(status), "{host}");
    }
}

#[test]
fn a_page_of_another_origin_is_refused_before_its_token_is_looked_at() {
    let server = TestServer::start();
    let admin = server.client("root", Role::Admin);
    let own = server.url.strip_prefix("http://").unwrap();
    let token = format!("Authorization: Bearer {}", admin.token.as_ref().unwrap());
    let host = format!("Host: {own}");
    let from = |origin: &str| {
        ask(&server.url, &["GET /v1/interactions HTTP/1.1", &host, &token, &format!("Origin: {origin}")])
    };
    assert_eq!(from(&format!("http://{own}")).status(), Some(200));
    let another_scheme = format!("https://{own}");
    let another_name = format!("http://{}", own.replace("127.0.0.1", "localhost"));
    for origin in
        ["null", "", "http://127.0.0.1", "http://127.0.0.1:1", "http://evil.example", &another_scheme, &another_name]
    {
        assert_eq!(refusal(&from(origin)), WRONG_ORIGIN, "{origin:?}");
    }
    let both = [&format!("Origin: http://{own}"), "Origin: http://evil.example"];
    let answer = ask(&server.url, &["GET /healthz HTTP/1.1", &host, both[0], both[1]]);
    assert_eq!(refusal(&answer), WRONG_ORIGIN);
    let answer = ask(&server.url, &["GET /v1/interactions HTTP/1.1", &host, "Origin: http://evil.example"]);
    assert_eq!(refusal(&answer), WRONG_ORIGIN, "without a token");
}

#[test]
fn what_a_browser_says_is_from_another_site_changes_nothing() {
    Fixture::new().unchanged_by(|fixture| {
        for call in fixture.calls().into_iter().filter(|call| call.method != "GET") {
            for site in ["cross-site", "same-site"] {
                let answer = call.send_with(&fixture.admin, &[("sec-fetch-site", site)]);
                assert_eq!(answer.refusal(), WRONG_ORIGIN, "{} {site}", call.path);
            }
            let answer = call.send_with(&fixture.admin, &[("origin", "http://evil.example")]);
            assert_eq!(answer.refusal(), WRONG_ORIGIN, "{}", call.path);
            let form = Some(&b"a=b"[..]);
            let headers = [("content-type", "text/plain")];
            let answer = fixture.admin.try_send("POST", "/v1/interactions/own-p/cancel", &headers, form).unwrap();
            assert_eq!(answer.refusal(), (415, "unsupported_media_type"));
        }
    });
}

#[test]
fn nothing_changes_by_a_get() {
    let fixture = Fixture::new();
    fixture.server.sql("SELECT 1");
    fixture.unchanged_by(|fixture| {
        for call in fixture.calls().into_iter().filter(|call| call.method == "GET" && !call.is_feed()) {
            fixture.admin.get(&call.path).expect(200);
        }
    });
}

#[test]
fn a_token_in_a_url_opens_nothing() {
    Fixture::new().unchanged_by(|fixture| {
        let (token, anonymous) = (fixture.admin.token.clone().unwrap(), fixture.server.anonymous());
        for call in fixture.calls() {
            for name in ["token", "access_token", "authorization", "bearer"] {
                let path = format!("{}?{name}={token}", call.path);
                let answer = anonymous.try_send(call.method, &path, &[], None).unwrap();
                assert_eq!(answer.refusal(), (401, "unauthenticated"), "{path}");
            }
            // The feed would never end: it is refused for its header where the query does not.
            let path = format!("{}?access_token={token}", call.path);
            let answer = fixture.admin.try_send(call.method, &path, &[("last-event-id", "none")], None).unwrap();
            if !call.is_feed() {
                assert!(matches!(answer.status, 400 | 415), "{path}: {answer:?}");
            }
        }
    });
}

#[test]
fn a_page_that_may_call_is_told_so_and_no_other_is() {
    const ALLOWED: &str = "https://desk.example";
    let server = TestServer::with(&["--allowed-origin", ALLOWED]);
    let agent = server.agent("builder");
    let preflight = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        server.anonymous().try_send("OPTIONS", "/v1/interactions", &headers, None).unwrap()
    };
    let allowed = preflight(ALLOWED).expect(204);
    assert_eq!(allowed.headers["access-control-allow-origin"], ALLOWED);
    assert_eq!(allowed.headers["access-control-allow-methods"], "GET, POST, DELETE");
    assert_eq!(allowed.headers["access-control-allow-headers"], "authorization, content-type, last-event-id");
    let body = confirmation("c").to_string();
    let headers = [("origin", ALLOWED), ("content-type", "application/json")];
    let made = agent.try_send("POST", "/v1/interactions", &headers, Some(body.as_bytes())).unwrap().expect(201);
    let refused = server.anonymous().try_send("GET", "/v1/interactions", &[("origin", ALLOWED)], None).unwrap();
    for answer in [made, refused.expect(401), allowed] {
        assert_eq!(answer.headers["access-control-allow-origin"], ALLOWED);
        assert_eq!(answer.headers["vary"], "origin");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
    for answer in [preflight("https://desk.example:444").expect(403), agent.get("/v1/interactions").expect(200)] {
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{answer:?}");
    }
    assert_eq!(server.sql("SELECT request_id FROM interactions"), [[json!("c")]]);
}

#[test]
fn every_answer_tells_browsers_to_make_nothing_of_it() {
    let fixture = Fixture::new();
    let anonymous = fixture.server.anonymous();
    let answers = [
        fixture.admin.get("/v1/interactions").expect(200),
        anonymous.get("/healthz").expect(200),
        anonymous.get("/v1/interactions").expect(401),
        anonymous.get(&format!("/healthz?{}", "x".repeat(16 * 1024))).expect(431),
        anonymous.try_send("GET", "/healthz", &[("origin", "null")], None).unwrap().expect(403),
        fixture.admin.get("/nowhere").expect(404),
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ] {
            assert_eq!(answer.headers[name], value, "{answer:?}");
        }
    }
}

#[test]
fn only_a_trusted_proxy_says_that_its_clients_came_over_tls() {
    let ask = |server: &TestServer| {
        let from = ["Host: desk.example", "Origin: https://desk.example", "X-Forwarded-Proto: https"];
        ask(&server.url, &["GET /healthz HTTP/1.1", from[0], from[1], from[2]]).status()
    };
    let flags = ["--allowed-host", "desk.example", "--trusted-proxy", "127.0.0.0/8"];
    assert_eq!(ask(&TestServer::with(&flags)), Some(200));
    assert_eq!(ask(&TestServer::with(&flags[..2])), Some(403));
}
