//! The machine's clock jumps forth and back, while the server runs and while it does not (libfaketime, before the real
//! binary). Times never go back, and what ends by itself ends at the pace of the monotonic clock, wherever the other one went.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use countersign::clock::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Client, Process, altered, confirmation, countersign, sql, token};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// Where Debian's package has it, by architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// How long an interaction of the proof waits.
const LIFETIME: Duration = Duration::from_millis(800);

/// How much later it may end on a machine that has much to do.
const SLACK: Duration = Duration::from_secs(4);

/// The farthest jump, in seconds: nine days.
const FARTHEST: usize = 9 * 24 * 60 * 60;

pub(crate) fn prove(run: &Run) -> Found {
    let Some(library) = library() else { return Found::Skipped("libfaketime is not here".to_owned()) };
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let offset = directory.path().join("offset");
    let token = token(&db, "builder", "agent");
    let mut rng = SeededRng::new(run.seed);
    let mut told = Vec::new();
    let (mut jumps, mut restarts, mut forward) = (0, 0, 0);
    set(&offset, 0);
    let mut process = serve(&db, &library, &offset);
    for number in 0..run.amount(14, 400) {
        if rng.percent(25) {
            process.kill();
            set(&offset, jump(&mut rng));
            process = serve(&db, &library, &offset);
            restarts += 1;
        }
        let agent = Client::new(&process.url, &token);
        let id = format!("c{number}");
        let lifetime = u64::try_from(LIFETIME.as_millis()).unwrap();
        let begun = Instant::now();
        let registered = agent.register(&altered(confirmation(&id), &json!({"expiresInMs": lifetime})));
        let before = read(&offset);
        set(&offset, jump(&mut rng));
        jumps += 1;
        let is_forward = read(&offset) > before;
        forward += usize::from(is_forward);
        let ended = agent.get(&format!("/v1/interactions/{id}?waitMs=60000")).expect(200).body;
        let passed = begun.elapsed();
        assert_eq!(ended["status"], "expired", "{ended}");
        assert!(passed < LIFETIME + SLACK, "{id} ended after {passed:?}");
        // Where the clock went forward the deadline may be there at once: a later wall clock counts.
        assert!(is_forward || passed >= LIFETIME, "{id} ended after {passed:?} only");
        assert!(moment(&ended, "resolvedAt") >= moment(&ended, "expiresAt"), "{ended}");
        told.extend([moment(&registered, "createdAt"), moment(&ended, "resolvedAt")]);
    }
    assert_eq!(process.terminate().0.code(), Some(0));
    let events = sql(&db, "SELECT at_ms FROM audit_events ORDER BY seq");
    let events = events.iter().map(|row| row[0].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!((goes_back(&told), goes_back(&events)), (None, None), "time ran backwards");
    let planted = run.amount(50, 500);
    let caught = (0..planted).filter(|_| goes_back(&altered_times(&events, &mut rng)).is_some()).count();
    assert_eq!(caught, planted, "a planted step back was not seen");
    Found::Held(vec![
        ("jumps", jumps.to_string()),
        ("forward", forward.to_string()),
        ("over a restart", restarts.to_string()),
        ("times", (told.len() + events.len()).to_string()),
        ("that went back", "0".to_owned()),
        ("deadlines that did not keep the pace", "0".to_owned()),
        ("planted steps back", planted.to_string()),
        ("caught", caught.to_string()),
    ])
}

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir(LIBRARIES).ok()?.flatten().map(|folder| folder.path().join(LIBRARY));
    folders.chain([Path::new(LIBRARIES).join(LIBRARY)]).find(|path| path.is_file())
}

/// How far the machine's clock is from the right one, in seconds: near, or far, before or after it.
fn jump(rng: &mut SeededRng) -> i64 {
    let far = rng.pick(&[60, 3600, FARTHEST]);
    i64::try_from(rng.below(2 * far)).unwrap() - i64::try_from(far).unwrap()
}

fn set(offset: &Path, seconds: i64) {
    // Moved into place, so that no half of it is read.
    let draft = offset.with_extension("new");
    fs::write(&draft, format!("{seconds:+}\n")).unwrap();
    fs::rename(draft, offset).unwrap();
}

fn read(offset: &Path) -> i64 {
    fs::read_to_string(offset).unwrap().trim().parse().unwrap()
}

fn serve(db: &Path, library: &Path, offset: &Path) -> Process {
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0", "--accept-clock", "--db"]).arg(db);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", offset);
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

fn moment(interaction: &Value, member: &str) -> i64 {
    interaction[member].as_str().unwrap().parse::<Timestamp>().unwrap().as_millis()
}

/// The place of the first time that is earlier than the one before.
fn goes_back(times: &[i64]) -> Option<usize> {
    times.windows(2).position(|pair| pair[1] < pair[0])
}

/// The times, where one of them was moved to before the one before it.
fn altered_times(times: &[i64], rng: &mut SeededRng) -> Vec<i64> {
    let place = 1 + rng.below(times.len() - 1);
    let mut times = times.to_vec();
    times[place] = times[place - 1] - 1;
    times
}
