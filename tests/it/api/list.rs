//! The lists: `GET /v1/interactions`, `/v1/pending-interactions`, `/v1/trust-rules`, `/v1/audit-events`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::outside::write_sql;
use crate::harness::{Client, TestServer, confirmation, question, responses, secret};

/// A member of every item of a list, and the cursor of its next page.
#[track_caller]
fn page(client: &Client, path: &str, list: &str, id: &str) -> (Vec<Value>, Option<String>) {
    let body = client.get(path).expect(200).body;
    let cursor = &body["nextCursor"];
    assert!(cursor.is_null() || cursor.is_string(), "{cursor}");
    let cursor = cursor.as_str().map(str::to_owned);
    (body[list].as_array().unwrap().iter().map(|item| item[id].clone()).collect(), cursor)
}

#[track_caller]
fn ids(client: &Client, path: &str) -> Vec<Value> {
    page(client, path, "interactions", "requestId").0
}

fn in_conversation(mut registration: Value, conversation: Option<&str>) -> Value {
    registration["conversationId"] = json!(conversation);
    registration
}

/// Eight interactions of two agents: one for each status and two that are pending.
fn varied() -> (TestServer, Client, Client, Client) {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    let mut other_tool = confirmation("rejected");
    other_tool["confirmation"]["toolName"] = json!("browser");
    let mut brief = in_conversation(question("expired"), None);
    brief["expiresInMs"] = json!(1);
    ann.register(&confirmation("approved"));
    bob.register(&other_tool);
    ann.register(&in_conversation(secret("answered"), Some("other")));
    bob.register(&brief);
    ann.register(&in_conversation(confirmation("cancelled"), None));
    bob.register(&in_conversation(question("superseded"), Some("gone")));
    ann.register(&question("pending-1"));
    bob.register(&in_conversation(confirmation("pending-2"), Some("other")));
    ada.confirm("approved", "allow").expect(200);
    ada.confirm("rejected", "deny").expect(200);
    ada.post("/v1/secret", &json!({"requestId": "answered", "value": "v"})).expect(200);
    ann.post_nothing("/v1/interactions/cancelled/cancel").expect(200);
    bob.post_nothing("/v1/conversations/gone/supersede").expect(200);
    server.advance(Duration::from_millis(1));
    (server, ann, bob, ada)
}

#[test]
fn a_filter_shows_all_that_it_names_and_nothing_else() {
    let (server, _, _, ada) = varied();
    for (query, shown) in [
        ("", "pending-2 pending-1 superseded cancelled expired answered rejected approved"),
        ("status=pending", "pending-2 pending-1"),
        ("status=approved", "approved"),
        ("status=rejected", "rejected"),
        ("status=answered", "answered"),
        ("status=expired", "expired"),
        ("status=cancelled", "cancelled"),
        ("status=superseded", "superseded"),
        ("kind=confirmation", "pending-2 cancelled rejected approved"),
        ("kind=secret", "answered"),
        ("kind=question", "pending-1 superseded expired"),
        ("conversationId=conversation", "pending-1 rejected approved"),
        ("conversationId=other", "pending-2 answered"),
        ("conversationId=nowhere", ""),
        ("toolName=shell", "pending-2 cancelled approved"),
        ("toolName=browser", "rejected"),
        ("toolName=shel%25", ""),
        ("principal=ann", "pending-1 cancelled answered approved"),
        ("principal=bob", "pending-2 superseded expired rejected"),
        ("principal=ada", ""),
        ("status=pending&kind=confirmation", "pending-2"),
        ("status=pending&kind=secret", ""),
        ("status=pending&conversationId=other&toolName=shell&principal=bob&kind=confirmation", "pending-2"),
        ("conversationId=conversation&principal=ann&limit=1", "pending-1"),
    ] {
        let shown = shown.split_whitespace().map(Value::from).collect::<Vec<_>>();
        assert_eq!(ids(&ada, &format!("/v1/interactions?{query}")), shown, "{query}");
    }
    let written = server.sql("SELECT status, resolved_by_system FROM interactions WHERE request_id = 'expired'");
    assert_eq!(written, [[json!("expired"), json!("expired")]], "a list shows only what the file says");
}

