//! One server a file: many starts at once, of one file under several names, with its lock removed, with a server that is killed
//! meanwhile. At most one of them serves, one does where the file has one name, and nothing that was acknowledged is lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;

use tempfile::TempDir;

use crate::harness::{Client, Process, confirmation, countersign, token};
use crate::ledger::{Ledger, Promise, audit};
use crate::run::{Found, Run};
use crate::seeded_rng::SeededRng;

/// How many start at once.
const STARTS: usize = 5;

/// How many registrations each server that serves is asked for.
const WRITES: usize = 5;

/// What stands in the way of one server.
#[derive(Clone, Copy, Debug)]
enum Attack {
    /// Symbolic links to the file, beside its own name.
    Symlinks,
    /// A hard link: then no server may start.
    HardLink,
    /// The lock was removed before the starts.
    LockRemoved,
    /// A server runs already, and its lock is removed under it.
    LockRemovedWhileServing,
    /// A server was killed just before the starts.
    Killed,
}

const ATTACKS: [Attack; 5] =
    [Attack::Symlinks, Attack::HardLink, Attack::LockRemoved, Attack::LockRemovedWhileServing, Attack::Killed];

/// The file and its names.
struct Site {
    directory: TempDir,
    agent: String,
    ledger: Ledger,
    written: usize,
}

pub(crate) fn prove(run: &Run) -> Found {
    let mut rng = SeededRng::new(run.seed);
    let (mut starts, mut served) = (0, 0);
    let mut site = Site::new();
    let rounds = run.amount(10, 300);
    for round in 0..rounds {
        // Each of them in turn, in an order of its own.
        let attack = ATTACKS.get(round).copied().unwrap_or_else(|| rng.pick(&ATTACKS));
        served += site.attacked(attack, &mut rng);
        starts += STARTS;
        let (lost, unbalanced) = audit(&site.db(), &site.ledger);
        assert_eq!((lost, unbalanced), (Vec::new(), Vec::new()), "round {round}, {attack:?}");
    }
    let planted = run.amount(20, 200);
    let caught = (0..planted).filter(|number| site.is_seen_to_lose(&format!("never-{number}"))).count();
    assert_eq!(caught, planted, "a registration that is not there was not missed");
    Found::Held(vec![
        ("rounds", rounds.to_string()),
        ("starts", starts.to_string()),
        ("that served", served.to_string()),
        ("two at once", "0".to_owned()),
        ("acknowledged", site.ledger.len().to_string()),
        ("lost", "0".to_owned()),
        ("planted losses", planted.to_string()),
        ("caught", caught.to_string()),
    ])
}

impl Site {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let agent = token(&directory.path().join("test.db"), "builder", "agent");
        fs::create_dir(directory.path().join("other")).unwrap();
        for link in ["link.db", "other/link.db"] {
            symlink(directory.path().join("test.db"), directory.path().join(link)).unwrap();
        }
        Self { directory, agent, ledger: Ledger::default(), written: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn db(&self) -> PathBuf {
        self.path("test.db")
    }

    /// Starts servers in this situation; how many served.
    fn attacked(&mut self, attack: Attack, rng: &mut SeededRng) -> usize {
        let before = match attack {
            Attack::LockRemovedWhileServing => Some(Process::serve(&self.db(), &[])),
            Attack::Killed => {
                let process = Process::serve(&self.db(), &[]);
                self.write(&process);
                process.kill();
                None
            }
            Attack::Symlinks | Attack::HardLink | Attack::LockRemoved => None,
        };
        before.iter().for_each(|process| self.write(process));
        let hard = self.path("other/hard.db");
        match attack {
            Attack::HardLink => fs::hard_link(self.db(), &hard).unwrap(),
            Attack::LockRemoved | Attack::LockRemovedWhileServing => {
                let _ = fs::remove_file(self.path("test.db.lock"));
            }
            Attack::Symlinks | Attack::Killed => {}
        }
        let mut names = vec!["test.db", "link.db", "other/link.db"];
        if let Attack::HardLink = attack {
            names.push("other/hard.db");
        }
        let names = (0..STARTS).map(|_| self.path(rng.pick(&names))).collect::<Vec<_>>();
        let served = raced(&names);
        match attack {
            Attack::HardLink => assert!(served.is_empty(), "a file with two names is served"),
            Attack::LockRemovedWhileServing => assert!(served.len() <= 1, "{} serve at once", served.len()),
            Attack::Symlinks | Attack::LockRemoved | Attack::Killed => {
                assert_eq!(served.len(), 1, "{} serve at once", served.len());
            }
        }
        if let (Some(before), false) = (&before, served.is_empty()) {
            let late = Client::new(&before.url, &self.agent).try_send(
                "POST",
                "/v1/interactions",
                &[("content-type", "application/json")],
                Some(confirmation("late").to_string().as_bytes()),
            );
            assert!(!late.is_ok_and(|answer| answer.status == 201), "two servers acknowledge at once");
        }
        let count = served.len();
        served.iter().for_each(|process| self.write(process));
        for process in served.into_iter().chain(before) {
            if rng.percent(50) {
                process.kill();
            } else {
                drop(process.terminate());
            }
        }
        let _ = fs::remove_file(hard);
        count
    }

    /// Registers, and notes what was acknowledged; a server whose lock is gone may refuse.
    fn write(&mut self, process: &Process) {
        let agent = Client::new(&process.url, &self.agent);
        for _ in 0..WRITES {
            let id = format!("c{}", self.written);
            self.written += 1;
            let json = [("content-type", "application/json")];
            let body = confirmation(&id).to_string();
            let answer = agent.try_send("POST", "/v1/interactions", &json, Some(body.as_bytes()));
            if answer.is_ok_and(|answer| answer.status == 201) {
                self.ledger.add(Promise::Registered(id));
            }
        }
    }

    /// The planted fault: whether one more that was never written is missed.
    fn is_seen_to_lose(&self, id: &str) -> bool {
        let mut ledger = self.ledger.clone();
        ledger.add(Promise::Registered(id.to_owned()));
        !audit(&self.db(), &ledger).0.is_empty()
    }
}

/// Starts a server under each of these names, all at the same moment; those that serve. The others end with a sentence.
fn raced(names: &[PathBuf]) -> Vec<Process> {
    let barrier = Barrier::new(names.len());
    let start = |db: &Path| {
        let mut command = countersign();
        command.args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(db);
        barrier.wait();
        Process::try_spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()))
    };
    let start = &start;
    thread::scope(|scope| {
        let threads = names.iter().map(|db| scope.spawn(move || start(db))).collect::<Vec<_>>();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        let mut served = Vec::new();
        for start in ended {
            match start {
                Ok(process) => served.push(process),
                Err((status, said)) => assert_eq!((status.code(), said.as_str()), (Some(1), "")),
            }
        }
        served
    })
}
