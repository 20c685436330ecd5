//! From a token to a session in a browser, and out of it again.

use std::time::Duration;

use countersign::domain::enums::Role;
use serde_json::json;

use crate::harness::page::Browser;
use crate::harness::{Database, Process, TestServer, confirmation, countersign, token, until};

/// A code of a link for the holder of a token.
fn code(client: &crate::harness::Client) -> String {
    client.post_nothing("/v1/login-links").expect(201).body["code"].as_str().unwrap().to_owned()
}

fn log_in(server: &TestServer, credential: &str) -> crate::harness::Answer {
    Browser::anonymous(&server.url).send_form("/login", &[("credential", credential)])
}

#[test]
fn a_link_works_once() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let code = code(&ada);
    let answer = log_in(&server, &code).expect(303);
    assert_eq!(answer.headers["location"], "/");
    let again = log_in(&server, &code).expect(401);
    assert!(again.text.contains("has been used, or is older than ten minutes"), "{}", again.text);
    assert_eq!(server.sql("SELECT count(*) FROM sessions"), [[json!(1)]]);
}

#[test]
fn a_log_in_leads_to_where_one_wanted_to_go_and_never_elsewhere() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    server.agent("builder").register(&confirmation("c"));
    let led = Browser::anonymous(&server.url).get("/interactions/c").expect(303);
    let login = led.headers["location"].to_str().unwrap().to_owned();
    let page = Browser::anonymous(&server.url).page(&login);
    assert!(page.contains("<input type=\"hidden\" name=\"next\" value=\"/interactions/c\">"), "{page}");
    let to = |next: &str| {
        let fields = [("credential", code(&ada)), ("next", next.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        Browser::anonymous(&server.url).send_form("/login", &fields).expect(303).headers["location"].clone()
    };
    assert_eq!(to("/interactions/c"), "/interactions/c");
    assert_eq!(to("/?q=risk%3Ahigh"), "/?q=risk%3Ahigh");
    for elsewhere in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\tx",
        "evil",
        "",
        &format!("/{}", "x".repeat(3000)),
    ] {
        assert_eq!(to(elsewhere), "/", "{elsewhere:?}");
    }
    // Where the log-in fails, it is not forgotten.
    let fields = [("credential", "wrong"), ("next", "/rules")];
    let again = Browser::anonymous(&server.url).send_form("/login", &fields).expect(401);
    assert!(again.text.contains("name=\"next\" value=\"/rules\""), "{}", again.text);
    // Who is logged in already is led on.
    assert_eq!(ada.browser().get("/login?next=%2Frules").expect(303).headers["location"], "/rules#");
}

#[test]
fn a_browser_gets_a_page_where_nothing_is_and_a_program_a_refusal() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    for browser in [ada.browser(), Browser::anonymous(&server.url)] {
        let answer = browser.get("/no/such/page").expect(404);
        assert!(answer.text.contains("There is nothing here") && !answer.text.contains("bearer"), "{}", answer.text);
    }
    assert_eq!(ada.get("/no/such/page").refusal(), (404, "unknown_path"));
    assert_eq!(server.anonymous().get("/no/such/page").refusal(), (401, "unauthenticated"));
}

/// Strangers' bodies take memory from all other requests.
#[test]
fn of_a_stranger_hardly_anything_is_read() {
    let server = TestServer::start();
    let answer = log_in(&server, &"x".repeat(5_000));
    assert_eq!(answer.status, 413, "{}", answer.text);
}

#[test]
fn of_many_who_use_one_link_at_once_one_gets_in() {
    let server = TestServer::start();
    let code = code(&server.approver("ada"));
    let answers = std::thread::scope(|scope| {
        let tries = [(); 16].map(|()| scope.spawn(|| log_in(&server, &code).status));
        tries.map(|attempt| attempt.join().unwrap())
    });
    assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
}

#[test]
fn a_link_works_for_ten_minutes() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let (early, late) = (code(&ada), code(&ada));
    server.clock.advance(Duration::from_millis(10 * 60 * 1000 - 1));
    log_in(&server, &early).expect(303);
    server.clock.advance(Duration::from_millis(1));
    log_in(&server, &late).expect(401);
}

