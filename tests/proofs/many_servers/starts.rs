//! Servers that start at once on an empty database: one makes the tables, one prints the first tokens, all serve.

use super::cluster::Cluster;
use crate::harness::{Act, Process, race};
use crate::run::Run;

/// How many start at once.
const SERVERS: usize = 4;

pub(super) fn at_once(run: &Run) -> Vec<(&'static str, String)> {
    let rounds = run.amount(2, 20);
    let cluster = Cluster::new("up");
    let url = Cluster::url(&[cluster.primary().display().to_string()]);
    for round in 0..rounds {
        Cluster::psql(&cluster.primary(), "DROP SCHEMA IF EXISTS countersign CASCADE");
        let _ = std::fs::remove_file(cluster.servers.key());
        let heads = (0..SERVERS).map(|server| format!("head-{round}-{server}"));
        let starts = heads.map(|head| -> Act<'_, Process> {
            let (cluster, url) = (&cluster, &url);
            Box::new(move || cluster.servers.serve(url, &head))
        });
        let said = race(starts).into_iter().map(|server| server.terminate().2).collect::<Vec<_>>();
        let first = said.iter().filter(|said| said.contains("Two tokens were made")).count();
        assert_eq!(first, 1, "{said:?}");
        assert_eq!(Cluster::psql(&cluster.primary(), "SELECT count(*) FROM tokens"), ["2"]);
    }
    vec![("starts at once on an empty database", format!("{rounds} times {SERVERS}"))]
}
