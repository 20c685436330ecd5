//! Requests that are made to take long, by the time that this thread works on each: reading it, deciding it under ten
//! thousand rules, and making offers for it. Fails where one of them takes longer than the bound. A word behind `--` takes
//! only those with the word in their names.
#![expect(clippy::print_stdout, reason = "a report is printed")]

#[path = "../tests/matching/asked.rs"]
#[expect(dead_code, reason = "the tests ask more")]
mod asked;
#[path = "../tests/matching/hostile.rs"]
mod hostile;

use std::process::ExitCode;
use std::time::Duration;

/// No request may take longer.
const BOUND: Duration = Duration::from_millis(5);

/// How many rules there are beside those that are full of wildcards.
const RULES: usize = 10_000;

/// How many of the slowest are shown.
const SHOWN: usize = 20;

fn main() -> ExitCode {
    let rules = hostile::rules(RULES);
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut costs = Vec::new();
    for request in hostile::SIZES.into_iter().flat_map(hostile::requests).filter(|it| it.name.contains(&word)) {
        // The best of three: the work that the request itself causes, not the tables that the first one makes.
        let cost = (0..3).map(|_| request.cost(&rules)).min().unwrap_or_default();
        costs.push((cost, request.name));
    }
    costs.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
    println!("| ms | request |\n| ---: | --- |");
    for (cost, name) in costs.iter().take(SHOWN) {
        println!("| {:.2} | {name} |", cost.as_secs_f64() * 1000.0);
    }
    let slow = costs.iter().filter(|(cost, _)| *cost > BOUND).count();
    println!("\n{} requests, {slow} of them longer than {BOUND:?}", costs.len());
    if slow == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
