//! `countersign` alone, `help`, `status`, `stats`, `open` and `cancel`: where things stand, and what can be done about it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{command, complains, ends, fixture, says};
use crate::harness::{TestServer, altered, confirmation, countersign, question, until};

/// The three lines that the front page begins with.
fn standing(said: &str) -> Vec<&str> {
    said.lines().take_while(|line| !line.is_empty()).collect()
}

#[test]
fn a_command_without_arguments_says_where_things_stand_and_what_there_is() {
    let (server, agent, ada) = fixture();
    let said = says(&ada, &[]);
    let answers = format!("Server   {} answers, version {}", server.url, env!("CARGO_PKG_VERSION"));
    assert_eq!(standing(&said), [answers.as_str(), "You      ada, approver", "Waiting  nothing"]);
    let groups = said.lines().filter(|line| line.ends_with(':')).collect::<Vec<_>>();
    assert_eq!(groups, ["Decide:", "Ask:", "Rules:", "Look back:", "Server:", "More:"]);
    agent.register(&altered(confirmation("a"), &json!({"confirmation": {"riskLevel": "high"}})));
    agent.register(&altered(question("q"), &json!({"expiresInMs": 600_000})));
    let said = says(&ada, &[]);
    let waiting = standing(&said)[2];
    assert!(waiting.starts_with("Waiting  2 for an answer, 1 of high risk; the first one ends in "), "{said}");
    assert_eq!(standing(&says(&agent, &[]))[1], "You      builder, agent");
    for asked in [&["help"][..], &["--help"], &["-h"]] {
        let help = says(&ada, asked);
        assert!(help.contains("Usage: countersign [COMMAND]") && !help.contains("Waiting"), "{help}");
        assert!(said.contains(help.split("\n\n").nth(2).unwrap()), "{help}");
    }
    assert!(says(&ada, &["help", "connection"]).contains("COUNTERSIGN_TOKEN_FILE"));
    assert!(says(&ada, &["help", "why"]).contains("Usage: countersign why"));
}

#[test]
fn a_server_that_is_away_silent_or_unknown_is_said_and_not_waited_for() {
    let (server, _, ada) = fixture();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for url in [silent_url, format!("http://{gone}"), "unix:/nowhere/at.all".to_owned()] {
        let (said, _) = ends(0, command(&ada, &[]).env("COUNTERSIGN_URL", &url));
        let lines = standing(&said);
        assert!(lines[0].contains(&url) && lines[0].contains("countersign serve"), "{said}");
        assert_eq!(lines[1..], ["You      not known", "Waiting  not known"]);
        assert!(said.contains("Decide:"));
        let (_, failed) = ends(5, command(&ada, &["status"]).env("COUNTERSIGN_URL", &url));
        assert!(failed.contains(&url), "{failed}");
    }
    let (said, _) = ends(0, &mut countersign());
    assert!(standing(&said)[0].starts_with("Server   there is no token: make one with"), "{said}");
    let (said, _) = ends(0, command(&ada, &[]).env("COUNTERSIGN_URL", "ftp://x"));
    assert!(standing(&said)[0].contains("ftp://x") && standing(&said).len() == 3, "{said}");
    let (said, _) = ends(0, command(&ada, &[]).env("COUNTERSIGN_TOKEN", "wrong"));
    assert!(standing(&said)[0].contains("does not know the token"), "{said}");
    drop(server);
}

#[test]
fn a_status_is_three_lines_or_json() {
    let server = TestServer::with(&["--public-url", "https://inbox.example/in"]);
    let (agent, ada) = (server.agent("builder"), server.approver("ada"));
    agent.register(&confirmation("a"));
    let said = says(&ada, &["status"]);
    assert!(said.starts_with("Server   https://inbox.example/in answers"), "{said}");
    assert_eq!(said.lines().count(), 3);
    let status: Value = serde_json::from_str(&says(&ada, &["status", "--json"])).unwrap();
    assert_eq!((&status["server"], &status["url"]), (&json!(server.url), &json!("https://inbox.example/in")));
    assert_eq!((&status["name"], &status["role"]), (&json!("ada"), &json!("approver")));
    assert_eq!((&status["waiting"]["count"], &status["waiting"]["highRisk"]), (&json!(1), &json!(0)));
}

