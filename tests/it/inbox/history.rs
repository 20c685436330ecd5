//! The page of the history: what it lists, filtered and in pages, and the SQL that shows the same.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::page::{Browser, between, column, link_of, sql_of, text_of, words_of};
use crate::harness::{Client, TestServer, altered, confirmation, countersign, is_postgres, question, secret};

/// A tool that tries to get out of HTML and SQL, and hides something.
const HOSTILE: &str = "it's \"<b>\u{202e}x--";

/// Of each kind and end something, of two agents.
fn varied() -> (TestServer, Client) {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    ann.register(&confirmation("approved"));
    bob.register(&altered(confirmation("rejected"), &json!({"confirmation": {"toolName": HOSTILE}})));
    ann.register(&altered(secret("answered"), &json!({"conversationId": "other"})));
    bob.register(&altered(question("expired"), &json!({"expiresInMs": 1})));
    ann.register(&confirmation("cancelled"));
    bob.register(&question("pending"));
    ada.confirm("approved", "allow").expect(200);
    ada.confirm("rejected", "deny").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "answered", "value": "hunter2"})).expect(200);
    ann.post_nothing("/v1/interactions/cancelled/cancel").expect(200);
    server.advance(Duration::from_millis(1));
    (server, ada)
}

/// The interactions that a page lists, in its order.
fn listed(page: &str) -> Vec<String> {
    between(page, "<li class=\"row\" data-request-id=\"", "\"")
}

/// What the page at `path` lists, and that its SQL finds the same.
#[track_caller]
fn same(server: &TestServer, browser: &Browser, path: &str) -> Vec<String> {
    let page = browser.page(path);
    let (shown, sql) = (listed(&page), sql_of(&page));
    assert_eq!(shown, column(&server.sql(&sql), 0), "{path}: {sql}");
    shown
}

#[test]
fn a_filter_shows_all_that_it_names_and_so_does_its_sql() {
    let (server, ada) = varied();
    let browser = ada.browser();
    for (query, shown) in [
        ("", "pending cancelled expired answered rejected approved"),
        ("?status=pending", "pending"),
        ("?status=expired&kind=&toolName=&principal=&conversationId=", "expired"),
        ("?kind=question", "pending expired"),
        ("?toolName=shell", "cancelled approved"),
        ("?toolName=it%27s+%22%3Cb%3E%E2%80%AEx--", "rejected"),
        ("?principal=ann&kind=confirmation", "cancelled approved"),
        ("?conversationId=other", "answered"),
        ("?conversationId=nowhere", ""),
        ("?q=make", "cancelled rejected approved"),
        ("?q=MAKE+-tool%3Ashell", "rejected"),
        ("?q=%22which%3F%22&kind=question", "pending expired"),
        ("?q=risk%3Amedium+-is%3Arejected", "cancelled approved"),
        ("?q=is%3Adecided+rule%3Anone+by%3Aada", "answered rejected approved"),
        ("?q=agent%3Ann", ""),
        ("?q=agent%3Aann+in%3Aconv", "cancelled approved"),
        ("?q=%25", ""),
        ("?q=rej", "rejected"),
        ("?q=-rule%3Aany+rule%3Ax", ""),
        ("?q=forge+until%3A1ms", ""),
    ] {
        let shown = shown.split_whitespace().collect::<Vec<_>>();
        assert_eq!(same(&server, &browser, &format!("/history{query}")), shown, "{query}");
    }
}

/// What is copied is pasted into terminals: all of it has to be seen.
#[test]
fn the_sql_hides_nothing_and_can_be_copied() {
    let (server, ada) = varied();
    let page = ada.browser().page("/history?toolName=it%27s+%22%3Cb%3E%E2%80%AEx--");
    let sql = sql_of(&page);
    let (char, at) = if is_postgres() { ("chr", "2030-01-01T00:00:00.000Z") } else { ("char", "2030-01-01 00:00:00") };
    assert!(sql.contains(&format!("tool_name = 'it''s \"<b>' || {char}(8238) || 'x--'")), "{sql}");
    assert!(page.contains("data-copy=\"sql\" hidden") && page.contains("src=\"/assets/pages."), "{page}");
    assert!(!page.contains('\u{202e}') || page.matches('\u{202e}').count() == 1, "only the filter has it as it is");
    let rows = server.sql(&sql);
    let ada_said = json!("ada");
    let at = json!(at);
    let row: Vec<Value> =
        ["rejected", "rejected", "confirmation", HOSTILE, "bob", "conversation"].map(Value::from).to_vec();
    assert_eq!(rows, [[row, vec![at.clone(), at, ada_said]].concat()]);
}

