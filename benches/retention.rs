//! A year of 100,000 interactions a day, of which ninety days are kept: how large the file is. The year is scaled down by the
//! factor that is given (default 2,000: fifty a day, a minute or two); sizes grow with it. Fails where the file of the whole
//! year is not smaller than one that keeps all would be.
//!
//! ```text
//! cargo bench --bench retention -- 500
//! ```
#![expect(clippy::print_stdout, reason = "a report is printed")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use countersign::clock::ManualClock;
use countersign::config::Config;
use countersign::domain::enums::Decision;
use countersign::domain::interaction::Deadline;
use countersign::domain::kinds::Content;
use countersign::server::Server;
use countersign::service::{Caller, Confirm, Register, Service};
use countersign::tokens;
use futures_util::future::join_all;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

/// How many a day there are in the year that is scaled down.
const A_DAY: u32 = 100_000;

/// The days that are kept.
const KEPT_DAYS: u32 = 90;

/// The days after which the file is measured.
const MEASURED: [u32; 3] = [90, 180, 365];

/// What an input holds beside its command, in bytes.
const INPUT_BYTES: usize = 2_000;

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

fn main() -> ExitCode {
    let factor = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(2_000);
    let a_day = (A_DAY / factor).max(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sizes = runtime.block_on(year(a_day));
    println!("\n{a_day} a day, {KEPT_DAYS} days kept; day {} over day {}:", MEASURED[2], MEASURED[0]);
    let ratio = sizes[2] as f64 / sizes[0] as f64;
    let all = f64::from(MEASURED[2]) / f64::from(MEASURED[0]);
    println!("{ratio:.2} times as large; {all:.2} times if all were kept");
    if ratio < all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn year(a_day: u32) -> Vec<u64> {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("year.db");
    let retain = format!("{KEPT_DAYS}d");
    let arguments = ["retention", "--listen", "127.0.0.1:0", "--retain", &retain, "--db", db.to_str().unwrap()];
    let clock = Arc::new(ManualClock::new("2030-01-01T00:00:00.000Z".parse().unwrap()));
    let server = Server::open(Flags::try_parse_from(arguments).unwrap().config, clock.clone()).await.unwrap();
    let service = server.service();
    let first = service.first_tokens().await.unwrap().unwrap();
    let holder = async |token: &str| service.authenticate(&tokens::digest(token)).await.unwrap().unwrap();
    let (agent, approver) = (holder(&first.agent).await, holder(&first.approver).await);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async { stopped.await.unwrap_or(()) }));
    println!("| day | interactions | whole | file, MB |\n| ---: | ---: | ---: | ---: |");
    let mut sizes = Vec::new();
    for day in 1..=MEASURED[2] {
        join_all((0..a_day).map(|number| ask(&service, (&agent, &approver), (day, number)))).await;
        clock.advance(Duration::from_secs(24 * 60 * 60));
        let due = u64::from(a_day) * u64::from(day.saturating_sub(KEPT_DAYS));
        while count(&db, "forgettings") < due {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if MEASURED.contains(&day) {
            let (all, bytes) = (count(&db, "interactions"), std::fs::metadata(&db).unwrap().len());
            let megabytes = bytes as f64 / 1e6;
            println!("| {day} | {all} | {} | {megabytes:.1} |", all - count(&db, "forgettings"));
            sizes.push(bytes);
        }
    }
    let _ = stop.send(());
    serving.await.unwrap().unwrap();
    sizes
}

/// One confirmation, asked and answered.
async fn ask(service: &Service, (agent, approver): (&Caller, &Caller), (day, number): (u32, u32)) {
    let input = json!({"command": format!("make target-{day}-{number}"), "note": "x".repeat(INPUT_BYTES)});
    let asked = serde_json::from_value(json!({"toolName": "shell", "input": input})).unwrap();
    let id = format!("day-{day}-{number}");
    let register = Register {
        request_id: Some(id.parse().unwrap()),
        conversation_id: None,
        deadline: Deadline::Default,
        metadata: None,
        origin: None,
        traceparent: None,
        claim_within_ms: None,
        content: Content::Confirmation(asked).accept().unwrap(),
    };
    service.register(agent, register).await.unwrap();
    let confirm = Confirm {
        request_id: id.parse().unwrap(),
        decision: Decision::Deny,
        comment: Some("not today".parse().unwrap()),
        updated_input: None,
        selected: None,
        acknowledged: Vec::new(),
        must_acknowledge: false,
        alike: None,
    };
    service.confirm(approver, confirm).await.unwrap();
}

fn count(db: &Path, table: &str) -> u64 {
    let conn = Connection::open_with_flags(db, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}