#[test]
fn an_agent_sees_only_what_is_its_own_in_every_list() {
    let (_server, ann, bob, _) = varied();
    assert_eq!(ids(&ann, "/v1/interactions"), ["pending-1", "cancelled", "answered", "approved"]);
    assert_eq!(ids(&bob, "/v1/interactions?status=pending"), ["pending-2"]);
    assert_eq!(ids(&ann, "/v1/interactions?principal=ann&kind=secret"), ["answered"]);
    assert_eq!(ids(&ann, "/v1/interactions?principal=bob"), Vec::<Value>::new());
    assert_eq!(ids(&ann, "/v1/interactions?conversationId=other"), ["answered"]);
    let (mut about, _) = page(&bob, "/v1/audit-events", "auditEvents", "requestId");
    about.sort_by_key(ToString::to_string);
    about.dedup();
    assert_eq!(about, ["expired", "pending-2", "rejected", "superseded"]);
}

#[test]
fn paging_neither_skips_nor_repeats_while_new_ones_arrive() {
    const COUNT: usize = 13;
    type MakeOne = fn(&Client, usize);
    let lists: [(&str, &str, &str, MakeOne); 4] = [
        ("/v1/interactions?", "interactions", "requestId", register_one),
        ("/v1/pending-interactions?", "interactions", "requestId", register_one),
        ("/v1/interactions?kind=secret&status=pending&", "interactions", "requestId", register_one),
        ("/v1/trust-rules?status=active&", "trustRules", "pattern", make_rule),
    ];
    for (path, list, id, make_one) in lists {
        for limit in [1, 2, 5, 12, 13, 14] {
            let server = TestServer::start();
            let admin = server.client("root", countersign::domain::enums::Role::Admin);
            (0..COUNT).for_each(|number| make_one(&admin, number));
            let expected = (0..COUNT).rev().map(|number| json!(format!("n{number}"))).collect::<Vec<_>>();
            let seen = walk(|cursor, pages| {
                make_one(&admin, COUNT + pages);
                page(&admin, &format!("{path}limit={limit}{cursor}"), list, id)
            });
            // The first page comes after one arrival, which it shows.
            assert_eq!(seen[0], format!("n{COUNT}"), "{path} by {limit}");
            assert_eq!(seen[1..], expected, "{path} by {limit}");
        }
    }
}

/// All pages from the first to the one without a successor.
fn walk(mut next_page: impl FnMut(&str, usize) -> (Vec<Value>, Option<String>)) -> Vec<Value> {
    let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (items, next) = next_page(&cursor, pages);
        seen.extend(items);
        pages += 1;
        match next {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
        assert!(pages < 100, "it never ends");
    }
}

fn register_one(client: &Client, number: usize) {
    client.register(&secret(&format!("n{number}")));
}

fn make_rule(client: &Client, number: usize) {
    let rule = json!({"toolName": "shell", "pattern": format!("n{number}"), "scope": "everywhere", "decision": "ask"});
    client.post("/v1/trust-rules", &rule).expect(201);
}

#[test]
fn the_history_in_pages_is_the_table_backwards() {
    let (server, _, _, ada) = varied();
    // So that no sweep comes between one page and the next.
    assert_eq!(ada.look("expired")["status"], "expired");
    let seqs = server.sql("SELECT seq FROM audit_events ORDER BY seq DESC").into_iter().flatten().collect::<Vec<_>>();
    for limit in [1, 3, 500] {
        let path = format!("/v1/audit-events?limit={limit}");
        assert_eq!(walk(|cursor, _| page(&ada, &format!("{path}{cursor}"), "auditEvents", "seq")), seqs);
    }
    for (query, condition) in [
        ("requestId=approved", "request_id = 'approved'"),
        ("principal=ada", "principal = 'ada'"),
        ("principal=bob&requestId=superseded", "principal = 'bob' AND request_id = 'superseded'"),
    ] {
        let told = server.sql(&format!("SELECT event FROM audit_events WHERE {condition} ORDER BY seq DESC"));
        let shown = page(&ada, &format!("/v1/audit-events?{query}"), "auditEvents", "event").0;
        assert_eq!((shown, told.is_empty()), (told.into_iter().flatten().collect(), false), "{query}");
    }
}