#[test]
fn a_row_says_who_asked_what_and_how_it_ended() {
    let (_server, ada) = varied();
    let page = ada.browser().page("/history");
    let rows = between(&page, "<a class=\"open\"", "</li>");
    let words = rows.iter().map(|row| words_of(row.split_once('>').unwrap().1)).collect::<Vec<_>>();
    let at = "2030-01-01 00:00:00 UTC";
    assert_eq!(
        words,
        [
            format!("?questionBbob question Which? / Why? pending {at}"),
            format!("◇medium riskAann shell make deploy cancelled by ann after 0s {at}"),
            format!("?questionBbob question Which? / Why? expired after 0s {at}"),
            format!("∗secretAann secret The forge's token answered by ada after 0s {at}"),
            format!("◇medium riskBbob it's \"<b>U+202Ex-- make deploy rejected by ada after 0s {at}"),
            format!("◇medium riskAann shell make deploy approved by ada after 0s {at}"),
        ]
    );
    for data in ["data-agent=\"bob\"", "data-risk=\"medium\"", "data-risk=\"none\"", "data-status=\"rejected\""] {
        assert!(page.contains(data), "{data}");
    }
    assert!(page.contains("&quot;&lt;b&gt;") && !page.contains("&quot;<b>") && !page.contains("hunter2"));
}

#[test]
fn a_row_says_how_long_a_decision_took_and_that_a_rule_made_it() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("ann"), server.approver("ada"));
    agent.register(&confirmation("slow"));
    server.advance(Duration::from_secs(90));
    ada.confirm("slow", "allow").expect(200);
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    agent.register(&confirmation("ruled"));
    let words = words_of(&ada.browser().page("/history"));
    assert!(words.contains("approved by ada after 1m 30s 2030-01-01 00:00:00 UTC"), "{words}");
    assert!(words.contains("approved by a rule after 0s 2030-01-01 00:01:30 UTC"), "{words}");
}

