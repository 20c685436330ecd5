//! The page of numbers: what was asked in two weeks, by day, and what waits by agent; each chart with its table.

use std::time::Duration;

use serde_json::json;

use crate::harness::page::{between, words_of};
use crate::harness::{TestServer, altered, confirmation, question};

/// The rows of the table of a chart: the words of each cell.
fn table(page: &str, chart: &str) -> Vec<Vec<String>> {
    let section = page.split_once(&format!("aria-labelledby=\"{chart}-heading\"")).unwrap().1;
    let body = section.split_once("<tbody>").unwrap().1.split_once("</tbody>").unwrap().0;
    let cells = |row: &String| words_of(&row.replace("</td>", "</td> ").replace("</th>", "</th> "));
    let rows = between(body, "<tr>", "</tr>");
    rows.iter().map(|row| cells(row).split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn the_numbers_of_two_weeks_are_shown_as_charts_and_as_tables() {
    let server = TestServer::start();
    let (ann, bob, ada) = (server.agent("ann"), server.agent("bob"), server.approver("ada"));
    ann.register(&confirmation("old"));
    server.advance(Duration::from_secs(14 * 86_400));
    ann.register(&altered(question("late"), &json!({"expiresInMs": 1})));
    server.advance(Duration::from_millis(1));
    for id in ["yes", "no"] {
        ann.register(&confirmation(id));
    }
    server.advance(Duration::from_secs(90));
    ada.confirm("yes", "allow").expect(200);
    ada.confirm("no", "deny").expect(200);
    server.advance(Duration::from_secs(86_400));
    let rule = json!({"toolName": "shell", "pattern": "make *", "scope": "everywhere", "decision": "allow"});
    ada.post("/v1/trust-rules", &rule).expect(201);
    bob.register(&confirmation("ruled"));
    bob.register(&question("open"));
    let page = ada.browser().page("/numbers");
    let words = words_of(&page);
    for number in [
        "Asked today 2",
        "Decided by rules 20 %",
        "Median time to a person's decision 1m 30s",
        "Expired 1",
        "Waiting now 1",
        "midnight UTC.",
        "5 questions in 14 days, of which rules decided 1; at most 3 a day",
        "Waiting now, by agent: 1 in all",
    ] {
        assert!(words.contains(number), "{number} is not in {words}");
    }
    let asked = table(&page, "asked");
    assert_eq!(asked.len(), 14);
    assert_eq!(asked[12], ["2030-01-15", "3", "0", "1", "1", "0", "1"]);
    assert_eq!(asked[13], ["2030-01-16", "2", "1", "0", "0", "0", "0"]);
    assert_eq!(table(&page, "times")[12], ["2030-01-15", "1m", "30s", "1m", "30s"]);
    assert_eq!(table(&page, "waiting"), [["bob", "1"]]);
    assert_eq!(page.matches("<rect class=\"rules\"").count(), 2, "a bar, and its legend");
    assert_eq!(page.matches("role=\"img\"").count(), 3);
}

#[test]
fn days_begin_where_the_person_is() {
    let server = TestServer::start();
    let (agent, ada) = (server.agent("ann"), server.approver("ada"));
    server.advance(Duration::from_secs(23 * 3600));
    agent.register(&confirmation("late"));
    let browser = ada.browser();
    let last = |path: &str| table(&browser.page(path), "asked")[13].join(" ");
    assert_eq!(last("/numbers"), "2030-01-01 1 0 0 0 0 0");
    assert_eq!(last("/numbers?offsetMinutes=120"), "2030-01-02 1 0 0 0 0 0");
    assert!(browser.page("/numbers?offsetMinutes=-210").contains("midnight UTC-03:30."));
}

#[test]
fn where_nothing_was_asked_there_are_no_numbers_to_misread() {
    let server = TestServer::start();
    let words = words_of(&server.approver("ada").browser().page("/numbers"));
    for said in ["Asked today 0", "Decided by rules –", "Median time to a person's decision –", "Waiting now 0"] {
        assert!(words.contains(said), "{said} is not in {words}");
    }
}
