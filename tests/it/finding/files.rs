//! Lists as files over REST: all that is found, however many pages that takes.

use serde_json::{Value, json};

use super::{command, encoded, started};
use crate::harness::confirmation;
use crate::harness::outside::{without_trigger, write_sql};

#[test]
fn a_file_holds_all_that_is_found_as_it_is_asked_for() {
    let (_server, agent, ada) = started();
    for number in 0..620 {
        command(&agent, &format!("r{number:03}"), &format!("echo {}", if number % 2 == 0 { "even" } else { "odd" }));
    }
    let expected: Vec<String> =
        (0..620).rev().filter(|number| number % 2 == 0).map(|number| format!("r{number:03}")).collect();
    let path = |format: &str| format!("/v1/interactions?q={}&format={format}", encoded("even"));
    let csv = ada.get(&path("csv")).expect(200);
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(csv.headers["content-disposition"], "attachment; filename=\"countersign-interactions.csv\"");
    let ids: Vec<&str> = csv.text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(ids, expected);
    let lines = ada.get(&path("jsonl")).expect(200);
    assert_eq!(lines.headers["content-type"], "application/jsonl; charset=utf-8");
    let lines: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["requestId"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(lines[0], ada.look("r618"));
    let own = agent.get("/v1/interactions?format=jsonl&status=approved").expect(200);
    assert_eq!(own.text, "");
}

#[test]
fn a_format_is_chosen_by_what_is_accepted_and_no_other_is_taken() {
    let (_server, agent, ada) = started();
    command(&agent, "one", "echo");
    for (accept, content_type) in [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/x-ndjson, */*;q=0.9", "application/jsonl; charset=utf-8"),
        ("application/json;q=0.1, text/csv;q=0.2", "text/csv; charset=utf-8"),
        ("application/json, text/csv", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ] {
        let answer = ada.try_send("GET", "/v1/interactions", &[("accept", accept)], None).unwrap().expect(200);
        assert_eq!(answer.headers["content-type"], content_type, "{accept}");
    }
    for refused in ["format=xml", "format=", "format=csv&limit=5", "format=csv&cursor=x", "format=csv&q=no%3Afield"] {
        assert_eq!(ada.get(&format!("/v1/interactions?{refused}")).refusal(), (400, "malformed_request"), "{refused}");
    }
}

/// However large they are: a page ends where it has read as much as it may, and says where the next one begins.
#[test]
fn a_search_through_large_inputs_goes_on_from_page_to_page() {
    let (server, agent, ada) = started();
    command(&agent, "needle", "the needle");
    let large = "x".repeat(250_000);
    for number in 0..160 {
        let mut asked = confirmation(&format!("r{number}"));
        asked["confirmation"]["input"] = json!({"command": "true", "blob": large});
        agent.register(&asked);
        ada.confirm(&format!("r{number}"), "deny").expect(200);
    }
    let body = ada.get("/v1/interactions?q=needle").expect(200).body;
    assert_eq!(body["interactions"], json!([]));
    let next = body["nextCursor"].as_str().expect("the first page read all of it");
    let body = ada.get(&format!("/v1/interactions?q=needle&cursor={next}")).expect(200).body;
    assert_eq!(super::ids_of(&body), ["needle"]);
    let risky = ada.get("/v1/interactions?risk=high").expect(200).body;
    assert_eq!(risky["interactions"], json!([]));
    assert!(risky["nextCursor"].is_string());
    for path in ["/v1/interactions?format=jsonl&q=needle", "/v1/interactions?format=csv&q=needle%20risk%3Amedium"] {
        assert!(ada.get(path).expect(200).text.contains("the needle"), "{path}");
    }
    drop(server);
}

/// What is found out before anything was sent is an answer with its status, and what is found out later breaks the file off.
#[test]
fn a_file_that_cannot_be_read_is_refused_or_broken_off() {
    let (server, agent, ada) = started();
    for number in 0..520 {
        command(&agent, &format!("r{number}"), "echo");
    }
    write_sql(&server.db(), &without_trigger("interaction_bodies", "interaction_bodies_never_change")).unwrap();
    let spoil = |id: &str| {
        let sql = format!(
            "UPDATE interaction_bodies SET body = '[]' WHERE interaction_id = (SELECT interaction_id FROM interactions WHERE request_id = '{id}')"
        );
        write_sql(&server.db(), &sql).unwrap();
    };
    let browser = ada.browser();
    spoil("r0");
    for format in ["csv", "jsonl"] {
        let file = ada.try_send("GET", &format!("/v1/interactions?format={format}"), &[], None);
        assert!(file.is_err(), "it looks whole: {file:?}");
    }
    spoil("r519");
    for format in ["csv", "jsonl"] {
        assert_eq!(ada.get(&format!("/v1/interactions?format={format}")).status, 500);
        assert_eq!(browser.get(&format!("/history.{format}")).status, 500);
    }
    assert_eq!(browser.get("/history.csv?cursor=&kind=secret").status, 200);
}

#[test]
fn views_are_each_persons_own_in_the_order_in_which_they_were_made() {
    let (server, agent, ada) = started();
    let bea = server.approver("bea");
    let keep = |name: &str, query: &str| ada.post("/v1/views", &json!({"name": name, "query": query}));
    let made = keep("prod risks", " kubectl  RISK:high is:open").expect(201).body;
    assert_eq!((&made["name"], &made["query"]), (&json!("prod risks"), &json!("kubectl risk:high is:pending")));
    keep("über", "by:ada").expect(201);
    keep("prod risks", "kubectl").expect(200);
    let names = |body: Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        body["views"].as_array().unwrap().iter().map(|view| (text(&view["name"]), text(&view["query"]))).collect()
    };
    let own = names(ada.get("/v1/views").expect(200).body);
    assert_eq!(own, [("prod risks".to_owned(), "kubectl".to_owned()), ("über".to_owned(), "by:ada".to_owned())]);
    assert!(names(bea.get("/v1/views").expect(200).body).is_empty());
    assert_eq!(bea.delete("/v1/views/prod%20risks").refusal(), (404, "unknown_view"));
    assert_eq!(agent.get("/v1/views").refusal(), (403, "forbidden"));
    for (name, query, field) in [
        ("", "a", "name"),
        (" a", "a", "name"),
        ("a\nb", "a", "name"),
        ("a\u{200b}b", "a", "name"),
        ("\u{202e}b", "a", "name"),
        ("\u{2800}", "a", "name"),
        ("a", " ", "query"),
        ("a", "no:field", "query"),
    ] {
        let refused = keep(name, query);
        assert_eq!(
            (refused.refusal(), &refused.body["field"]),
            ((400, "malformed_request"), &json!(field)),
            "{name:?} {query:?}"
        );
    }
    assert_eq!(keep(&"x".repeat(65), "a").refusal().0, 400);
    assert_eq!(ada.delete("/v1/views/prod%20risks").expect(200).body["query"], "kubectl");
    for number in 0..99 {
        keep(&format!("view {number}"), "a").expect(201);
    }
    assert_eq!(keep("one too many", "a").refusal(), (409, "too_many_views"));
    keep("über", "another").expect(200);
    assert_eq!(names(ada.get("/v1/views").expect(200).body).len(), 100);
}