#[test]
fn a_long_history_comes_in_pages_each_with_its_sql() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let mut made = (0..120).map(|n| format!("r{n:03}")).collect::<Vec<_>>();
    for id in &made {
        agent.register(&confirmation(id));
    }
    made.reverse();
    let browser = ada.browser();
    let (mut seen, mut path, mut pages) = (Vec::new(), "/history?toolName=shell".to_owned(), 0);
    loop {
        seen.extend(same(&server, &browser, &path));
        pages += 1;
        let page = browser.page(&path);
        assert_eq!(link_of(&page, "first").is_some(), pages > 1);
        match link_of(&page, "next") {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!((seen, pages), (made, 3));
}

/// The ids that the interface lists, in its order.
fn ids(client: &Client, query: &str) -> Vec<String> {
    let found = client.get(&format!("/v1/interactions?{query}")).expect(200).body;
    let found = found["interactions"].as_array().unwrap().iter();
    found.map(|item| item["requestId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_filter_of_the_interface_is_a_field_and_finds_the_same() {
    let server = TestServer::start();
    let (agent, ada, bob) = (server.agent("builder"), server.approver("ada"), server.approver("bob"));
    for risk in ["low", "medium", "high"] {
        agent.register(&altered(confirmation(risk), &json!({"confirmation": {"riskLevel": risk}})));
        server.advance(Duration::from_secs(3600));
    }
    agent.register(&question("open"));
    ada.confirm("low", "allow").expect(200);
    bob.confirm("medium", "deny").expect(200);
    let browser = ada.browser();
    for (query, shown) in [
        ("risk=high", "high"),
        ("by=bob", "medium"),
        ("by=nobody", ""),
        ("status=approved&status=rejected", "medium low"),
        ("status=pending&status=approved&risk=low", "low"),
        ("since=2030-01-01T01:00:00Z&until=2030-01-01T03:00:00Z", "high medium"),
        ("since=2030-01-01T03%3A00%3A00%2B01%3A00", "open high"),
    ] {
        let shown = shown.split_whitespace().collect::<Vec<_>>();
        assert_eq!(same(&server, &browser, &format!("/history?{query}")), shown, "{query}");
        assert_eq!(ids(&ada, query), shown, "{query}");
    }
    // As people say it, by the server's clock; and what a form sends whose fields are empty.
    for (query, shown) in [
        ("since=2h", "open high medium"),
        ("until=90m", "medium low"),
        ("since=2030-01-01", "open high medium low"),
        ("until=2030-01-01", ""),
        ("status=pending&kind=&risk=&toolName=&principal=&by=&conversationId=&since=&until=", "open high"),
    ] {
        let shown = shown.split_whitespace().collect::<Vec<_>>();
        assert_eq!(same(&server, &browser, &format!("/history?{query}")), shown, "{query}");
    }
    let page = browser.page("/history?status=approved&status=rejected&risk=low&by=ada&since=7d&until=2031-01-01");
    for kept in [
        "value=\"approved\" checked",
        "value=\"rejected\" checked",
        "<option selected>low",
        "name=\"by\" value=\"ada\"",
        "name=\"since\" value=\"7d\"",
        "name=\"until\" value=\"2031-01-01\"",
    ] {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    assert!(!page.contains("value=\"pending\" checked"));
    // They are folded until one of them is used; the query is none of them.
    let is_open =
        |query: &str| browser.page(&format!("/history{query}")).contains("<details class=\"fold more\" open>");
    let queries = ["", "?q=make", "?status=&kind=", "?status=pending", "?by=ada"];
    assert_eq!(queries.map(is_open), [false, false, false, true, true]);
}

#[test]
fn what_cannot_be_read_is_said_beside_its_field_and_nothing_is_listed() {
    let (_server, ada) = varied();
    let browser = ada.browser();
    for (name, typed, fault) in [
        ("status", "done", "expected one of"),
        ("kind", "pigeon", "expected one of"),
        ("risk", "none", "expected one of"),
        ("toolName", "a\u{1}b", "a name is"),
        ("principal", "a b", "an id is"),
        ("by", "<b>", "an id is"),
        ("conversationId", "/", "an id is"),
        ("since", "yesterday", "write a time"),
        ("until", "2030-02-31", "write a time"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, typed).finish();
        let answer = browser.get(&format!("/history?status=approved&{query}")).expect(400);
        let said = between(&answer.text, &format!("id=\"{name}-fault\">"), "</span>");
        assert!(said.len() == 1 && said[0].contains(fault), "{name}: {said:?}");
        assert!(answer.text.contains(&format!("aria-describedby=\"{name}-fault\"")), "{}", answer.text);
        assert!(listed(&answer.text).is_empty() && !answer.text.contains("id=\"sql\""), "{name}: {}", answer.text);
        assert!(answer.text.contains("value=\"approved\" checked"), "what is right stays: {}", answer.text);
        assert!(!answer.text.contains("<b>"), "{}", answer.text);
        let file = browser.get(&format!("/history.csv?{query}")).expect(400);
        assert!(file.text.contains(fault), "{name}: {}", file.text);
    }
    let answer = browser.get("/history?since=2030-01-02&until=2030-01-01").expect(400);
    assert!(answer.text.contains("<code>until</code>: until is not before since"), "{}", answer.text);
    let answer = browser.get("/history?status=pending&status=pending").expect(400);
    assert!(answer.text.contains("the same value comes twice"), "{}", answer.text);
}

#[test]
fn the_link_to_the_next_page_keeps_every_filter() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    for number in 0..60 {
        agent.register(&confirmation(&format!("r{number}")));
        ada.confirm(&format!("r{number}"), if number % 2 == 0 { "allow" } else { "deny" }).expect(200);
    }
    let browser = ada.browser();
    let filters = "status=approved&status=rejected&kind=confirmation&toolName=shell&principal=builder&conversationId=conversation\
                   &risk=medium&by=ada&since=7d&until=2031-01-01";
    let next = link_of(&browser.page(&format!("/history?{filters}")), "next").unwrap();
    for filter in filters.split('&') {
        assert!(next.contains(filter.trim()), "{filter}: {next}");
    }
    assert_eq!(listed(&browser.page(&next)).len(), 10);
    let first = link_of(&browser.page(&next), "first").unwrap();
    assert_eq!(listed(&browser.page(&first)).len(), 50);
}

#[test]
fn what_is_filtered_is_downloaded_as_the_command_prints_it() {
    let (server, ada) = varied();
    let agent = server.agent("ann");
    for number in 0..501 {
        agent.register(&confirmation(&format!("many-{number}")));
    }
    let browser = ada.browser();
    for (query, arguments) in [
        ("", &["-n", "10000"][..]),
        ("?status=rejected&status=answered", &["--status", "rejected", "--status", "answered"]),
        ("?kind=question&principal=bob", &["--from", "bob", "--kind", "question"]),
        ("?principal=nobody", &["--from", "nobody"]),
    ] {
        let link = between(&browser.page(&format!("/history{query}")), "href=\"/history.csv", "\"");
        assert_eq!(text_of(&link[0]), query);
        let answer = browser.get(&format!("/history.csv{query}")).expect(200);
        assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"countersign-history.csv\"");
        let mut command = countersign();
        command.env("COUNTERSIGN_URL", &ada.url).env("COUNTERSIGN_TOKEN", ada.token.as_ref().unwrap());
        let printed = command.args(["history", "--csv"]).args(arguments).output().unwrap();
        assert_eq!(answer.text, String::from_utf8(printed.stdout).unwrap(), "{query}");
    }
    assert_eq!(
        Browser::anonymous(&server.url).get("/history.csv").expect(303).headers["location"],
        "/login?next=%2Fhistory.csv"
    );
}

#[test]
fn a_long_subject_is_cut_in_the_list_and_says_so() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let command = format!("{}rm -rf /", "é".repeat(10_000));
    agent.register(&altered(confirmation("long"), &json!({"confirmation": {"input": {"command": command}}})));
    let browser = ada.browser();
    let page = browser.page("/history");
    assert!(page.contains(&format!("{}…</code>", "é".repeat(160))) && !page.contains("rm -rf"), "{page}");
    assert!(browser.page("/interactions/long").contains("rm -rf /"), "the story has all of it");
}

#[test]
fn a_query_that_cannot_be_read_is_marked_and_nothing_is_listed() {
    let (_server, ada) = varied();
    let browser = ada.browser();
    for path in ["/history?q=state%3Aopen", "/?q=state%3Aopen"] {
        let answer = browser.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text.contains("role=\"searchbox\"") && answer.text.contains("aria-invalid=\"true\""), "{path}");
        assert!(text_of(&answer.text).contains("state: is no field"), "{path}");
        assert!(!answer.text.contains("/interactions/"), "{path}");
    }
}

