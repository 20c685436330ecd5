//! How PostgreSQL finds what a writer asks for, as its own log tells.

use std::path::PathBuf;

use super::server::Postgres;
use crate::harness::{Client, confirmation, token};

/// So many ask at once that they share turns.
const AGENTS: usize = 16;

/// The queries of a log with the plans that they had.
fn plans(log: &str) -> Vec<(&str, &str)> {
    let told = log.split("Query Text: ").skip(1);
    told.filter_map(|told| {
        let plan = told.find("(cost=")?;
        let query = &told[..told[..plan].rfind('\n')?];
        // A plan is indented; the next entry is not.
        let rest = &told[query.len() + 1..];
        let end = rest.lines().take_while(|line| line.starts_with('\t')).map(|line| line.len() + 1).sum::<usize>();
        Some((query, rest.get(..end).unwrap_or(rest)))
    })
    .collect()
}

/// The nodes of a plan that read a table or an index of one from its beginning to its end.
fn reads_all(plan: &str) -> Vec<&str> {
    let lines: Vec<&str> = plan.lines().map(str::trim).collect();
    let reads = |at: &usize| {
        let (node, next) = (lines[*at], lines.get(at + 1).unwrap_or(&""));
        let is_by_index = node.contains("Index Scan") || node.contains("Index Only Scan");
        node.contains("Seq Scan") || node.contains("Bitmap") || (is_by_index && !next.starts_with("Index Cond"))
    };
    (0..lines.len()).filter(reads).map(|at| lines[at]).collect()
}

/// A connection makes its plans once: on an empty database any will do, and all that comes later is found by them.
#[test]
fn a_plan_that_was_made_for_an_empty_database_reads_no_table_to_its_end() {
    let Some(postgres) = Postgres::up() else { return };
    postgres.again("-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0");
    let db = PathBuf::from(postgres.url("postgres", "postgres"));
    let (builder, ada) = (token(&db, "builder", "agent"), token(&db, "ada", "approver"));
    let process = postgres.serve("postgres", "postgres");
    std::thread::scope(|scope| {
        for agent in 0..AGENTS {
            let (agent_client, approver) = (Client::new(&process.url, &builder), Client::new(&process.url, &ada));
            scope.spawn(move || {
                for number in 0..8 {
                    let id = format!("{agent}-{number}");
                    agent_client.register(&confirmation(&id));
                    approver.confirm(&id, "allow").expect(200);
                }
            });
        }
    });
    process.terminate();
    let log = std::fs::read_to_string(postgres.data().join("log")).unwrap();
    let of_groups = |(query, _): &(&str, &str)| query.contains("unnest(") || query.contains("= ANY($1)");
    let plans: Vec<_> = plans(&log).into_iter().filter(of_groups).collect();
    for asked in
        ["INSERT INTO interactions ", "INSERT INTO audit_events ", "UPDATE interactions ", "FROM interactions AS i "]
    {
        assert!(plans.iter().any(|(query, _)| query.contains(asked)), "{asked}: {}", plans.len());
    }
    for (query, plan) in plans {
        assert_eq!(reads_all(plan), [""; 0], "{query}\n{plan}");
    }
}
