//! What ten thousand rules cost: registrations that each of them might decide and none does, in turn with registrations of
//! a tool without rules, on one connection. And the decision by itself, in this very process.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use countersign::clock::Timestamp;
use countersign::domain::id::PrincipalName;
use countersign::domain::kinds::Confirmation;
use countersign::domain::matcher::Subject;
use countersign::domain::rule_set::{MatchInput, RuleSet};
use countersign::rules_file::RulesFile;
use serde_json::json;

use crate::Result;
use crate::client::Connection;
use crate::plan::Plan;
use crate::process::{Database, Site};
use crate::requests::{Ids, Request};
use crate::run::progress;
use crate::stats::median_duration;

/// How many active rules there are, all about one tool.
pub(crate) const RULES: usize = 10_000;

/// The tool that they are about.
pub(crate) const TOOL: &str = "ruled";

/// A line of several commands that many rules are about and no rule covers.
pub(crate) const COMMAND: &str = "cd app && npm run build-9999 --silent 2>&1 | tail -20; git log --oneline -5 && cargo test -p crate-77 -- --nocapture";

pub(crate) struct Rules {
    /// A registration of the tool with all the rules, over one of a tool without: what they add.
    pub(crate) added: Duration,
    /// A registration of the tool without rules.
    pub(crate) without: Duration,
    /// Taking a subject apart.
    pub(crate) taken_apart: Duration,
    /// Deciding it, by what the rules do.
    pub(crate) decided: Vec<(&'static str, Duration)>,
}

/// Rules that begin alike and differ late, which an index likes least; `decision` is what they do.
fn rules_file(decision: &str) -> Result<String> {
    let mut text = String::new();
    for number in 0..RULES {
        let pattern = match number % 4 {
            0 => format!("npm run build-{number} *"),
            1 => format!("git log --grep=topic-{number} *"),
            2 => format!("cargo test -p crate-{number}"),
            _ => format!("make -j4 target-{number} *"),
        };
        writeln!(
            text,
            "[[rule]]\nname = \"rule-{number}\"\ntool_name = \"{TOOL}\"\npattern = \"{pattern}\"\nscope = \"everywhere\"\n\
             decision = \"{decision}\"\n"
        )?;
    }
    Ok(text)
}

/// Brings all the rules into a database.
pub(crate) fn import(site: &Site, database: &Database, decision: &str) -> Result<()> {
    let file = database.room().join("rules.toml");
    std::fs::write(&file, rules_file(decision)?)?;
    site.import_rules(database, &file)
}

pub(crate) async fn measure(site: &Site, plan: &Plan) -> Result<Rules> {
    progress(&format!("{RULES} rules"))?;
    let (taken_apart, decided) = in_process(plan)?;
    let database = site.database()?;
    import(site, &database, "allow")?;
    let server = site.countersign(&database).await?;
    let mut connection = Connection::open(server.address).await?;
    let ids = Ids::starting_now();
    let mut ruled = Request::register_command(&ids, &database.agent, TOOL, COMMAND);
    let mut free = Request::register_command(&ids, &database.agent, "free", COMMAND);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..plan.ruled_registrations + 50 {
        for (request, times) in [(&mut ruled, &mut with), (&mut free, &mut without)] {
            let started = Instant::now();
            let status = connection.exchange(request.numbered(ids.next())).await?;
            if status != 201 {
                return Err(format!("a registration was answered with {status}").into());
            }
            // The first ones load the rules and fill the caches.
            if round >= 50 {
                times.push(started.elapsed());
            }
        }
    }
    // Neighbours in time are compared, so that a drift of the machine falls out.
    let added = with.iter().zip(&without).map(|(with, without)| with.as_secs_f64() - without.as_secs_f64());
    let added = Duration::from_secs_f64(crate::stats::median(added).max(0.0));
    Ok(Rules { added, without: median_duration(without.into_iter()), taken_apart, decided })
}

fn in_process(plan: &Plan) -> Result<(Duration, Vec<(&'static str, Duration)>)> {
    let confirmation: Confirmation =
        serde_json::from_str(&json!({"toolName": TOOL, "input": {"command": COMMAND}}).to_string())?;
    let taken_apart = time(plan, || {
        black_box(Subject::of(black_box(&confirmation)));
    });
    let author: PrincipalName = "bench".parse()?;
    let subject = Subject::of(&confirmation);
    let candidate = MatchInput {
        confirmation: &confirmation,
        subject: &subject,
        registered_by: &author,
        conversation_id: None,
        own_rules_count: true,
    };
    let mut decided = Vec::new();
    for decision in ["allow", "deny"] {
        let file = RulesFile::parse(&rules_file(decision)?, 1024)?;
        let rules = file.rules.iter().map(|rule| rule.make(&author, Timestamp::EPOCH, 1)).collect::<RuleSet>();
        let each = time(plan, || {
            black_box(rules.decide(black_box(&candidate), Timestamp::EPOCH, None));
        });
        decided.push((decision, each));
    }
    Ok((taken_apart, decided))
}

/// The median of many single times.
fn time(plan: &Plan, mut work: impl FnMut()) -> Duration {
    let times = (0..plan.decisions).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed()
    });
    median_duration(times.collect::<Vec<_>>().into_iter())
}