#[test]
fn a_page_has_fifty_items_unless_told_otherwise() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    (0..51).for_each(|number| register_one(&agent, number));
    let (first, cursor) = page(&agent, "/v1/interactions", "interactions", "requestId");
    assert_eq!((first.len(), &first[0], &first[49]), (50, &json!("n50"), &json!("n1")));
    let rest = page(&agent, &format!("/v1/interactions?cursor={}", cursor.unwrap()), "interactions", "requestId");
    assert_eq!(rest, (vec![json!("n0")], None));
    assert_eq!(page(&agent, "/v1/interactions?limit=500", "interactions", "requestId").0.len(), 51);
}

#[track_caller]
fn newest_pending(client: &Client, conversation: &str) -> [Value; 3] {
    let body = client.get(&format!("/v1/pending-interactions?conversationId={conversation}")).expect(200).body;
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    ["pendingConfirmation", "pendingSecret", "pendingQuestion"].map(|kind| {
        assert!(body[kind].is_null() || body[kind]["status"] == "pending", "{body}");
        body[kind]["requestId"].clone()
    })
}

#[test]
fn of_several_pending_in_a_conversation_the_newest_of_each_kind_is_shown() {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    assert_eq!(newest_pending(&ada, "conversation"), [Value::Null, Value::Null, Value::Null]);
    ann.register(&confirmation("c1"));
    assert_eq!(newest_pending(&ada, "conversation"), [json!("c1"), Value::Null, Value::Null]);
    ann.register(&question("q1"));
    let mut brief = confirmation("c2");
    brief["expiresInMs"] = json!(1000);
    bob.register(&brief);
    ann.register(&secret("s1"));
    bob.register(&secret("s2"));
    bob.register(&in_conversation(question("q2"), Some("elsewhere")));
    bob.register(&in_conversation(question("q3"), None));
    assert_eq!(newest_pending(&ada, "conversation"), [json!("c2"), json!("s2"), json!("q1")]);
    assert_eq!(newest_pending(&ada, "elsewhere"), [Value::Null, Value::Null, json!("q2")]);
    assert_eq!(ids(&ada, "/v1/pending-interactions"), ["q3", "q2", "s2", "s1", "c2", "q1", "c1"]);
    server.advance(Duration::from_secs(1));
    ada.post("/v1/secret", &json!({"requestId": "s2", "value": "v"})).expect(200);
    ada.post("/v1/question-response", &json!({"requestId": "q1", "responses": responses()})).expect(200);
    assert_eq!(newest_pending(&ada, "conversation"), [json!("c1"), json!("s1"), Value::Null]);
    assert_eq!(ids(&ada, "/v1/pending-interactions"), ["q3", "q2", "s1", "c1"]);
}

