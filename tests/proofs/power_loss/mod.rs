//! Power loss: what the server wrote and synced under load is recorded, and made into thousands of disks as they may be
//! found after the power went at any moment, each opened and checked.
//!
//! A disk keeps what was synced; of the rest it keeps any part, in any order, torn between sectors. That the check can
//! fail is proved each time: with the same recording, but as if the server had left out one kind of its syncs.

mod checks;
mod disk;
mod history;
mod trace;
mod volume;

use std::fs;
use std::path::Path;
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;

use self::disk::Disk;
use self::history::{Cause, History, Sync};
use self::volume::{Files, Object, Volume};
use crate::harness::{Process, rows};
use crate::ledger::{Ledger, unbalanced};
use crate::load::Tokens;
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;
use crate::strace;

/// What is written down: every change of a file, every sync, and what goes over the connections, to the last byte.
const TRACED: &[&str] = &[
    strace::FAST,
    "-y",
    "-xx",
    "-s",
    "2000000",
    "-e",
    "trace=openat,pwrite64,write,writev,sendto,recvfrom,fdatasync,fsync,ftruncate,rename,unlink",
];

/// How many clients load the server at a time.
const CLIENTS: usize = 4;

/// How many promises each of them is given in one life of the server.
const PROMISES: usize = 40;

/// The bytes of an input of which a few make the log long enough for a checkpoint under load.
const LARGE: usize = 150_000;

/// One image in so many is opened by the server itself.
const SERVED: usize = 50;

/// What is known before anything is written, and everything that was written then.
struct Recording {
    directory: TempDir,
    before: Volume,
    history: History,
    tokens: Tokens,
}

/// What came of many images.
#[derive(Default)]
struct Tally {
    images: usize,
    served: usize,
    losing: usize,
    /// The most promises that one image did not keep.
    most_lost: usize,
    corrupt: usize,
    first: Option<String>,
}

pub(crate) fn prove(run: &Run) -> Found {
    checks::check_disk();
    if let Some(why) = strace::missing() {
        return Found::Skipped(why);
    }
    let recording = record(run.amount(&[0, 0], &[0, 0, LARGE, 0]));
    let history = &recording.history;
    let images = run.amount(300, 3_000);
    let truth = recording.tried(run.seed, images, |_| true, |disk| disk.is_unsure());
    assert_eq!((truth.losing, truth.corrupt), (0, 0), "{}", truth.first.unwrap_or_default());
    let planted = |stream, counts: fn(&Sync) -> bool, when: fn(&Disk<'_>) -> bool| {
        recording.tried(run.seed ^ stream, images / 3, counts, when)
    };
    let normal = planted(1, |sync| sync.cause != Cause::Commit, |disk| disk.is_unsure());
    assert!(normal.losing > 0, "synchronous=NORMAL was not caught: the proof proves nothing");
    let no_log = planted(2, |sync| ![Cause::Commit, Cause::BeforeCopy].contains(&sync.cause), |disk| disk.is_copying());
    assert!(no_log.corrupt > 0, "a copy of a log that was not synced was not caught");
    let no_copy = planted(3, |sync| sync.cause != Cause::AfterCopy, |disk| disk.is_copying());
    assert!(no_copy.losing + no_copy.corrupt > 0, "a log that was emptied before its copy was synced was not caught");
    let no_entry = planted(4, |sync| sync.object != Object::Directory, |disk| disk.is_unsure());
    assert!(no_entry.losing > 0, "a log whose name was not synced was not caught");
    let checkpoints = history.syncs.iter().filter(|sync| sync.cause == Cause::AfterCopy).count();
    Found::Held(vec![
        ("writes", history.changes.len().to_string()),
        ("syncs", history.syncs.len().to_string()),
        ("checkpoints", checkpoints.to_string()),
        ("images", truth.images.to_string()),
        ("opened by the server", truth.served.to_string()),
        ("acknowledged writes lost", truth.losing.to_string()),
        ("corrupt", truth.corrupt.to_string()),
        ("planted, synchronous=NORMAL", normal.said()),
        ("planted, no sync of the log before it is copied", no_log.said()),
        ("planted, no sync of the database after that", no_copy.said()),
        ("planted, no sync of the directory", no_entry.said()),
    ])
}

