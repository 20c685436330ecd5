//! A secret's value is nowhere but in the answer to the agent that asked for it: not in a file, not on a stream, not in an
//! answer to another principal, and not in memory once it was used.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};

use serde_json::json;

use crate::harness::outside::stored;
use crate::harness::{Answer, Client, Database, Named as _, Process, countersign, secret, token};

/// So rare that it is found only where it was put.
const CANARY: &str = "canary-7f3a9c51e0d84b26";

/// A value that is full of it, so long that what is left of it somewhere is not all overwritten by what comes after.
fn value() -> String {
    CANARY.repeat(2_000)
}

/// The canary in every form that this program could write it in.
fn forms() -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(CANARY);
    [CANARY.to_owned(), hex::encode(CANARY), base64].map(String::into_bytes).into()
}

fn is_in(bytes: &[u8]) -> bool {
    forms().iter().any(|form| bytes.windows(form.len()).any(|window| window == form))
}

/// Everything that a client gets to see without being the agent that asked.
fn seen(client: &Client) -> Vec<Answer> {
    let paths =
        ["/v1/interactions", "/v1/interactions/kept", "/v1/audit-events", "/v1/pending-interactions", "/metrics"];
    paths.iter().map(|path| client.get(path)).collect()
}

/// Gives the canary in every way, rightly and wrongly; what was said about it.
fn give(agent: &Client, approver: &Client) -> Vec<Answer> {
    for id in ["kept", "sent"] {
        agent.register(&secret(id));
    }
    let mut said = Vec::new();
    for body in [
        json!({"requestId": "unknown", "value": value()}),
        json!({"requestId": "kept", "value": value(), "delivery": CANARY}),
        json!({"requestId": "kept", "value": [value()]}),
        json!({"requestId": "kept", "value": value(), "valeu": CANARY}),
        json!({"requestId": "kept", "value": value()}),
        json!({"requestId": "kept", "value": value()}),
        json!({"requestId": "kept", "value": value() + "x"}),
        json!({"requestId": "sent", "value": value() + " ", "delivery": "transient_send"}),
    ] {
        said.push(approver.post("/v1/secret", &body));
    }
    said.push(approver.post_text("/v1/secret", &format!(r#"{{"requestId":"kept","value":"{}"#, value())));
    let statuses: Vec<u16> = said.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [404, 400, 400, 400, 200, 200, 404, 200, 400]);
    said
}

/// So much of the value that no register or stack of the cipher, which works on blocks, holds it by chance.
fn piece() -> Vec<u8> {
    CANARY.repeat(40).into_bytes()
}

/// What of a process' memory holds the canary: the names of its mappings. `None` where we may not look.
fn remembered(process: u32) -> Option<Vec<String>> {
    let maps = File::open(format!("/proc/{process}/maps")).ok()?;
    let mut memory = File::open(format!("/proc/{process}/mem")).ok()?;
    let (mut found, piece) = (Vec::new(), piece());
    for mapping in BufReader::new(maps).lines().map(Result::unwrap) {
        let mut fields = mapping.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        if !rights.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|number| u64::from_str_radix(number, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        // Some mappings cannot be read by any process, such as the kernel's own.
        if memory.read_exact(&mut bytes).is_ok() && bytes.windows(piece.len()).any(|window| window == piece) {
            found.push(mapping);
        }
    }
    Some(found)
}

#[test]
fn a_secret_leaves_no_trace_on_any_disk_stream_or_answer_nor_in_memory() {
    let db = Database::new();
    let [agent, approver, auditor] =
        [("builder", "agent"), ("ada", "approver"), ("audrey", "auditor")].map(|(name, role)| token(&db, name, role));
    let process = Process::serve(&db, &["--log", "trace"]);
    let mut said = {
        // Their connections end with them, and with those the buffers that the values went through.
        let [agent, approver, auditor] = [&agent, &approver, &auditor].map(|token| Client::new(&process.url, token));
        let mut said = give(&agent, &approver);
        for id in ["kept", "sent"] {
            let taken = agent.post(&format!("/v1/interactions/{id}/secret"), &json!({"takeId": "mine"})).expect(200);
            assert_eq!(taken.body["value"], value());
        }
        said.push(agent.post("/v1/interactions/sent/secret", &json!({"takeId": "another"})).expect(409));
        said.push(approver.post("/v1/interactions/kept/secret", &json!({})).expect(403));
        said.extend([&agent, &approver, &auditor].into_iter().flat_map(seen));
        said
    };
    said.push(Client::new(&process.url, &auditor).get("/v1/audit-events").expect(200));
    for answer in &said {
        let headers = format!("{:?}", answer.headers);
        assert!(!is_in(answer.text.as_bytes()) && !is_in(headers.as_bytes()), "{answer:?}");
    }
    // While it runs, its log is long, and not yet moved into the database.
    for (path, bytes) in stored(&db) {
        assert!(!is_in(&bytes), "{}", path.display());
    }
    match remembered(process.id()) {
        Some(mappings) => {
            let known = String::from_utf8(piece()).unwrap();
            assert_ne!(remembered(std::process::id()), Some(Vec::new()), "what is there is not found: {known}");
            assert_eq!(mappings, Vec::<String>::new());
        }
        None => writeln!(std::io::stderr(), "left out: the server's memory, which only root may read").unwrap(),
    }
    let (_, out, err) = process.terminate();
    assert!(err.contains("DEBUG"), "{err}");
    for line in out.lines().chain(err.lines()) {
        assert!(!is_in(line.as_bytes()), "{line}");
    }
    for (path, bytes) in stored(&db) {
        assert!(!is_in(&bytes), "{}", path.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn there_is_no_core_dump_of_the_server() {
    let db = Database::new();
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0"]).named(&db);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let process = Process::spawn(&mut command);
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}
