//! Where each command of a line runs.

use super::command_line::SimpleCommand;
use super::path::Path;
use super::subject::Subject;

/// A command of a line, and where it runs.
#[derive(Clone, Debug)]
pub(in crate::domain) struct Step<'s> {
    pub(in crate::domain) command: &'s SimpleCommand,
    /// The directory that the line has gone to; `None` while it is where it began.
    pub(in crate::domain) moved: Option<Place>,
}

/// Where a line has gone.
#[derive(Clone, Debug)]
pub(in crate::domain) enum Place {
    /// There, below where it began.
    Within(Option<Path>),
    /// Somewhere else.
    Elsewhere(Option<Path>),
}

/// Builtins that go to another directory.
const MOVES: &[&str] = &["cd", "chdir", "popd", "pushd"];

/// Programs that run what the directory they are started in tells them to: hooks and commands in the configuration.
const OBEY_THEIR_DIRECTORY: &[&str] = &["git"];

impl Subject {
    /// Whether the line goes to another directory.
    pub(in crate::domain) fn moves(&self) -> bool {
        self.commands().iter().any(|command| MOVES.contains(&command.program().as_str()))
    }

    /// The commands of a line in their order, from `working_dir`.
    pub(in crate::domain) fn steps(&self, working_dir: Option<&str>) -> Vec<Step<'_>> {
        let start = self.start(working_dir);
        let mut moved: Option<Place> = None;
        let mut steps = Vec::new();
        for command in self.commands() {
            steps.push(Step { command, moved: moved.clone() });
            if MOVES.contains(&command.program().as_str()) {
                moved = Some(destination(command, start.as_ref(), moved.as_ref()));
            }
        }
        steps
    }
}

fn destination(command: &SimpleCommand, start: Option<&Path>, moved: Option<&Place>) -> Place {
    let target = match command.words.as_slice() {
        [program, target] if program.text == "cd" => target.known_text(),
        _ => None,
    };
    let Some(target) = target.filter(|target| !target.starts_with(['-', '~'])) else {
        return Place::Elsewhere(None);
    };
    let climbs = Path::parse(target).is_err() || target.split('/').any(|component| component == "..");
    let (here, outside) = match moved {
        None => (start, false),
        Some(Place::Within(here)) => (here.as_ref(), false),
        Some(Place::Elsewhere(here)) => (here.as_ref(), true),
    };
    let there = match here {
        Some(here) => here.join(target).ok(),
        None => Path::parse(target).ok().filter(Path::is_absolute),
    };
    let within = match (start, &there) {
        (Some(start), Some(there)) => there.is_in(start),
        // The starting directory is not known: below that is what goes on from there and does not climb.
        _ => !outside && !climbs && !target.starts_with('/'),
    };
    if within { Place::Within(there) } else { Place::Elsewhere(there) }
}

impl Step<'_> {
    /// Whether the command may do in this place what it does where the line began.
    pub(in crate::domain) fn is_safe_here(&self) -> bool {
        !matches!(self.moved, Some(Place::Elsewhere(_)))
            || !OBEY_THEIR_DIRECTORY.contains(&self.command.program().as_str())
    }

    /// Whether it runs in `directory`, as far as the line itself has moved.
    pub(in crate::domain) fn stays_in(&self, directory: &Path) -> bool {
        match &self.moved {
            None => true,
            Some(Place::Within(there) | Place::Elsewhere(there)) => {
                there.as_ref().is_some_and(|there| there.is_in(directory))
            }
        }
    }
}
