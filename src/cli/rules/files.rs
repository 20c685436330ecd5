//! Rules as code: files that are tested, brought in, and written from what stands.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::owner::Owner;
use crate::clock::{Clock, SystemClock};
use crate::config::{Database, Location, ProfilesError, ToolProfiles};
use crate::domain::id::{PrincipalName, RuleName};
use crate::domain::pattern::Scope;
use crate::domain::tools::Profiles;
use crate::rules_file::{self, FileRule, Remark, RulesFile};
use crate::service::{Change, Import, ImportError, Imported, active};
use crate::store::{self, OpenError, with_write_tx};

#[derive(Debug, Args)]
struct RulesPath {
    /// The file; `-` for stdin
    file: PathBuf,

    /// The longest pattern, in bytes
    #[arg(long, value_name = "BYTES", env = "COUNTERSIGN_MAX_PATTERN_BYTES", default_value_t = 1024)]
    max_pattern_bytes: usize,

    #[command(flatten)]
    tool_profiles: ToolProfiles,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TestRules {
    #[command(flatten)]
    rules: RulesPath,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ImportRules {
    #[command(flatten)]
    rules: RulesPath,

    #[command(flatten)]
    database: Database,

    /// Who makes and revokes these rules: an approver or an admin of this database
    #[arg(long, value_name = "NAME")]
    by: PrincipalName,

    /// Revoke rules that have a name and are not in the file
    #[arg(long)]
    prune: bool,

    /// Make rules again that are unchanged in the file and have been revoked, have expired or are used up
    #[arg(long)]
    renew: bool,

    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    owner: Owner,
}

/// Why a command about rules failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Failure {
    #[error("{0}: {1}")]
    Read(PathBuf, io::Error),
    #[error("{0}: {1}")]
    NotRules(PathBuf, rules_file::Error),
    #[error("{path}: {failed} of {examples} examples are not decided as the file says")]
    Examples { path: PathBuf, failed: usize, examples: usize },
    #[error("{0}: {1} can never match")]
    NeverMatch(PathBuf, String),
    #[error(transparent)]
    Profiles(#[from] ProfilesError),
    #[error(transparent)]
    Import(#[from] ImportError),
    /// There is nothing to import into.
    #[error("there is no database {0}: start the server first, or name its file with --db")]
    NoDatabase(Location),
    /// Who is to have made the rules may make none there.
    #[error("in {0}: {1}")]
    NotAnApprover(Location, ImportError),
}

impl RulesPath {
    fn read(&self) -> Result<RulesFile, Failure> {
        let read = |path: &Path| {
            if path.as_os_str() == "-" { io::read_to_string(io::stdin()) } else { std::fs::read_to_string(path) }
        };
        let text = read(&self.file).map_err(|error| Failure::Read(self.file.clone(), error))?;
        RulesFile::parse(&text, self.max_pattern_bytes).map_err(|error| Failure::NotRules(self.file.clone(), error))
    }

    /// Refuses a file with an example that is not decided as it says; every such example is named on stderr.
    fn check_examples(&self, rules: &RulesFile, profiles: &Profiles) -> Result<(), crate::cli::Failure> {
        let failures = rules.failures(profiles).map_err(|error| Failure::NotRules(self.file.clone(), error))?;
        self.say("", &failures)?;
        if failures.is_empty() {
            return Ok(());
        }
        let (path, failed, examples) = (self.file.clone(), failures.len(), rules.examples());
        Err(Failure::Examples { path, failed, examples }.into())
    }

    /// Says something of each of some rules on stderr.
    fn say(&self, kind: &str, remarks: &[Remark]) -> io::Result<()> {
        let mut err = io::stderr().lock();
        remarks
            .iter()
            .try_for_each(|Remark { name, problem }| writeln!(err, "{}: {kind}{name}: {problem}", self.file.display()))
    }
}

/// A number of things, in words.
fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

impl TestRules {
    pub(super) fn run(self) -> Result<(), crate::cli::Failure> {
        let (rules, profiles) = (self.rules.read()?, self.rules.tool_profiles.load().map_err(Failure::from)?);
        self.rules.say("warning: ", &rules.warnings(&profiles, SystemClock::default().now()))?;
        let never = rules.never_matching(&profiles);
        self.rules.say("", &never)?;
        self.rules.check_examples(&rules, &profiles)?;
        if !never.is_empty() {
            return Err(Failure::NeverMatch(self.rules.file.clone(), counted(never.len(), "pattern")).into());
        }
        let (count, examples) = (counted(rules.rules.len(), "rule"), counted(rules.examples(), "example"));
        writeln!(io::stdout(), "{count}, {examples}: all decided as the file says")?;
        Ok(())
    }
}

pub(super) fn export(database: &Database) -> Result<(), crate::cli::Failure> {
    let now = SystemClock::default().now();
    let rules = store::with_read_tx(&database.location()?, |tx| active(tx, now))?;
    let rules = rules.iter().filter_map(|rule| {
        // A rule without a name is known by its id, which is a name, too.
        let name = rule.rule_id.as_str().parse::<RuleName>().ok()?;
        Some(FileRule::of(rule, name))
    });
    let text = toml::to_string(&RulesFile { rules: rules.collect() }).map_err(io::Error::other)?;
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

impl ImportRules {
    pub(super) fn run(self) -> Result<(), crate::cli::Failure> {
        let (rules, profiles) = (self.rules.read()?, self.rules.tool_profiles.load().map_err(Failure::from)?);
        self.rules.say("warning: ", &rules.never_matching(&profiles))?;
        self.rules.check_examples(&rules, &profiles)?;
        let database = self.database.location()?;
        if database.is_missing() {
            return Err(Failure::NoDatabase(database).into());
        }
        if !self.dry_run {
            self.owner.check(&database)?;
        }
        let import = Import { rules: rules.rules, by: self.by, prune: self.prune, renew: self.renew };
        let failed = |error| match matches!(error, ImportError::NotAnApprover(_)) {
            true => Failure::NotAnApprover(database.clone(), error),
            false => Failure::Import(error),
        };
        let imported = if self.dry_run {
            store::with_read_tx(&database, |tx| Ok(import.plan(tx, SystemClock::default().now())))?.map_err(failed)?
        } else {
            with_write_tx(&database, &SystemClock::default(), |tx| import.run(tx)).map_err(failed)?
        };
        match show(&imported, self.dry_run) {
            // The import is done, whether or not the report of it is read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            shown => Ok(shown?),
        }
    }
}

fn show(Imported { changes, unchanged }: &Imported, is_dry: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for change in changes {
        match change {
            Change::New(rule) => writeln!(out, "+ {} {}", rule.name, summary(rule))?,
            Change::Changed { rule, revision, was } => {
                writeln!(out, "~ {} revision {revision} {}", rule.name, summary(rule))?;
                writeln!(out, "  {} was {}", rule.name, summary(was))?;
            }
            Change::Renewed { rule, revision } => {
                writeln!(out, "+ {} revision {revision}, again {}", rule.name, summary(rule))?
            }
            Change::Revoked(rule) => writeln!(out, "- {} {}", rule.name, summary(rule))?,
            Change::LeftEnded { name, status } => {
                writeln!(out, "! {name} is {status} and stays so; --renew makes it again")?
            }
        }
    }
    let done = if is_dry { "nothing was changed: this was a dry run" } else { "done" };
    writeln!(out, "{unchanged} unchanged; {done}")
}

fn summary(rule: &FileRule) -> String {
    let FileRule { tool_name, pattern, scope, decision, .. } = rule;
    // Quoted: a terminal obeys what a text holds.
    let scope =
        if scope.as_str() == Scope::EVERYWHERE { "everywhere".to_owned() } else { format!("in {:?}", scope.as_str()) };
    let mut text = format!("{decision} {tool_name} {:?} {scope}", pattern.as_str());
    for (pointer, pattern) in rule.members.iter() {
        text.push_str(&format!(", {} {pattern:?}", pointer.as_str()));
    }
    if let Some(agent) = &rule.agent {
        text.push_str(&format!(", of {agent}"));
    }
    if let Some(target) = rule.execution_target {
        text.push_str(&format!(", on {target}"));
    }
    if let Some(reason) = &rule.reason {
        text.push_str(&format!(", because {:?}", reason.as_str()));
    }
    if rule.allow_high_risk {
        text.push_str(", high risk too");
    }
    if let Some(uses) = rule.max_uses {
        text.push_str(&format!(", {uses} times"));
    }
    if let Some(end) = rule.expires_at {
        text.push_str(&format!(", until {end}"));
    }
    text
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Import(error.into())
    }
}
