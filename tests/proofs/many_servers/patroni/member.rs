//! A member of the cluster: a Patroni and its PostgreSQL, at an address of their own as on a machine of their own.

use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::owner::Owner;
use crate::harness::cluster::{script, scripted};

/// The shortest times that Patroni takes: the lock of a primary that is gone ends after `ttl` seconds.
const TIMES: [(&str, u64); 3] = [("ttl", 20), ("loop_wait", 1), ("retry_timeout", 3)];

/// Where the venv with Patroni is.
pub(super) fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/patroni/bin")
}

/// A member; with all its processes it is gone when this is dropped.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) address: Ipv4Addr,
    /// The folder of its settings, its log, its data, and its socket.
    pub(super) folder: PathBuf,
    owner: Owner,
    patroni: Option<Child>,
    is_frozen: bool,
}

impl Member {
    /// Writes its settings; it does not run yet.
    pub(super) fn new(folder: PathBuf, address: Ipv4Addr, etcd: &str, owner: Owner) -> Self {
        owner.create_folder(&folder);
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let member = Self { name, address, folder, owner, patroni: None, is_frozen: false };
        // JSON is YAML, too.
        fs::write(member.settings_file(), member.settings(etcd).to_string()).unwrap();
        member
    }

    pub(super) fn settings_file(&self) -> PathBuf {
        self.folder.join("patroni.yml")
    }

    fn settings(&self, etcd: &str) -> Value {
        let Self { name, address, folder, .. } = self;
        let programs = script().arg("programs").output().unwrap();
        let programs = String::from_utf8(programs.stdout).unwrap();
        let mut shared = json!({
            "synchronous_mode": true,
            "synchronous_mode_strict": true,
            "postgresql": {
                "use_pg_rewind": true,
                "parameters": {"wal_retrieve_retry_interval": "100ms", "max_connections": 200},
            },
        });
        for (name, seconds) in TIMES {
            shared[name] = seconds.into();
        }
        json!({
            "scope": "countersign",
            "name": name,
            "restapi": {"listen": format!("{address}:8008"), "connect_address": format!("{address}:8008")},
            "etcd3": {"host": etcd},
            "bootstrap": {
                "dcs": shared,
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, {"auth": "trust"}, "data-checksums"],
            },
            "postgresql": {
                "listen": format!("{address}:5432"),
                "connect_address": format!("{address}:5432"),
                "bin_dir": programs.trim(),
                "data_dir": self.data(),
                "pgpass": folder.join("pgpass"),
                "parameters": {"unix_socket_directories": folder},
                "pg_hba": ["local all all trust", "host all all 127.0.0.0/8 trust", "host replication all 127.0.0.0/8 trust"],
                "authentication": {"superuser": {"username": "postgres"}, "replication": {"username": "replicator"}},
                "remove_data_directory_on_rewind_failure": true,
                "remove_data_directory_on_diverged_timelines": true,
            },
        })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Starts its Patroni, which does the rest.
    pub(super) fn start(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        let mut patroni = self.owner.command(&programs().join("patroni"));
        patroni.arg(self.settings_file()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.patroni = Some(patroni.spawn().unwrap());
    }

    /// Whether it runs and answers.
    pub(super) fn is_there(&self) -> bool {
        self.patroni.is_some() && !self.is_frozen
    }

    /// Lets it come back, from wherever it was.
    pub(super) fn come_back(&mut self) {
        if std::mem::take(&mut self.is_frozen) {
            self.signal("CONT");
        } else {
            self.start();
        }
    }

    /// Lets all its processes stand still: connections to it stay, and are silent.
    pub(super) fn freeze(&mut self) {
        self.is_frozen = true;
        self.signal("STOP");
    }

    /// Sends a signal to its Patroni, then to its PostgreSQL.
    fn signal(&self, name: &str) {
        signal(name, &self.patroni.iter().map(Child::id).collect::<Vec<_>>());
        signal(name, &self.postmaster());
        signal(name, &self.postgres());
    }

    /// Takes all its processes away, as the end of its power would.
    pub(super) fn kill(&mut self) {
        // Those that stand still start nothing anew meanwhile.
        self.signal("STOP");
        signal("KILL", &self.postgres());
        if let Some(mut patroni) = self.patroni.take() {
            patroni.kill().unwrap();
            patroni.wait().unwrap();
        }
    }

    /// The process that has started all others of its PostgreSQL; none where it does not run.
    fn postmaster(&self) -> Vec<u32> {
        let said = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        said.lines().next().and_then(|first| first.trim().parse().ok()).into_iter().collect()
    }

    /// All processes of its PostgreSQL.
    fn postgres(&self) -> Vec<u32> {
        let mut all = self.postmaster();
        for process in all.clone() {
            let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        all
    }

    /// The last that it has said.
    pub(super) fn last_said(&self) -> String {
        let said = fs::read_to_string(self.log()).unwrap_or_default();
        let lines = said.lines().collect::<Vec<_>>();
        format!("{}:\n{}\n", self.name, lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // What stands still would not do as it is told.
        self.kill();
        let _ = scripted("down", &self.data()).output();
    }
}

/// Sends a signal to those of the processes that are still there.
fn signal(name: &str, processes: &[u32]) {
    if !processes.is_empty() {
        let processes = processes.iter().map(ToString::to_string);
        let _ = Command::new("kill").arg(format!("-{name}")).args(processes).stderr(Stdio::null()).status().unwrap();
    }
}