#[test]
fn what_a_list_shows_is_what_a_look_shows_to_the_letter() {
    const INPUT: &str = r#"{ "big" : 18446744073709551615,"neighbour":9007199254740993, "small":-9223372036854775808,"f":1.50,"e":1E2 }"#;
    let server = TestServer::start();
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    let body = confirmation("c");
    let body = body.to_string().replace(r#"{"command":"make deploy"}"#, INPUT);
    agent.post_text("/v1/interactions", &body).expect(201);
    let looked = agent.get("/v1/interactions/c").expect(200).text;
    assert!(looked.contains(INPUT), "{looked}");
    for path in ["/v1/interactions", "/v1/pending-interactions", "/v1/pending-interactions?conversationId=conversation"]
    {
        let listed = ada.get(path).expect(200).text;
        assert!(listed.contains(&looked), "{path}: {listed}");
    }
    ada.confirm("c", "allow").expect(200);
    let looked = agent.get("/v1/interactions/c").expect(200).text;
    assert_eq!(looked.matches(INPUT).count(), 2, "as proposed and as effective: {looked}");
    assert!(ada.get("/v1/interactions?status=approved").expect(200).text.contains(&looked));
}

/// A list of many large interactions must not take the server's memory: its pages are then shorter than was asked for.
#[test]
fn a_page_ends_before_it_is_too_large_and_the_cursor_goes_on() {
    let server = TestServer::start();
    let agent = server.agent("builder");
    for number in 0..12 {
        let mut registration = confirmation(&format!("c{number:02}"));
        registration["metadata"] = json!({"notes": "x".repeat(900 * 1024)});
        agent.register(&registration);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/interactions?limit=500".to_owned());
    loop {
        let page = agent.get(&path).expect(200);
        assert!(page.text.len() < 8 * 1024 * 1024, "a page of {} bytes", page.text.len());
        let interactions = page.body["interactions"].as_array().unwrap();
        seen.extend(interactions.iter().map(|interaction| interaction["requestId"].as_str().unwrap().to_owned()));
        match page.body["nextCursor"].as_str() {
            Some(cursor) => path = format!("/v1/interactions?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..12).rev().map(|number| format!("c{number:02}")).collect::<Vec<_>>());
}

#[test]
fn a_page_looks_through_only_so_much_and_the_cursor_goes_on() {
    let server = TestServer::start();
    let (mine, theirs) = (server.agent("builder"), server.agent("other"));
    mine.register(&confirmation("old"));
    mine.post_nothing("/v1/interactions/old/cancel").expect(200);
    theirs.register(&secret("between"));
    // So much of another agent's that one page may not look through all of it.
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 45000)";
    for rows in [
        "INSERT INTO interactions (interaction_id, request_id, kind, status, registered_by, created_at_ms, resolved_at_ms, resolved_by_principal) \
         SELECT 2 + i, 'filler-' || i, 'secret', 'cancelled', 'other', 1, 1, 'other' FROM n",
        "INSERT INTO interaction_bodies (interaction_id, body, metadata, content_sha256) \
         SELECT 2 + i, '{}', '{}', zeroblob(32) FROM n",
        "INSERT INTO audit_events (seq, at_ms, event, request_id, hash) \
         SELECT last + i, 1893456000000, 'interaction.registered', 'filler-' || i, zeroblob(32) FROM n, (SELECT max(seq) AS last FROM audit_events) AS l",
    ] {
        let (table, values) = rows.split_once(" SELECT ").unwrap();
        write_sql(&server.db(), &format!("{table} {many} SELECT {values}")).unwrap();
    }
    mine.register(&confirmation("new"));
    // An agent's own events have an index.
    for (path, list, id, expected, looks) in [
        ("/v1/interactions", "interactions", "requestId", ["new", "old"].as_slice(), 3),
        ("/v1/audit-events", "auditEvents", "requestId", &["new", "old", "old"], 1),
    ] {
        let mut pages = 0;
        let seen = walk(|cursor, _| {
            pages += 1;
            page(&mine, &format!("{path}?limit=10{cursor}"), list, id)
        });
        assert_eq!(seen, expected, "{path}");
        assert_eq!(pages, looks, "{path}");
    }
    // What is asked for by its id is found at once, however long ago it was.
    assert_eq!(page(&mine, "/v1/audit-events?requestId=old", "auditEvents", "requestId").0.len(), 2);
    assert_eq!(
        mine.feed(Some(0)).take(3).iter().map(|(_, event)| event.as_str()).collect::<Vec<_>>(),
        ["interaction.registered", "interaction.cancelled", "interaction.registered"]
    );
}
