//! How the process ends when it is asked to: every request gets an answer, no client can hold it up, and the file is whole.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::harness::outside::Held;
use crate::harness::{Client, Database, Process, TestServer, confirmation, is_postgres, signal, sql, token};

/// The real binary with one confirmation, `c`, pending; and the agent's token.
fn serving(db: &Path) -> (Process, String) {
    let token = token(db, "builder", "agent");
    let process = Process::serve(db, &[]);
    Client::new(&process.url, &token).register(&confirmation("c"));
    (process, token)
}

/// The write-ahead log of a database that was closed well is empty, or is not there.
fn assert_closed_well(db: &Path) {
    if is_postgres() {
        return;
    }
    let mut wal = db.as_os_str().to_owned();
    wal.push("-wal");
    assert_eq!(fs::metadata(wal).map_or(0, |wal| wal.len()), 0);
    assert_eq!(sql(db, "PRAGMA integrity_check"), [[json!("ok")]]);
    assert_eq!(sql(db, "SELECT status FROM interactions"), [[json!("pending")]]);
}

#[test]
fn a_long_poll_is_answered_with_pending_when_the_server_is_asked_to_stop() {
    for name in ["TERM", "INT"] {
        let db = Database::new();
        let (mut process, token) = serving(&db);
        let polls = [(); 5].map(|()| Held::poll(&process.url, &token, "c"));
        signal(process.id(), name);
        for mut poll in polls {
            assert_eq!(poll.body()["status"], "pending", "{name}");
            assert_eq!(poll.rest(), "", "{name}: the connection is closed after it");
        }
        let (status, out, err) = process.ended();
        assert_eq!((status.code(), out.as_str()), (Some(0), ""), "{name}: {err}");
        assert_closed_well(&db);
    }
}

#[test]
fn an_open_event_stream_does_not_keep_the_server_alive() {
    let db = Database::new();
    let (process, token) = serving(&db);
    let agent = Client::new(&process.url, &token);
    let mut feed = agent.feed(Some(0));
    assert_eq!(feed.next().map(|message| message.event).as_deref(), Some("interaction.registered"));
    let (status, _, err) = process.terminate();
    assert_eq!(status.code(), Some(0), "{err}");
    assert_eq!(feed.next(), None, "the stream ends as streams do, not with an error");
    assert!(!err.contains("did not take their answers"), "{err}");
    assert_closed_well(&db);
}

#[test]
fn idle_connections_do_not_keep_the_server_alive() {
    let db = Database::new();
    let (process, token) = serving(&db);
    let idle = [(); 5].map(|()| Held::open(&process.url, &token, None));
    let (status, _, err) = process.terminate();
    assert_eq!(status.code(), Some(0), "{err}");
    assert!(!err.contains("did not take their answers"), "{err}");
    for connection in idle {
        assert_eq!(connection.rest(), "");
    }
    assert_closed_well(&db);
}

/// A client that only connects has asked nothing: the end waits for it no longer than for any other.
#[test]
fn a_connection_that_never_spoke_does_not_keep_the_server_alive() {
    let db = Database::new();
    let (process, token) = serving(&db);
    let silent = std::net::TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    // Connections are accepted in order: when this one is answered, the silent one is the server's.
    drop(Held::open(&process.url, &token, None));
    let (status, _, err) = process.terminate();
    assert_eq!(status.code(), Some(0), "{err}");
    drop(silent);
    assert_closed_well(&db);
}

#[test]
fn stopping_lets_waiters_go_and_resolves_nothing() {
    let mut server = TestServer::start();
    let agent = server.agent("builder");
    agent.register(&confirmation("c"));
    let waiters = [(); 8].map(|()| agent.wait_in_background("c"));
    server.until_waiting(8);
    server.begin_stop();
    for waiter in waiters {
        assert_eq!(waiter.join().unwrap().expect(200).body["status"], "pending");
    }
    let server = server.restart(&[]);
    assert_eq!(server.sql("SELECT status, resolved_at_ms FROM interactions"), [[json!("pending"), json!(null)]]);
    assert_eq!(server.sql("SELECT count(*) FROM audit_events WHERE request_id = 'c'"), [[json!(1)]]);
}
