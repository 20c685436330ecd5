//! Pages of what a query finds hold all of it once, whatever their size.

use serde_json::{Value, json};

use super::{command, encoded, ids_of, started};
use crate::harness::{Client, until};

/// Goes through a list page by page.
fn walk(client: &Client, query: &str, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let at = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let body = client.get(&format!("/v1/interactions?limit={limit}&q={}{at}", encoded(query))).expect(200).body;
        found.extend(ids_of(&body));
        cursor = body["nextCursor"].clone();
        if cursor.is_null() {
            return found;
        }
    }
}

#[test]
fn pages_hold_each_match_once_with_signatures_and_without() {
    let (server, agent, ada) = started();
    const COUNT: usize = 400;
    for number in 0..COUNT {
        let nth = if number % 7 == 0 { "seventh" } else { "other" };
        command(&agent, &format!("r{number:03}"), &format!("echo {nth} number-{number}"));
        if number % 3 != 0 {
            ada.confirm(&format!("r{number:03}"), "allow").expect(200);
        }
    }
    until(|| server.count("search_blocks") == 2);
    let of = |is_it: fn(usize) -> bool| -> Vec<String> {
        (0..COUNT).rev().filter(|number| is_it(*number)).map(|number| format!("r{number:03}")).collect()
    };
    for (query, expected) in [
        ("seventh", of(|number| number % 7 == 0)),
        ("seventh is:approved", of(|number| number % 7 == 0 && number % 3 != 0)),
        ("seventh is:open", of(|number| number % 7 == 0 && number % 3 == 0)),
        ("-seventh", of(|number| number % 7 != 0)),
        ("number-17", of(|number| number == 17 || (170..180).contains(&number))),
        ("\"seventh number-0\"", of(|number| number == 0)),
        ("id:r00 by:ada", of(|number| number < 10 && number % 3 != 0)),
        ("nowhere", of(|_| false)),
        ("agent:claude number-399 is:pending", of(|number| number == 399)),
    ] {
        for limit in [1, 7, 500] {
            assert_eq!(walk(&ada, query, limit), expected, "{query} by {limit}");
        }
    }
    let said = json!({"requestId": "r003", "decision": "allow", "comment": "a remark that comes late"});
    ada.post("/v1/confirm", &said).expect(200);
    assert_eq!(walk(&ada, "\"comes late\"", 1), ["r003"]);
}

#[test]
fn all_of_an_agent_is_rejected_only_from_where_all_of_it_is_shown() {
    let (_server, agent, ada) = started();
    command(&agent, "one", "echo one");
    command(&agent, "two", "echo two");
    let page = |path: &str| ada.browser().get(path).expect(200).text;
    assert!(page("/?agent=claude-ci").contains("Reject all 2 of claude-ci"));
    let narrowed = page("/?agent=claude-ci&q=one");
    assert!(narrowed.contains("echo one") && !narrowed.contains("Reject all"));
}
