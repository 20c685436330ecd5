//! A network that falls silent, as when the machine at its other end has no power: no connection ends, and nothing comes any more.

use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::clients::Crowd;
use super::cluster::Cluster;
use super::proxy::Proxy;
use crate::harness::cluster::{HeldTurn, TURN};
use crate::harness::{Process, confirmation, until};
use crate::run::Run;

/// An answer takes no longer: some seconds until the silence is noticed, and those that a server waits for another primary.
const LONGEST_ANSWER: Duration = Duration::from_secs(45);

/// The row of the report.
const SILENCES: &str = "networks that fell silent while an answer was waited for";

pub(super) fn tried(run: &Run) -> Vec<(&'static str, String)> {
    let Some(cable) = Cable::new() else {
        return vec![(SILENCES, "none, since this may make no network".to_owned())];
    };
    let silences = run.amount(1, 10);
    let cluster = Cluster::new("up");
    let folder = cluster.primary();
    let direct = Cluster::url(&[folder.display().to_string()]);
    let other = cluster.servers.serve(&direct, "head-0");
    let (agent, approver) = (Cluster::token(&direct, "builder", "agent"), Cluster::token(&direct, "ada", "approver"));
    let proxy = Proxy::at(cable.near, &folder);
    let socket = folder.with_file_name("socket");
    let far = cable.serve(&cluster, &proxy, &socket);
    for number in 0..silences {
        let crowd = Crowd::new(&[&other.url], [&agent, &approver], run.seed.wrapping_add(number));
        let asking = falls_silent(&cable, &folder, &socket, &agent, &format!("silent-{number}"));
        crowd.while_running(4, || {
            // The turn that the lost server may have is ended, and others go on.
            until(|| crowd.told.len() > 20);
            let status = asking.join().unwrap();
            assert!([201, 503].contains(&status), "{status}");
        });
        cable.set("up");
        until(|| ask(&socket, "GET /readyz", &agent, "") == 200);
        let body = confirmation(&format!("silent-{number}")).to_string();
        let status = ask(&socket, "POST /v1/interactions", &agent, &body);
        assert!([200, 201].contains(&status), "{status}");
        crowd.told.check(&folder);
    }
    drop((far, other));
    Cluster::check(&folder);
    vec![(SILENCES, silences.to_string())]
}

/// Cuts the cable while the server behind it waits for its turn; what its client is told.
fn falls_silent(cable: &Cable, folder: &Path, socket: &Path, agent: &str, id: &str) -> std::thread::JoinHandle<u16> {
    let turn = HeldTurn::by(&mut Cluster::shell(folder));
    let asking = std::thread::spawn({
        let (socket, agent, body) = (socket.to_owned(), agent.to_owned(), confirmation(id).to_string());
        move || ask(&socket, "POST /v1/interactions", &agent, &body)
    });
    let low = TURN & 0xffff_ffff;
    let waiting = format!("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = {low} AND NOT granted");
    until(|| !Cluster::psql(folder, &waiting).is_empty());
    cable.set("down");
    drop(turn);
    asking
}

/// The status of one answer.
fn ask(socket: &Path, what: &str, token: &str, body: &str) -> u16 {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(LONGEST_ANSWER)).unwrap();
    write!(
        stream,
        "{what} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// A network of its own, and the cable to it.
struct Cable {
    namespace: String,
    near_end: String,
    near: Ipv4Addr,
}

impl Cable {
    /// `None` where this may make none.
    fn new() -> Option<Self> {
        let process = std::process::id();
        let namespace = format!("csgn-{process}");
        let (near_end, far_end) = (format!("csn{process}"), format!("csf{process}"));
        if !ip(&format!("netns add {namespace}")) {
            return None;
        }
        // Of the addresses that are kept for measurements: four for each cable.
        let [first, second] = [1, 2].map(|host| Ipv4Addr::from_bits(0xC612_0000 + (process % 0x4000) * 4 + host));
        let cable = Self { namespace, near_end, near: first };
        let Self { namespace, near_end, .. } = &cable;
        let steps = [
            format!("link add {near_end} type veth peer name {far_end}"),
            format!("link set {far_end} netns {namespace}"),
            format!("addr add {first}/30 dev {near_end}"),
            format!("link set {near_end} up"),
            format!("-n {namespace} addr add {second}/30 dev {far_end}"),
            format!("-n {namespace} link set {far_end} up"),
        ];
        steps.iter().all(|step| ip(step)).then_some(cable)
    }

    /// `up` or `down`.
    fn set(&self, state: &str) {
        assert!(ip(&format!("link set {} {state}", self.near_end)));
    }

    /// A server at the far end, which comes to the database by the cable alone.
    fn serve(&self, cluster: &Cluster, proxy: &Proxy, socket: &Path) -> Process {
        let url = Cluster::url(&[proxy.address.to_string()]);
        let inner = cluster.servers.listening(&format!("unix:{}", socket.display()), &url, "head-1");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(inner.get_program()).args(inner.get_args());
        command.env("COUNTERSIGN_CREDENTIALS_FILE", "none").stdin(Stdio::null());
        Process::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        // The cable goes with the network at its end.
        ip(&format!("netns del {}", self.namespace));
        ip(&format!("link del {}", self.near_end));
    }
}

/// Whether it was done.
fn ip(what: &str) -> bool {
    let done = Command::new("ip").args(what.split(' ')).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}