#[test]
fn a_token_is_the_other_way_in_and_an_agents_is_none() {
    let server = TestServer::start();
    let (ada, agent) = (server.approver("ada"), server.agent("builder"));
    log_in(&server, &format!(" {} ", ada.token.clone().unwrap())).expect(303);
    let refused = log_in(&server, &agent.token.clone().unwrap()).expect(401);
    assert!(refused.text.contains("an agent&#39;s token") || refused.text.contains("an agent's token"));
    assert!(!refused.text.contains(agent.token.as_deref().unwrap()), "a token is shown");
    assert_eq!(agent.post_nothing("/v1/login-links").refusal(), (403, "forbidden"));
    for nothing in ["", "csgn_nobodys", "nobodys"] {
        log_in(&server, nothing).expect(401);
    }
    assert_eq!(server.sql("SELECT count(*) FROM sessions"), [[json!(1)]]);
}

#[test]
fn the_cookie_is_for_this_server_alone_and_for_no_script() {
    let server = TestServer::start();
    let code = code(&server.approver("ada"));
    let answer = log_in(&server, &code).expect(303);
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let port = server.url.rsplit_once(':').unwrap().1;
    assert!(cookie.starts_with(&format!("countersign_session{port}=")), "{cookie}");
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.split("; ").any(|part| part == word), "{word}: {cookie}");
    }
    let session = cookie.split(['=', ';']).nth(1).unwrap();
    let kept = server.sql("SELECT hex(session_sha256) FROM sessions")[0][0].as_str().unwrap().to_owned();
    assert_ne!(kept, session);
    let written = server.sql("SELECT string_agg(detail, ',') FROM audit_events")[0][0].as_str().unwrap().to_owned();
    assert!(!written.contains(session) && !written.contains(&code), "{written}");
}

#[test]
fn behind_tls_the_cookie_goes_over_nothing_else() {
    let server = TestServer::with(&["--trusted-proxy", "127.0.0.1"]);
    let code = code(&server.approver("ada"));
    let form = format!("credential={code}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("x-forwarded-proto", "https")];
    let browser = Browser::anonymous(&server.url);
    let answer = browser.send("POST", "/login", &headers, Some(form.as_bytes())).expect(303);
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-countersign_session") && cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn a_session_ends_by_logging_out_by_its_time_and_with_its_token() {
    let server = TestServer::with(&["--session-lifetime", "1h"]);
    let (ada, bob) = (server.approver("ada"), server.approver("bob"));
    let (out, over, revoked) = (ada.browser(), ada.browser(), bob.browser());
    out.submit("/logout", &[]).expect(303);
    out.get("/").expect(303);
    over.page("/");
    let mut revoke = countersign();
    assert!(revoke.args(["token", "revoke", "--name", "bob", "--db"]).arg(server.db()).status().unwrap().success());
    revoked.get("/").expect(303);
    server.clock.advance(Duration::from_millis(60 * 60 * 1000 - 1));
    over.page("/");
    server.clock.advance(Duration::from_millis(1));
    over.get("/").expect(303);
    let events =
        server.sql("SELECT event FROM audit_events WHERE event LIKE 'session.%' OR event LIKE 'login%' ORDER BY seq");
    let events: Vec<_> = events.iter().map(|row| row[0].as_str().unwrap()).collect();
    let begun = ["login_link.created", "session.begun"].repeat(3);
    assert_eq!(events, [&begun[..], &["session.ended"]].concat());
}

#[test]
fn a_session_goes_on_after_a_restart() {
    let db = Database::new();
    let ada = token(&db, "ada", "approver");
    let first = Process::serve(&db, &[]);
    let browser = crate::harness::Client::new(&first.url, &ada).browser();
    let address = first.url.strip_prefix("http://").unwrap().to_owned();
    first.kill();
    let _second = Process::serve_on(&address, &db, &[]);
    browser.page("/");
}

#[test]
fn a_session_is_no_token_and_a_token_no_session() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    server.agent("builder").register(&confirmation("c"));
    let browser = ada.browser();
    for path in ["/v1/interactions", "/v1/events", "/metrics"] {
        assert_eq!(browser.get(path).refusal(), (401, "unauthenticated"), "{path}");
    }
    assert_eq!(ada.get("/rows?ids=c").refusal(), (401, "unauthenticated"));
    let form = "decision=allow";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let answer = ada.try_send("POST", "/interactions/c/decide", &headers, Some(form.as_bytes())).unwrap();
    assert_eq!(answer.refusal(), (401, "unauthenticated"));
}

