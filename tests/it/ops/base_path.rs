//! A server that a proxy has put under a path: both ways of passing the path on, every link, and what is refused.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::json;

use crate::harness::outside::refused;
use crate::harness::page::{Browser, between, text_of};
use crate::harness::wire::exchange;
use crate::harness::{
    Client, Database, Named as _, Process, TestServer, altered, confirmation, countersign, question, secret, token,
    until,
};

const BASE: &str = "/some/path";

const PUBLIC: [&str; 2] = ["--public-url", "https://desk.example:8443/some/path/"];

/// One of everything that pages show links to.
fn furnished() -> TestServer {
    let server = TestServer::with(&PUBLIC);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..60 {
        agent.register(&altered(confirmation(&format!("old-{number}")), &json!({"conversationId": "c"})));
        ada.confirm(&format!("old-{number}"), "deny").expect(200);
    }
    let chosen =
        json!({"requestId": "ruled", "decision": "allow", "selectedPattern": "make *", "selectedScope": "everywhere"});
    agent.register(&confirmation("ruled"));
    ada.post("/v1/confirm", &chosen).expect(200);
    let large = json!({"confirmation": {"toolName": "large", "input": {"command": "x".repeat(40_000)}}});
    agent.register(&altered(confirmation("large"), &large));
    agent.register(&altered(confirmation("open"), &json!({"confirmation": {"toolName": "other"}})));
    agent.register(&secret("key"));
    agent.register(&question("which"));
    server
}

/// The paths that a page leads to, as the browser that shows it would ask for them.
fn paths(page: &str) -> BTreeSet<String> {
    let attributes = ["href", "src", "action", "data-live", "data-base"];
    let found = attributes.iter().flat_map(|attribute| between(page, &format!("{attribute}=\""), "\""));
    found.map(|path| text_of(&path)).filter(|path| path.starts_with('/')).collect()
}

#[test]
fn every_link_of_every_page_leads_on_under_the_path() {
    let server = furnished();
    let browser = server.approver("ada").browser();
    let (mut seen, mut next) = (BTreeSet::new(), vec![format!("{BASE}/"), format!("{BASE}/docs")]);
    while let Some(path) = next.pop() {
        let path = path.split('#').next().unwrap().to_owned();
        if !seen.insert(path.clone()) {
            continue;
        }
        assert!(path == BASE || path.starts_with(&format!("{BASE}/")), "a page leads to {path}");
        if path.ends_with("/feed") {
            assert_eq!(browser.stream_headers(&path)["content-type"], "text/event-stream");
            continue;
        }
        let answer = browser.get(&path);
        if path.ends_with("/login") {
            // Who is logged in is led on from there.
            assert_eq!(answer.expect(303).headers["location"], format!("{BASE}/#"));
            continue;
        }
        // The address of a form is asked for, too, and may take forms alone.
        assert!([200, 405].contains(&answer.status), "{path}: {answer:?}");
        if answer.headers["content-type"].to_str().unwrap().starts_with("text/html") {
            next.extend(paths(&answer.text));
        }
    }
    assert!(seen.iter().any(|path| path.starts_with(&format!("{BASE}/assets/inbox."))), "{seen:?}");
    let is_seen = |path: &str| seen.contains(&format!("{BASE}{path}"));
    let all = ["/", "/rules", "/rules/new", "/history", "/feed", "/logout", "/decide", "/interactions/large"];
    assert!(all.iter().all(|path| is_seen(path)), "{seen:?}");
    assert!(seen.iter().any(|path| path.contains("cursor=")), "no second page: {seen:?}");
}

#[test]
fn a_proxy_may_pass_the_path_on_or_take_it_off() {
    let server = furnished();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for (number, base) in ["", BASE].into_iter().enumerate() {
        let id = format!("new-{number}");
        let asked = altered(confirmation(&id), &json!({"confirmation": {"toolName": "other"}}));
        let registered = agent.post(&format!("{base}/v1/interactions"), &asked).expect(201);
        assert_eq!(registered.headers["location"], format!("{BASE}/v1/interactions/{id}"));
        assert_eq!(agent.get(registered.headers["location"].to_str().unwrap()).expect(200).body["requestId"], *id);
        let browser = ada.browser();
        let csrf = browser.csrf();
        let fields = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("csrf", csrf.as_str()), ("decision", "deny")])
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://desk.example:8443")];
        let path = format!("{base}/interactions/{id}/decide");
        let decided = browser.send("POST", &path, &headers, Some(fields.as_bytes())).expect(303);
        assert_eq!(decided.headers["location"], format!("{BASE}/?done=rejected"));
        assert_eq!(agent.look(&id)["status"], "rejected");
        let stranger = Browser::anonymous(&server.url);
        assert_eq!(
            stranger.get(&format!("{base}/rules")).expect(303).headers["location"],
            format!("{BASE}/login?next=%2Frules")
        );
        let refused = stranger.send_form(&format!("{base}/logout"), &[]).expect(401);
        assert!(refused.text.contains(&format!("href=\"{BASE}/login\"")), "{}", refused.text);
    }
    assert_eq!(agent.get("/some/pathology").status, 404);
    assert_eq!(agent.get("/other/v1/interactions").status, 404);
}

