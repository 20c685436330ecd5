//! Three members with one etcd, and what they say of one another.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::member::{Member, programs};
use super::owner::Owner;
use crate::harness::Client;
use crate::many_servers::cluster::{self, Cluster};
use crate::many_servers::servers::Servers;

/// How many there are: where one is away, commits still wait for a standby, and there is one.
const MEMBERS: u8 = 3;

/// The last number of etcd's address, where the members' are 1, 2 and 3.
const ETCD: u8 = 9;

/// Longer than anything takes that happens at all: a lock ends after 20 seconds, and a member that is copied anew takes as long.
const LONGEST: Duration = Duration::from_secs(120);

/// Why there can be none here.
pub(super) fn missing() -> Option<String> {
    if let Some(why) = cluster::missing() {
        return Some(why);
    }
    let runs = |command: &mut Command| command.arg("--version").output().is_ok_and(|said| said.status.success());
    if !runs(&mut Command::new("etcd")) {
        return Some("etcd is not installed (Debian: apt-get install etcd-server)".to_owned());
    }
    let patroni = programs().join("patroni");
    let is_there = runs(&mut Owner::find().command(&patroni));
    (!is_there).then(|| "Patroni does not run from target/patroni, where scripts/prove installs it".to_owned())
}

/// The members, their etcd, and the folder of all; with all processes they are gone when this is dropped.
pub(super) struct Members {
    pub(super) all: Vec<Member>,
    _etcd: Etcd,
    pub(super) servers: Servers,
}

impl Members {
    /// Starts them, and waits until they are whole.
    pub(super) fn new() -> Self {
        let (servers, owner, network) = (Servers::new(), Owner::find(), free_network());
        let etcd = Etcd::new(&servers.folder().join("etcd"), network(ETCD));
        let member = |number| {
            let folder = servers.folder().join(format!("pg-{number}"));
            Member::new(folder, network(number), &format!("{}:2379", network(ETCD)), owner)
        };
        let all = (1..=MEMBERS).map(member).collect();
        let mut members = Self { all, _etcd: etcd, servers };
        members.all.iter_mut().for_each(Member::start);
        members.until_whole();
        members
    }

    /// The URL of a server: all of them.
    pub(super) fn url(&self) -> String {
        Cluster::url(&self.all.iter().map(|member| member.address.to_string()).collect::<Vec<_>>())
    }

    /// Which of them has this role, and does what it has to do in it.
    pub(super) fn find(&self, role: &str) -> Option<usize> {
        let found = self.said().into_iter().find(|member| member["role"] == role && is_at_work(member))?;
        self.all.iter().position(|member| found["name"] == member.name.as_str())
    }

    /// The folder of the primary, and of its socket.
    pub(super) fn primary(&self) -> &Path {
        &self.all[self.find("leader").unwrap()].folder
    }

    /// Waits until all are there, each at its work, and commits wait for one of them.
    pub(super) fn until_whole(&self) {
        self.until(|| {
            let said = self.said();
            let have = |role: &str| said.iter().filter(|member| member["role"] == role).count();
            let is_one_timeline = said.iter().all(|member| member["timeline"] == said[0]["timeline"]);
            said.len() == usize::from(MEMBERS)
                && said.iter().all(is_at_work)
                && is_one_timeline
                && (have("leader"), have("sync_standby")) == (1, 1)
        });
    }

    /// Waits until another than `before` is the primary.
    pub(super) fn until_replaced(&self, before: usize) {
        self.until(|| self.find("leader").is_some_and(|now| now != before));
    }

    /// Asks now and then until it is so.
    pub(super) fn until(&self, so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !so() {
            let last = || self.all.iter().map(Member::last_said).collect::<String>();
            assert!(begun.elapsed() < LONGEST, "it did not come to pass: {:?}\n{}", self.said(), last());
            #[expect(clippy::disallowed_methods, reason = "asked without a rest, the members come to nothing else")]
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Changes settings that all of them share.
    pub(super) fn set(&self, settings: &Value) {
        let primary = &self.all[self.find("leader").unwrap()];
        let body = settings.to_string();
        api(primary).try_send("PATCH", "/config", &[], Some(body.as_bytes())).unwrap().expect(200);
    }

    /// `patronictl`, as an administrator runs it.
    pub(super) fn control(&self, arguments: &[&str]) {
        let member = self.all.iter().find(|member| member.is_there()).unwrap();
        let mut control = Command::new(programs().join("patronictl"));
        let done = control.arg("-c").arg(member.settings_file()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    /// What `patronictl list` says, as one of the members tells it.
    fn said(&self) -> Vec<Value> {
        let there = self.all.iter().filter(|member| member.is_there());
        let answers = there.filter_map(|member| api(member).try_send("GET", "/cluster", &[], None).ok());
        let told =
            answers.filter(|answer| answer.status == 200).find_map(|answer| answer.body["members"].as_array().cloned());
        told.unwrap_or_default()
    }
}

/// What a member answers to questions about the cluster.
fn api(member: &Member) -> Client {
    Client::anonymous(&format!("http://{}:8008", member.address))
}

fn is_at_work(member: &Value) -> bool {
    member["state"] == if member["role"] == "leader" { "running" } else { "streaming" }
}

/// The addresses of a network of this machine's own in which nothing listens. Their ports are the usual ones: what is between the
/// members would take a port of those that are given away as soon as the member that listens there is gone.
fn free_network() -> impl Fn(u8) -> Ipv4Addr {
    let address = |network, number| Ipv4Addr::new(127, 88, network, number);
    let is_free = |network: &u8| TcpListener::bind((address(*network, ETCD), 2379)).is_ok();
    let network = (0..=u8::MAX).find(is_free).unwrap();
    move |number| address(network, number)
}

/// The etcd that all of them ask who is the primary.
struct Etcd(Child);

impl Etcd {
    fn new(folder: &Path, address: Ipv4Addr) -> Self {
        let (clients, peers) = (format!("http://{address}:2379"), format!("http://{address}:2380"));
        let mut etcd = Command::new("etcd");
        etcd.args(["--name", "one", "--initial-cluster", &format!("one={peers}"), "--data-dir"]).arg(folder);
        etcd.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        etcd.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        Self(etcd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
