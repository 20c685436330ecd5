//! A PostgreSQL of a proof's own.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::servers::Servers;
use crate::harness::cluster::scripted;
use crate::harness::countersign;

/// Why there can be none here.
pub(super) fn missing() -> Option<String> {
    let folder = TempDir::with_prefix("csgn").unwrap();
    let folder = folder.path().join("pg");
    let up = scripted("up", &folder).output().unwrap();
    let _ = scripted("down", &folder).output();
    (!up.status.success()).then(|| String::from_utf8_lossy(&up.stderr).trim().to_owned())
}

/// A PostgreSQL, and a standby where it has one; both are gone when this is dropped.
pub(super) struct Cluster {
    pub(super) servers: Servers,
}

impl Cluster {
    /// `up`, or `pair` with a standby that commits wait for.
    pub(super) fn new(action: &str) -> Self {
        let cluster = Self { servers: Servers::new() };
        cluster.script(action);
        cluster
    }

    fn script(&self, action: &str) {
        let done = scripted(action, &self.primary()).output().unwrap();
        assert!(done.status.success(), "{action}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The folder of the first primary, and of its socket.
    pub(super) fn primary(&self) -> PathBuf {
        self.servers.folder().join("pg")
    }

    /// The same of the standby.
    pub(super) fn standby(&self) -> PathBuf {
        self.servers.folder().join("pg-standby")
    }

    /// A URL with all these hosts: folders with sockets, or addresses.
    pub(super) fn url(hosts: &[String]) -> String {
        let escaped = hosts.iter().map(|host| host.replace('/', "%2F")).collect::<Vec<_>>();
        format!("postgres://postgres@{}/postgres?sslmode=disable", escaped.join(","))
    }

    /// The URL of the primary, and of the standby behind it.
    pub(super) fn direct(&self) -> String {
        Self::url(&[self.primary(), self.standby()].map(|folder| folder.display().to_string()))
    }

    /// PostgreSQL's shell on the server in a folder.
    pub(super) fn shell(folder: &Path) -> Command {
        let mut psql = scripted("sql", folder);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        psql
    }

    /// Runs SQL on the server in a folder, and returns the lines of its answer.
    pub(super) fn psql(folder: &Path, statements: &str) -> Vec<String> {
        let done =
            Self::shell(folder).args(["-c", "SET search_path = countersign", "-c", statements]).output().unwrap();
        assert!(done.status.success(), "{statements}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    /// A token.
    pub(super) fn token(url: &str, name: &str, role: &str) -> String {
        let made =
            countersign().args(["token", "create", "--name", name, "--role", role, "--db", url]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
    }

    /// Checks that the chain is whole, and that nothing was decided twice or told of twice.
    pub(super) fn check(folder: &Path) {
        let url = Self::url(&[folder.display().to_string()]);
        let verified = countersign().args(["audit", "verify", "--db", &url]).output().unwrap();
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let twice = Self::psql(
            folder,
            "SELECT request_id, event, count(*) FROM audit_events WHERE event LIKE 'interaction.%' \
             GROUP BY 1, 2 HAVING count(*) > 1",
        );
        assert!(twice.is_empty(), "told of twice: {twice:?}");
        let unlike = Self::psql(
            folder,
            "SELECT i.request_id, i.status, string_agg(a.event, ' ' ORDER BY seq) FROM interactions AS i \
             LEFT JOIN audit_events AS a USING (request_id) GROUP BY 1, 2 HAVING string_agg(a.event, ' ' ORDER BY seq) <> \
             CASE i.status WHEN 'pending' THEN 'interaction.registered' ELSE 'interaction.registered interaction.' || i.status END",
        );
        assert!(unlike.is_empty(), "rows and history say other things: {unlike:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = scripted("down", &self.primary()).output();
    }
}