/// What a browser gets that logs in at `host` under `base`, with a page of that `origin`.
fn logged_in(server: &TestServer, base: &str, host: &str, origin: &str) -> (Option<u16>, String) {
    let ada = server.approver("ada");
    let code = ada.post_nothing("/v1/login-links").expect(201).body["code"].as_str().unwrap().to_owned();
    let body = format!("credential={code}");
    let request = format!(
        "POST {base}/login HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
        body.len(),
    );
    let answer = exchange(&Client::anonymous(&server.url), request.as_bytes());
    let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_default();
    (answer.status(), cookie.to_owned())
}

#[test]
fn pages_of_the_public_url_are_the_servers_own_and_its_cookie_stays_under_the_path() {
    let server = TestServer::with(&PUBLIC);
    let own = server.url.strip_prefix("http://").unwrap().to_owned();
    // The proxy passes the host with its port, without, or names the server as it knows it.
    for host in ["desk.example:8443", "desk.example", &own] {
        let (status, cookie) = logged_in(&server, BASE, host, "https://desk.example:8443");
        assert_eq!(status, Some(303), "{host}");
        assert!(cookie.contains("; Path=/some/path;") || cookie.ends_with("; Path=/some/path"), "{cookie}");
        let is_secure = host == "desk.example:8443";
        assert_eq!(cookie.starts_with("__Secure-countersign_session8443="), is_secure, "{cookie}");
        assert_eq!(cookie.contains("Secure;") || cookie.contains("; Secure"), is_secure, "{cookie}");
    }
    for origin in ["https://desk.example", "http://desk.example:8443", "https://evil.example:8443", "null"] {
        assert_eq!(logged_in(&server, BASE, "desk.example:8443", origin).0, Some(403), "{origin}");
    }
    assert_eq!(logged_in(&server, BASE, "evil.example:8443", "https://desk.example:8443").0, Some(421));
    // Without a path the cookie is the whole host's alone.
    let server = TestServer::with(&["--public-url", "https://desk.example"]);
    let (_, cookie) = logged_in(&server, "", "desk.example", "https://desk.example");
    assert!(cookie.starts_with("__Host-countersign_session=") && cookie.contains("Path=/"), "{cookie}");
}

#[test]
fn the_description_and_the_log_in_link_name_the_public_url() {
    let server = TestServer::with(&PUBLIC);
    let description = server.anonymous().get("/openapi.json").expect(200).body;
    assert_eq!(description["servers"], json!([{"url": "https://desk.example:8443/some/path"}]));
    let link = server.approver("ada").post_nothing("/v1/login-links").expect(201).body;
    let url = format!("https://desk.example:8443/some/path/login#{}", link["code"].as_str().unwrap());
    assert_eq!(link["url"], url);
    let plain = TestServer::start();
    assert!(plain.anonymous().get("/openapi.json").expect(200).body.get("servers").is_none());
    assert!(plain.approver("ada").post_nothing("/v1/login-links").expect(201).body.get("url").is_none());
}

#[test]
fn commands_reach_a_server_under_a_path() {
    let db = Database::new();
    let (agent, approver) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = Process::serve(&db, &PUBLIC);
    let command = |token: &str, path: &str, arguments: &[&str]| {
        let mut command = countersign();
        command.args(arguments).args(["--url", &format!("{}{path}", process.url)]).env("COUNTERSIGN_TOKEN", token);
        command
    };
    let run = |token: &str, path: &str, arguments: &[&str]| {
        let output = command(token, path, arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    for (id, path) in [("first", BASE), ("second", "/some/path/"), ("third", "")] {
        let ask = ["ask", "--request-id", id, "--tool", "shell", "--input", r#"{"command":"ls"}"#];
        let mut asking = command(&agent, path, &ask).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until(|| run(&approver, path, &["list"]).1.contains(id));
        assert!(run(&approver, path, &["show", id]).1.contains("ls"));
        let (code, said) = run(&approver, path, &["reject", id]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(asking.wait().unwrap().code(), Some(3), "{id} was not rejected");
    }
    let (code, said) = run(&approver, BASE, &["login"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("https://desk.example:8443/some/path/login#"), "{said}");
    // The path is sent, so another one leads to nothing.
    let (code, said) = run(&approver, "/other", &["list"]);
    assert_ne!(code, Some(0), "{said}");
    for bad in ["?a", "#a", "/a//b", "/../a", "/a b"] {
        assert_eq!(run(&approver, bad, &["list"]).0, Some(2), "{bad} was taken");
    }
}

#[test]
fn a_public_url_that_cannot_be_meant_is_refused_by_what_is_wrong() {
    let db = Database::new();
    let serve = |url: &str| {
        let mut command = countersign();
        command.args(["serve", "--listen", "127.0.0.1:0", "--public-url", url]).named(&db);
        command
    };
    for (url, why) in [
        ("desk.example/a", "does not begin with http:// or https://"),
        ("https://desk.example/a?b", "has a query"),
        ("https://desk.example/a#b", "has a fragment"),
        ("https://me@desk.example/a", "names a user"),
        ("https://desk.example/a/../b", "has `.` or `..`"),
        ("https://desk.example//a", "two slashes in a row"),
        ("https://desk.example/a b", "has a space"),
        ("https://desk.example/%61", "other characters"),
    ] {
        let output = serve(url).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}: {said}");
        assert!(said.contains(why), "{url}: {said}");
    }
    for own in ["/v1", "/rules/x", "/healthz", "/docs", "/icon.svg"] {
        let sentence = refused(&mut serve(&format!("https://desk.example{own}")));
        assert!(sentence.contains("which is the server's own"), "{sentence}");
    }
    assert!(!db.exists(), "a start that is refused makes no database");
}
