//! A write that is acknowledged and then lost with the primary: every server notices.

use std::path::Path;

use super::cluster::Cluster;
use super::servers::Servers;
use crate::harness::{Client, Process, confirmation, until};

/// What is to be lost, and the servers that will know of it.
pub(super) struct Lost<'l> {
    pub(super) servers: &'l Servers,
    /// The database that they serve.
    pub(super) url: &'l str,
    /// The token of an agent.
    pub(super) agent: &'l str,
}

impl Lost<'_> {
    /// Writes it, and waits until all know of it; `primary` is the folder of the primary, where alone it is.
    pub(super) fn acknowledge(&self, running: &[Process], primary: &Path) {
        Client::new(&running[0].url, self.agent).register(&confirmation("lost"));
        for server in running {
            Client::new(&server.url, self.agent).get("/v1/interactions/lost").expect(200);
        }
        let newest = Cluster::psql(primary, "SELECT max(seq) FROM audit_events").remove(0);
        for at in 0..running.len() {
            let head = self.servers.head(&format!("head-{at}"));
            until(|| std::fs::read_to_string(&head).is_ok_and(|text| text.contains(&format!(" {newest}:"))));
        }
    }

    /// Checks that all servers stop; `primary` is the folder of the one that has taken the place.
    pub(super) fn check_noticed(&self, running: [Process; 2], primary: &Path) {
        for mut server in running {
            until(|| server.has_ended());
            let (status, _, said) = server.ended();
            assert_eq!(status.code(), Some(1), "{said}");
            assert!(said.contains("lost"), "{said}");
        }
        // A new start is refused as well, until somebody says that the loss is accepted.
        let mut refused = self.servers.command(self.url, "head-0").spawn().unwrap();
        until(|| refused.try_wait().unwrap().is_some());
        let refused = refused.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        let accepted = said.trim().rsplit_once("--accept-loss ").unwrap().1;
        let mut again = self.servers.command(self.url, "head-0");
        let server = Process::spawn(again.args(["--accept-loss", accepted]));
        assert_eq!(Client::new(&server.url, self.agent).get("/v1/interactions/lost").status, 404);
        drop(server);
        let told = Cluster::psql(primary, "SELECT count(*) FROM audit_events WHERE event = 'history.lost'");
        assert_eq!(told, ["1"]);
    }
}
