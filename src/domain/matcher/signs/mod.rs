//! Signs: plain facts about what a call does, for a person to check beside the risk that the agent claims.
//!
//! Nothing is decided here. A sign stands where the words of a call say it; that there is none says nothing, for a program may do
//! what its words do not say. They are looked for when a request is shown.
//!
//! | module | what it is |
//! | --- | --- |
//! | `shell` | a walk through a line: its commands and redirections, each with where it runs |
//! | `calls` | what runs another command, or a text as a program |
//! | `programs` | what the words of one program say |
//! | `arguments` | the words of one call, as far as they are known |
//! | `ground` | where a line runs, and what is outside of that |

mod arguments;
mod calls;
mod ground;
mod hosts;
mod programs;
mod shell;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::calls::Calls;
use self::ground::Ground;
pub use self::hosts::NOT_PLAIN;
use super::doubt::Doubt;
use super::place;
use crate::domain::enums::string_enum;
use crate::domain::kinds::Confirmation;
use crate::domain::members::Pointer;
use crate::domain::tools::{Profiles, Reading, Said, View, says_directory};

string_enum! {
    /// What a call does, as far as its words say.
    #[derive(PartialOrd, Ord)]
    Sign {
        /// It deletes files, branches, containers, rows and the like, or discards what is not saved.
        Deletes = "deletes",
        /// It writes, changes or removes files outside the directory that it works in.
        WritesOutside = "writes_outside",
        /// It connects to a host that is not this machine.
        ReachesHost = "reaches_host",
        /// It runs something as another user of the machine.
        OtherUser = "other_user",
        /// It runs a text as a program: one of its words, or what it reads.
        RunsText = "runs_text",
        /// It changes who may do what with a file.
        ChangesPermissions = "changes_permissions",
        /// It pushes, publishes or deploys.
        Publishes = "publishes",
        /// It installs packages.
        Installs = "installs",
    }
}

/// A sign that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which one.
    pub sign: Sign,
    /// The hosts or the files that it is about, each once, in their order: [`NOT_PLAIN`] is a host that is not known, and a path of
    /// which only the beginning is known ends so.
    pub named: Vec<String>,
}

/// What was found of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs {
    /// Each sign once, in the order of [`Sign`].
    pub found: Vec<Found>,
    /// Why some of it was not looked into, if so.
    pub unread: Option<Doubt>,
}

impl Signs {
    /// Looks for the signs of `confirmation`, whose tool is read by these profiles.
    #[must_use]
    pub fn of(confirmation: &Confirmation, profiles: &Profiles) -> Self {
        let input = confirmation.input.tree();
        let reading = profiles.read(&confirmation.tool_name, input);
        let (view, _) = profiles.view(&confirmation.tool_name);
        let mut directories = Vec::new();
        find_directories(&reading, &Pointer::root(), input, &mut directories);
        let ground = Ground::at(place::start(confirmation.working_dir.as_deref(), &directories));
        let mut findings = Findings::default();
        match &reading.said {
            Said::Line(line) => shell::read(line, ground, &mut Calls::new(&mut findings)),
            Said::Words(words) => Calls::new(&mut findings).run_words(words, &ground),
            Said::Url(url) => hosts::reach(url, &mut findings),
            Said::Path(path) if matches!(view, View::Edit | View::Write | View::Patch) => {
                findings.write(path, &ground);
            }
            Said::Text(text) if view == View::Patch => patch(text, &ground, &mut findings),
            Said::Text(text) if reading.subject.iter().any(|pointer| pointer.name() == "sql") => {
                programs::sql(text, &mut findings);
            }
            Said::Path(_) | Said::Joined(_) | Said::Text(_) | Said::Unreadable(_) | Said::Whole(_) => {}
        }
        findings.signs()
    }
}

/// Finds the directories in which the input says that it runs.
fn find_directories(reading: &Reading<'_>, at: &Pointer, members: &Map<String, Value>, found: &mut Vec<String>) {
    for (name, value) in members {
        let pointer = at.child(name);
        match value {
            Value::Object(members) if reading.leads_to_subject(&pointer) => {
                find_directories(reading, &pointer, members, found);
            }
            Value::String(text) if !reading.is_subject(&pointer) => {
                let is_directory = says_directory(name) || reading.is_directory(&pointer);
                found.extend(is_directory.then(|| text.clone()));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            }
        }
    }
}

/// The files that a patch names in the lines which say so.
fn patch(text: &str, ground: &Ground, findings: &mut Findings) {
    for line in text.lines() {
        let written = ["*** Add File: ", "*** Update File: ", "*** Move to: ", "*** Delete File: "];
        let Some((heading, path)) = written.iter().find_map(|heading| Some((*heading, line.strip_prefix(heading)?)))
        else {
            continue;
        };
        if heading.contains("Delete") {
            findings.add(Sign::Deletes);
        }
        findings.write(path.trim(), ground);
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Findings {
    found: BTreeMap<Sign, Vec<String>>,
    unread: Option<Doubt>,
}

impl Findings {
    fn add(&mut self, sign: Sign) {
        self.found.entry(sign).or_default();
    }

    fn name(&mut self, sign: Sign, name: String) {
        let named = self.found.entry(sign).or_default();
        if !named.contains(&name) {
            named.push(name);
        }
    }

    /// Says that `path` is written, where that is outside.
    fn write(&mut self, path: &str, ground: &Ground) {
        if ground.is_outside(path) {
            self.name(Sign::WritesOutside, path.to_owned());
        }
    }

    fn doubt(&mut self, doubt: Doubt) {
        self.unread.get_or_insert(doubt);
    }

    fn signs(self) -> Signs {
        let found = self.found.into_iter().map(|(sign, named)| Found { sign, named }).collect();
        Signs { found, unread: self.unread }
    }
}

#[cfg(test)]
mod tests;