#[test]
fn numbers_are_shown_by_day_and_by_agent() {
    let (server, agent, ada) = fixture();
    for id in ["a", "b", "c", "d"] {
        agent.register(&confirmation(id));
    }
    server.advance(std::time::Duration::from_secs(90));
    ada.confirm("a", "allow").expect(200);
    ada.confirm("b", "deny").expect(200);
    let said = says(&ada, &["stats", "--utc"]);
    let lines = said.lines().collect::<Vec<_>>();
    let asked = "Asked    4 in 7 days, 4 on the last; rules decided 0 %; people took 1m 30s for half of theirs, 1m 30s for \
                 nine in ten";
    assert_eq!(lines[0], asked);
    assert_eq!(lines[1], "Waiting  2 for an answer");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[3])[..3], ["DAY", "ASKED", "BY"]);
    assert_eq!(words(lines[10]), ["2030-01-01", "4", "-", "1", "1", "-", "-", "-", "2", "1m", "30s"]);
    assert_eq!(words(lines[13])[..2], ["builder", "4"]);
    let one_day = says(&ada, &["stats", "--since", "2030-01-01", "--until", "2030-01-02", "--utc", "--json"]);
    let numbers: Value = serde_json::from_str(&one_day).unwrap();
    assert_eq!((&numbers["total"]["asked"], numbers["days"].as_array().unwrap().len()), (&json!(4), 1));
    assert!(complains(1, &ada, &["stats", "--since", "2000-01-01"]).contains("366 days"));
    assert!(complains(1, &agent, &["stats"]).contains("agent"));
}

#[test]
fn a_page_is_opened_by_the_platforms_opener_or_printed() {
    let (server, agent, ada) = fixture();
    agent.register(&confirmation("deploy"));
    let link = format!("{}/interactions/deploy", server.url);
    let (said, hint) = ends(0, command(&ada, &["open", "dep"]).env("PATH", "/nowhere"));
    assert_eq!(said, format!("{link}\n"));
    assert!(hint.contains("xdg-open"), "{hint}");
    let (directory, opener) = (TempDir::new().unwrap(), "xdg-open");
    let (script, opened) = (directory.path().join(opener), directory.path().join("opened"));
    std::fs::write(&script, format!("#!/bin/sh\necho \"$@\" > {0}.new && mv {0}.new {0}\n", opened.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", directory.path().display());
    let (said, hint) = ends(0, command(&ada, &["open", "deploy", "--print"]).env("PATH", &path));
    assert_eq!((said.as_str(), hint.as_str()), (format!("{link}\n").as_str(), ""));
    assert!(!opened.exists());
    let (said, _) = ends(0, command(&ada, &["open"]).env("PATH", &path));
    assert_eq!(said, format!("{}/\n", server.url));
    until(|| opened.exists());
    std::fs::remove_file(&opened).unwrap();
    ends(0, command(&ada, &["open", "deploy"]).env("PATH", &path));
    until(|| opened.exists());
    assert_eq!(std::fs::read_to_string(&opened).unwrap(), format!("{link}\n"));
}

#[test]
fn an_agent_takes_back_what_it_asked_and_no_other() {
    let (server, agent, ada) = fixture();
    agent.register(&confirmation("mine-1"));
    agent.register(&confirmation("mine-2"));
    server.agent("other").register(&confirmation("theirs"));
    assert_eq!(says(&agent, &["cancel", "mine-1"]), "cancelled mine-1: shell: make deploy\n");
    assert_eq!(agent.look("mine-1")["status"], "cancelled");
    assert!(complains(1, &agent, &["cancel", "theirs"]).contains("no pending interaction"));
    assert_eq!(ada.look("theirs")["status"], "pending");
    let json: Value = serde_json::from_str(&says(&agent, &["cancel", "mine", "--json"])).unwrap();
    assert_eq!((&json["requestId"], &json["status"]), (&json!("mine-2"), &json!("cancelled")));
    complains(1, &ada, &["cancel", "theirs"]);
}