#[test]
fn a_new_database_shows_the_way_in() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0", "--credentials-file", "none", "--db"]);
    command.arg(directory.path().join("test.db"));
    let process = Process::spawn(command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()));
    let url = process.url.clone();
    let (_, _, said) = process.terminate();
    let link = said.split_whitespace().find(|word| word.contains("/login#")).expect(&said);
    assert!(link.starts_with(&format!("{url}/login#")), "{said}");
}

#[test]
fn auditors_look_and_decide_nothing() {
    let server = TestServer::start();
    server.agent("builder").register(&confirmation("c"));
    let auditor = server.client("eve", Role::Auditor).browser();
    let page = auditor.page("/");
    assert!(page.contains("id=\"card-c\"") && page.contains("You may look, and not decide."), "{page}");
    assert!(!page.contains("name=\"decision\""), "{page}");
    let answer = auditor.submit("/interactions/c/decide", &[("decision", "allow")]).expect(403);
    assert!(answer.text.contains("does not allow this"), "{}", answer.text);
}

/// An auditor changes nothing, and may log in: not without end.
#[test]
fn nobody_makes_log_in_links_without_end_and_what_has_expired_is_deleted() {
    let server = TestServer::start();
    let (olga, ada) = (server.client("olga", Role::Auditor), server.approver("ada"));
    let first = code(&olga);
    for _ in 1..20 {
        code(&olga);
    }
    let refused = olga.post_nothing("/v1/login-links");
    assert_eq!(refused.refusal(), (429, "too_many_login_links"));
    assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    // Another token of the same principal makes no more of them, and another principal is not held up.
    assert_eq!(server.client("olga", Role::Auditor).post_nothing("/v1/login-links").status, 429);
    code(&ada);
    // One that is used makes room for one.
    log_in(&server, &first).expect(303);
    code(&olga);
    assert_eq!(olga.post_nothing("/v1/login-links").status, 429);
    let rows = "SELECT (SELECT count(*) FROM login_links), (SELECT count(*) FROM sessions)";
    assert_eq!(server.sql(rows), [[json!(22), json!(1)]]);
    server.clock.advance(Duration::from_secs(10 * 60));
    code(&olga);
    assert_eq!(server.sql(rows), [[json!(1), json!(1)]], "links that have expired stay");
    server.clock.advance(Duration::from_secs(400 * 24 * 60 * 60));
    log_in(&server, &code(&olga)).expect(303);
    assert_eq!(server.sql(rows), [[json!(1), json!(1)]], "sessions that have expired stay");
    let told = "SELECT count(*) FROM audit_events WHERE event = 'login_link.created'";
    assert_eq!(server.sql(told), [[json!(24)]]);
}

#[test]
fn of_too_many_sessions_the_oldest_ends_and_what_has_expired_is_deleted_after_a_while() {
    let server = TestServer::start();
    let ada = server.approver("ada");
    let bea = server.approver("bea");
    log_in(&server, &code(&bea)).expect(303);
    let first = ada.browser();
    for _ in 0..49 {
        server.advance(Duration::from_millis(1));
        log_in(&server, &code(&ada)).expect(303);
    }
    first.page("/");
    server.advance(Duration::from_millis(1));
    log_in(&server, &code(&ada)).expect(303);
    assert_ne!(first.get("/").status, 200, "the oldest goes on");
    let going_on = "SELECT count(*) FROM sessions WHERE ended_at_ms IS NULL";
    assert_eq!(server.sql(going_on), [[json!(51)]]);
    server.advance(Duration::from_secs(13 * 60 * 60));
    // What time it is, the last event says.
    server.agent("builder").register(&confirmation("c"));
    server.advance(Duration::from_secs(60 * 60));
    until(|| {
        let rows = "SELECT (SELECT count(*) FROM login_links), (SELECT count(*) FROM sessions)";
        server.sql(rows) == [[json!(0), json!(0)]]
    });
    let told = "SELECT count(*) FROM audit_events WHERE event IN ('session.begun', 'session.ended')";
    assert_eq!(server.sql(told), [[json!(53)]]);
}
