//! The server as its operator sees it: killed and started again, backed up, and measured.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::world::World;
use super::{MOST_LOG_KIB_A_MINUTE, MOST_RESIDENT_MIB, MOST_WAL_MIB, log_of};
use crate::harness::{Named as _, Process, countersign, is_postgres};
use crate::ledger::audit;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// A server with its stderr in a file.
pub(super) struct Server {
    process: Process,
    flags: &'static [&'static str],
}

impl Server {
    pub(super) fn start(url: &str, db: &Path, flags: &'static [&'static str]) -> Self {
        let log = File::options().create(true).append(true).open(log_of(db)).unwrap();
        let mut command = countersign();
        command.args(["serve", "--listen", url.strip_prefix("http://").unwrap()]).named(db).args(flags);
        let process = Process::spawn(command.stdout(Stdio::piped()).stderr(log));
        Self { process, flags }
    }

    fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or_default()
    }
}

/// What was seen of it.
#[derive(Default)]
pub(super) struct Measured {
    server: Option<Server>,
    time: Duration,
    pub(super) kills: usize,
    pub(super) backups: usize,
    resident_kib: u64,
    wal_bytes: u64,
    log_bytes: u64,
}

impl Measured {
    /// SIGTERM, once all is done.
    pub(super) fn stop(&mut self) {
        let (status, ..) = self.server.take().unwrap().process.terminate();
        assert_eq!(status.code(), Some(0));
    }

    pub(super) fn check(&self) {
        assert!(self.resident_kib / 1024 < MOST_RESIDENT_MIB, "{} KiB of memory", self.resident_kib);
        assert!(self.wal_bytes / 1024 / 1024 < MOST_WAL_MIB, "{} bytes of write-ahead log", self.wal_bytes);
        let most = MOST_LOG_KIB_A_MINUTE * 1024 * (1 + self.time.as_secs() / 60);
        assert!(self.log_bytes < most, "{} bytes on stderr", self.log_bytes);
    }

    pub(super) fn figures(&self) -> Vec<(&'static str, String)> {
        let mut figures = vec![
            ("memory at most", format!("{} MiB", self.resident_kib / 1024)),
            ("log", format!("{} KiB", self.log_bytes / 1024)),
        ];
        if !is_postgres() {
            figures.push(("write-ahead log at most", format!("{} MiB", self.wal_bytes / 1024 / 1024)));
            figures.push(("backups, each verified", self.backups.to_string()));
        }
        figures
    }
}

/// Lets the server run for that time, kills it again and again, and starts it again at once.
pub(super) fn keep(world: &World, server: Server, db: &Path, time: Duration, kill_every: Duration) -> Measured {
    let (begun, mut started) = (Instant::now(), Instant::now());
    let mut server = server;
    let mut measured = Measured { time, ..Measured::default() };
    let mut log = db.as_os_str().to_owned();
    log.push("-wal");
    while begun.elapsed() < time {
        thread::park_timeout(LOOK);
        measured.resident_kib = measured.resident_kib.max(server.resident_kib());
        measured.wal_bytes = measured.wal_bytes.max(fs::metadata(&log).map_or(0, |log| log.len()));
        if started.elapsed() >= kill_every {
            let flags = server.flags;
            server.process.kill();
            server = Server::start(&world.url, db, flags);
            measured.kills += 1;
            started = Instant::now();
        }
    }
    measured.log_bytes = fs::metadata(log_of(db)).unwrap().len();
    measured.server = Some(server);
    measured
}

/// Makes backups until it is over; each opens, verifies, and has all that was acknowledged before it was begun.
pub(super) fn back_up(world: &World, db: &Path, every: Duration) -> usize {
    let mut made = 0;
    let mut last = Instant::now();
    while world.pace(LOOK) {
        if last.elapsed() < every {
            continue;
        }
        last = Instant::now();
        let directory = TempDir::new().unwrap();
        let copy = directory.path().join("copy.db");
        let promised = world.record().ledger.clone();
        run(&["backup", copy.to_str().unwrap()], db);
        run(&["doctor"], &copy);
        run(&["audit", "verify"], &copy);
        let (lost, unbalanced) = audit(&copy, &promised);
        if !(lost.is_empty() && unbalanced.is_empty()) {
            world.complain(format!("backup {made}: {lost:?} {unbalanced:?}"));
        }
        made += 1;
    }
    made
}

fn run(arguments: &[&str], db: &Path) {
    let output = countersign().args(arguments).arg("--db").arg(db).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}