#[test]
fn the_queue_shows_what_is_found_of_what_waits() {
    let (server, ada) = varied();
    let ann = server.agent("ann");
    ann.register(&altered(confirmation("deploy"), &json!({"confirmation": {"input": {"command": "make deploy"}}})));
    ann.register(&altered(confirmation("build"), &json!({"confirmation": {"input": {"command": "make build"}}})));
    let browser = ada.browser();
    let cards = |path: &str| between(&browser.page(path), "<li class=\"row pending\" data-request-id=\"", "\"");
    assert_eq!(cards("/?q=make"), ["build", "deploy"]);
    assert_eq!(cards("/?q=make+deploy"), ["deploy"]);
    assert_eq!(cards("/?q=make+is%3Aapproved"), Vec::<String>::new());
    assert_eq!(cards("/?q=kind%3Aquestion&agent=bob"), ["pending"]);
    assert!(browser.page("/?q=nothing").contains("Nothing that waits is found."));
    // To keep what is shown of one agent alone keeps that, too.
    let page = browser.page("/?q=make&agent=ann");
    assert!(page.contains("name=\"q\" value=\"make agent:ann\"") && page.contains("Keep as a view"), "{page}");
    assert_eq!(cards("/?q=make+agent%3Aann"), ["build", "deploy"]);
}

#[test]
fn views_are_kept_shown_on_both_pages_and_deleted_each_persons_own() {
    let (server, ada) = varied();
    let browser = ada.browser();
    let page = browser.page("/history?q=MAKE++is%3Aopen");
    assert!(page.contains("Keep as a view") && page.contains("value=\"MAKE is:pending\""), "{page}");
    let keep = |name: &str, query: &str| browser.submit("/views", &[("name", name), ("q", query), ("at", "history")]);
    keep("<b>mine", "MAKE is:open").expect(303);
    keep("second", "kind:secret").expect(303);
    for page in ["/", "/history"] {
        let page = browser.page(page);
        let views = between(&page, "<nav aria-label=\"Your views\">", "</nav>").remove(0);
        assert!(views.contains("&#60;b&#62;mine") && views.find("mine") < views.find("second"), "{views}");
        assert!(views.contains("?q=MAKE+is%3Apending"), "{views}");
    }
    let page = browser.page("/history?q=MAKE+is%3Apending");
    assert!(page.contains("aria-current=\"page\"") && !page.contains("Keep as a view"), "{page}");
    for (name, query) in [("", "make"), ("a", ""), ("a", "x:y:z"), ("a", "no:field")] {
        let refused = browser.submit("/views", &[("name", name), ("q", query), ("at", "history")]);
        assert_eq!(refused.status, if query == "x:y:z" { 303 } else { 400 }, "{name} {query}: {}", refused.text);
    }
    let other = server.approver("bea").browser();
    assert!(!other.page("/history").contains("Your views"));
    assert_eq!(other.submit("/views/delete", &[("name", "second"), ("at", "queue")]).status, 404);
    browser.submit("/views/delete", &[("name", "second"), ("at", "queue")]).expect(303);
    assert!(!browser.page("/").contains("second"));
}

#[test]
fn files_of_what_is_found_hold_all_of_it() {
    let (_server, ada) = varied();
    let browser = ada.browser();
    let page = browser.page("/history?q=make+-tool%3Ashell");
    assert!(
        page.contains("href=\"/history.csv?q=make+-tool%3Ashell\"") && page.contains("/history.jsonl?q="),
        "{page}"
    );
    let csv = browser.get("/history.csv?q=make+-tool%3Ashell").expect(200).text;
    assert_eq!(csv.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(), ["rejected"]);
    let lines = browser.get("/history.jsonl?q=is%3Aexpired").expect(200).text;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["requestId"]).collect::<Vec<_>>(), ["expired"]);
}