/// Loads the real server once for each of `paddings`, each time until SIGTERM, and records it.
fn record(paddings: &[usize]) -> Recording {
    let directory = TempDir::new().unwrap();
    let db = directory.path().join("test.db");
    let tokens = Tokens::make(&db);
    // The key is made by a first start: it is not what this is about.
    Process::serve(&db, &[]).terminate();
    remove_log(&db);
    let before = Volume::holding(files_of(directory.path()));
    let mut text = String::new();
    for (life, padding) in paddings.iter().enumerate() {
        let trace = directory.path().join(format!("trace-{life}"));
        let process = Process::spawn(&mut strace::serve(&db, &trace, TRACED));
        let workers: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                let (pair, padding, mut left) = (tokens.at(&process.url), *padding, PROMISES);
                thread::spawn(move || {
                    pair.work(&format!("l{life}w{worker}"), padding, |_| {
                        left -= 1;
                        left > 0
                    });
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        let id = process.id();
        assert_eq!(process.terminate().0.code(), Some(0));
        text += &strace::whole(&trace, id);
    }
    let history = History::of(&trace::calls(&text, 0), &db, &before);
    Recording { directory, before, history, tokens }
}

/// A server that ends may leave its log behind. Without one, the log that promises are first written to has a name that is
/// to be synced, too.
fn remove_log(db: &Path) {
    let conn = Connection::open(db).unwrap();
    let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
    conn.close().unwrap();
    assert!(!db.with_file_name("test.db-wal").exists());
}

/// The files of the database in a directory; its lock and the memory that its readers share die with the machine.
fn files_of(directory: &Path) -> Files {
    let names = ["test.db", "test.db-wal", "test.db-journal"].map(|name| (name.to_owned(), directory.join(name)));
    names.into_iter().filter_map(|(name, path)| Some((name, fs::read(path).ok()?))).collect()
}

impl Recording {
    /// Makes so many images, each of a moment in which something can be lost as `when` says, as if only the syncs count that
    /// do, and checks them.
    fn tried(&self, seed: u64, images: usize, counts: fn(&Sync) -> bool, when: fn(&Disk<'_>) -> bool) -> Tally {
        let mut rng = SeededRng::of_part(seed, 0);
        let disk = || Disk::new(&self.history, &self.before, counts);
        let mut rehearsal = disk();
        let unsure = self.history.moments.iter().enumerate().filter_map(|(place, moment)| {
            rehearsal.pass(moment);
            when(&rehearsal).then_some(place)
        });
        let unsure = unsure.collect::<Vec<_>>();
        let mut cuts = (0..images).map(|_| unsure[rng.below(unsure.len())]).collect::<Vec<_>>();
        cuts.sort_unstable();
        let mut cuts = cuts.into_iter().peekable();
        let (mut disk, mut tally) = (disk(), Tally::default());
        for (place, moment) in self.history.moments.iter().enumerate() {
            disk.pass(moment);
            while cuts.next_if_eq(&place).is_some() {
                let image = disk.image(&mut rng);
                let is_served = tally.images % SERVED == 0 && tally.corrupt + tally.losing == 0;
                tally.count(place, self.checked(&image, &disk.ledger, is_served));
                tally.served += usize::from(is_served);
            }
        }
        tally
    }

    /// What an image has lost, or why it is corrupt.
    fn checked(&self, image: &Files, ledger: &Ledger, is_served: bool) -> Result<Vec<String>, String> {
        let directory = in_memory();
        for (name, bytes) in image {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        let db = directory.path().join("test.db");
        let opened = || -> rusqlite::Result<_> {
            let conn = Connection::open(&db)?;
            conn.pragma_update(None, "journal_mode", "WAL")?;
            conn.pragma_update(None, "wal_autocheckpoint", 0)?;
            let rows = |query: &str| rows(&conn, query);
            Ok((ledger.lost(rows)?, unbalanced(rows)?))
        };
        let (lost, unbalanced) = opened().map_err(|error| error.to_string())?;
        match unbalanced.first() {
            Some(problem) => Err(problem.clone()),
            None if is_served && lost.is_empty() => Ok(self.asked(&directory, image, ledger)),
            None => Ok(lost),
        }
    }

    /// What the server itself, started on an image, says of the latest promises.
    fn asked(&self, directory: &TempDir, image: &Files, ledger: &Ledger) -> Vec<String> {
        let place = |name: &str| directory.path().join(name);
        image.iter().for_each(|(name, bytes)| fs::write(place(name), bytes).unwrap());
        fs::copy(self.directory.path().join("test.db.key"), place("test.db.key")).unwrap();
        let process = Process::serve(&place("test.db"), &[]);
        let agent = self.tokens.at(&process.url).agent;
        let wrong = ledger.statuses().rev().take(20).filter_map(|(id, promised)| {
            let now = agent.look(id)["status"].clone();
            promised.is_some_and(|promised| now != promised).then(|| format!("{id} was {promised:?} and is {now}"))
        });
        let wrong = wrong.collect();
        assert_eq!(process.terminate().0.code(), Some(0));
        wrong
    }
}

/// A directory that costs no disk, where there is one.
fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

impl Tally {
    fn count(&mut self, place: usize, checked: Result<Vec<String>, String>) {
        self.images += 1;
        let said = match checked {
            Ok(lost) if lost.is_empty() => return,
            Ok(lost) => {
                self.losing += 1;
                self.most_lost = self.most_lost.max(lost.len());
                format!("lost: {}", lost.join(", "))
            }
            Err(why) => {
                self.corrupt += 1;
                format!("corrupt: {why}")
            }
        };
        self.first.get_or_insert_with(|| format!("cut after moment {place}: {said}"));
    }

    /// What a planted fault came to.
    fn said(&self) -> String {
        let Self { images, losing, most_lost, corrupt, .. } = self;
        format!(
            "caught, {losing} of {images} images lose acknowledged writes (up to {most_lost}), {corrupt} are corrupt"
        )
    }
}
