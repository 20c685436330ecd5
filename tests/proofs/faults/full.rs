//! A file system made full: a small one of its own, and a file of ballast that takes all the room there is.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Told;
use crate::harness::{Process, confirmation};
use crate::load::{Pair, Tokens, story};

/// A file system in memory, gone when dropped.
struct Small {
    directory: TempDir,
}

impl Small {
    fn mounted(mebibytes: u32) -> Result<Self, String> {
        let directory = TempDir::new().unwrap();
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path());
        match mount.stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(Self { directory }),
            Ok(_) | Err(_) => Err("no file system can be mounted here".to_owned()),
        }
    }

    fn db(&self) -> PathBuf {
        self.directory.path().join("test.db")
    }

    fn ballast(&self) -> PathBuf {
        self.directory.path().join("ballast")
    }

    /// Takes all the room.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [64 * 1024, 1024, 1] {
            while ballast.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn relieve(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.directory.path()).status();
    }
}

/// What was seen; why not, where nothing can be mounted.
pub(super) fn tried() -> Result<String, String> {
    let refused = full_while_serving(&Small::mounted(8)?) + full_during_a_checkpoint(&Small::mounted(48)?);
    Ok(format!("{refused} writes refused with 507, none lost, all passed again"))
}

/// The server goes on while there is no room, and takes writes as soon as there is.
fn full_while_serving(disk: &Small) -> usize {
    let tokens = Tokens::make(&disk.db());
    let process = Process::serve(&disk.db(), &[]);
    let pair = tokens.at(&process.url);
    let mut told = Told::default();
    pair.agent.register(&confirmation("waited"));
    let waiter = pair.agent.wait_in_background("waited");
    tell_until_refused(&mut told, &pair, "before", 8);
    assert!(told.refusals.is_empty(), "{:?}", told.refusals);
    disk.fill();
    tell_until_refused(&mut told, &pair, "full", 1_000);
    for number in 0..5 {
        told.tell(&pair, &story(&format!("more-{number}"), 0, 4_000));
    }
    assert!(told.refusals.iter().all(|refusal| *refusal == (507, "disk_full".to_owned())), "{:?}", told.refusals);
    assert!(told.refusals.len() >= 6 && !told.is_unsure, "{:?}", told.refusals);
    // What was refused may have left room for the small write that it tries.
    assert!((0..100).any(|_| pair.agent.get("/readyz").status == 507));
    pair.agent.get("/healthz").expect(200);
    pair.agent.get("/v1/interactions").expect(200);
    assert_eq!(pair.agent.get("/v1/interactions/waited?waitMs=10").expect(200).body["status"], "pending");
    disk.relieve();
    pair.agent.get("/readyz").expect(200);
    told.tell(&pair, &story("after", 0, 4_000));
    assert_eq!(pair.agent.post_nothing("/v1/interactions/waited/cancel").expect(200).body["status"], "cancelled");
    assert_eq!(waiter.join().unwrap().expect(200).body["status"], "cancelled");
    disk.fill();
    // There is no room for the last checkpoint either: the log stays.
    assert_eq!(process.terminate().0.code(), Some(0));
    full_at_the_start(disk, &tokens, &told);
    told.refusals.len()
}

/// A start without room serves what it can, or says no; with room again everything is there.
fn full_at_the_start(disk: &Small, tokens: &Tokens, told: &Told) {
    let mut command = crate::harness::countersign();
    command.args(["serve", "--listen", "127.0.0.1:0", "--db"]).arg(disk.db());
    match Process::try_spawn(command.stdout(Stdio::piped()).stderr(Stdio::null())) {
        Ok(process) => {
            let pair = tokens.at(&process.url);
            pair.agent.get("/v1/interactions").expect(200);
            let mut told = Told::default();
            tell_until_refused(&mut told, &pair, "started-full", 1_000);
            assert_eq!(told.refusals, [(507, "disk_full".to_owned())]);
            assert_eq!(process.terminate().0.code(), Some(0));
        }
        Err((status, _)) => assert_eq!(status.code(), Some(1)),
    }
    disk.relieve();
    all_is_there(&disk.db(), tokens, told);
}

/// The log becomes long, and there is no room to copy it into the database.
fn full_during_a_checkpoint(disk: &Small) -> usize {
    let tokens = Tokens::make(&disk.db());
    let process = Process::serve(&disk.db(), &[]);
    let pair = tokens.at(&process.url);
    let mut told = Told::default();
    File::create(disk.ballast()).unwrap().write_all(&vec![1; 22 * 1024 * 1024]).unwrap();
    for number in 0..200 {
        told.tell(&pair, &story(&format!("large-{number}"), 6, 200_000));
    }
    assert!(told.refusals.iter().all(|refusal| *refusal == (507, "disk_full".to_owned())), "{:?}", told.refusals);
    assert!(!told.refusals.is_empty() && !told.is_unsure);
    disk.relieve();
    told.tell(&pair, &story("after", 0, 4_000));
    assert_eq!(process.terminate().0.code(), Some(0));
    all_is_there(&disk.db(), &tokens, &told);
    told.refusals.len()
}

/// Small stories until one of them is refused, or there were enough.
fn tell_until_refused(told: &mut Told, pair: &Pair, name: &str, most: usize) {
    let before = told.refusals.len();
    for number in 0..most {
        told.tell(pair, &story(&format!("{name}-{number}"), number, 0));
        if told.refusals.len() > before {
            return;
        }
    }
}

fn all_is_there(db: &Path, tokens: &Tokens, told: &Told) {
    let process = Process::serve(db, &[]);
    told.check(db, "a full file system");
    tokens.at(&process.url).agent.register(&confirmation("at-last"));
    assert_eq!(process.terminate().0.code(), Some(0));
}
