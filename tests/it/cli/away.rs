//! `countersign ask` while its server is killed, and comes back or does not.

use std::io::Read;
use std::net::TcpListener;

use serde_json::json;

use super::{Asking, command, complains};
use crate::harness::{Client, Database, Process, token};

struct Place {
    db: Database,
    tokens: [String; 2],
}

impl Place {
    fn new() -> Self {
        let db = Database::new();
        let tokens = [token(&db, "builder", "agent"), token(&db, "ada", "approver")];
        Self { db, tokens }
    }

    fn serve(&self, address: &str) -> Process {
        Process::serve_on(address, &self.db, &[])
    }

    fn clients(&self, process: &Process) -> [Client; 2] {
        self.tokens.each_ref().map(|token| Client::new(&process.url, token))
    }
}

fn address(process: &Process) -> String {
    process.url.strip_prefix("http://").unwrap().to_owned()
}

#[test]
fn an_answer_given_after_a_kill_ends_ask_as_it_would_have_without() {
    let place = Place::new();
    let mut process = place.serve("127.0.0.1:0");
    let (at, [agent, ada]) = (address(&process), place.clients(&process));
    for (id, answer, code) in [("yes", "allow", 0), ("no", "deny", 3), ("gone", "", 4)] {
        let ask = ["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#, "--request-id", id];
        let asking = Asking::begin(&mut command(&agent, &ask));
        process.kill();
        process = place.serve(&at);
        match answer {
            "" => agent.post_nothing(&format!("/v1/interactions/{id}/cancel")).expect(200),
            answer => ada.confirm(id, answer).expect(200),
        };
        asking.ends(code);
    }
    let asking = Asking::begin(&mut command(
        &agent,
        &["ask", "secret", "--service", "forge", "--field", "token", "--request-id", "s"],
    ));
    process.kill();
    let process = place.serve(&at);
    ada.post("/v1/secret", &json!({"requestId": "s", "value": "hunter2"})).expect(200);
    assert_eq!(asking.ends(0).0, "hunter2\n");
    process.terminate();
}

#[test]
fn ask_may_begin_before_the_server_does() {
    let place = Place::new();
    // No other process is given this port while it is held; what connects waits, and is thrown out when it is let go.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = held.local_addr().unwrap().to_string();
    let agent = Client::new(&format!("http://{at}"), &place.tokens[0]);
    let ask = ["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#, "--request-id", "a"];
    let mut asking = Asking::spawn(&mut command(&agent, &ask));
    // It has asked, and there was no answer.
    let (mut lost, _) = held.accept().unwrap();
    lost.read_exact(&mut [0]).unwrap();
    drop((lost, held));
    let process = place.serve(&at);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut asking.stderr, &mut line).unwrap();
    let [_, ada] = place.clients(&process);
    ada.confirm("a", "allow").expect(200);
    asking.ends(0);
}

#[test]
fn without_a_server_from_the_beginning_nothing_is_asked() {
    let place = Place::new();
    let socket = format!("unix:{}", place.db.folder().join("socket").display());
    let patience = ["--unreachable-after", "300ms"];
    let ask = ["ask", "--tool", "shell", "--input", "{}"];
    for url in ["http://127.0.0.1:1", &socket] {
        let agent = Client::new(url, &place.tokens[0]);
        for command in [ask.as_slice(), &["run", "-c", "true"]] {
            let sentence = complains(5, &agent, &[command, &patience].concat());
            assert!(sentence.contains("nothing is asked yet") && !sentence.contains("stays"), "{sentence}");
        }
        // An earlier run may have asked under an id of one's own.
        let sentence = complains(5, &agent, &[ask.as_slice(), &patience, &["--request-id", "a"]].concat());
        assert!(sentence.contains("come back with --request-id a"), "{sentence}");
    }
    // A connection that was lost may have brought the question there.
    let lost = TcpListener::bind("127.0.0.1:0").unwrap();
    let agent = Client::new(&format!("http://{}", lost.local_addr().unwrap()), &place.tokens[0]);
    std::thread::spawn(move || lost.incoming().for_each(drop));
    let sentence = complains(5, &agent, &[ask.as_slice(), &patience].concat());
    assert!(sentence.contains("come back with --request-id "), "{sentence}");
}

#[test]
fn a_server_that_does_not_come_back_ends_ask_with_5_and_the_way_back() {
    let place = Place::new();
    let process = place.serve("127.0.0.1:0");
    let [agent, _] = place.clients(&process);
    let ask = ["ask", "--tool", "shell", "--input", r#"{"command":"ls"}"#, "--request-id", "a"];
    let asking = Asking::begin(&mut command(&agent, &[&ask[..], &["--unreachable-after", "300ms"]].concat()));
    process.kill();
    let (_, sentence) = asking.ends(5);
    assert!(sentence.contains("--request-id a") && sentence.contains("countersign serve"), "{sentence}");
    // Every other command gives up at once.
    for other in [&["list"][..], &["approve", "a"], &["rules", "list"], &["log"], &["login"]] {
        complains(5, &agent, other);
    }
}
