//! Where each command of a line runs.

use super::command_line::{CommandLine, SimpleCommand};
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

/// The directory that a command runs in, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::domain) struct Here {
    /// Where the line begins.
    start: Option<Path>,
    /// Where the command runs.
    at: Option<Path>,
    /// Whether the line has gone to a directory that is not known.
    is_lost: bool,
    /// Whether it has climbed out of where it begins.
    has_climbed: bool,
    /// Whether the line has gone to where git keeps what it keeps.
    pub(super) is_in_git: bool,
}

impl Here {
    /// Whether the path `text` leads out of the directory in which the line begins, or may.
    pub(super) fn leaves(&self, text: &str) -> bool {
        if text.starts_with('~') {
            return true;
        }
        match (&self.start, &self.at) {
            (Some(start), Some(at)) => at.join(text).map_or(true, |path| !path.is_in(start)),
            _ => text.starts_with('/') || Path::parse(text).is_err(),
        }
    }

    /// Whether `text` names a file out of the directory in which the line begins, by climbing: in itself, or from where the line
    /// has climbed to.
    pub(super) fn climbs_out(&self, text: &str) -> bool {
        (climbs(text) || (self.has_climbed && !text.starts_with('/'))) && self.leaves(text)
    }

    /// The names that lead to where the line begins, from the root; none where that is not known.
    pub(super) fn start(&self) -> Vec<&str> {
        self.start.as_ref().map(|start| start.keys().collect()).unwrap_or_default()
    }

    /// Whether `text` names a file in a directory that is not known, and that is not where the line begins.
    pub(super) fn is_lost(&self, text: &str) -> bool {
        self.is_lost && !text.starts_with('/')
    }

    /// The path that `text` names, where that is known: in full, or from where the command runs.
    pub(super) fn path(&self, text: &str) -> Option<Path> {
        match &self.at {
            Some(at) => at.join(text).ok(),
            None => Path::parse(text).ok(),
        }
    }
}

/// Builtins that go to another directory.
const MOVES: &[&str] = &["cd", "chdir", "popd", "pushd"];

/// Programs that do the same in every directory, but for the files that their words name.
const SAME_EVERYWHERE: &[&str] = &[
    "[", "basename", "cat", "cd", "chdir", "chmod", "cmp", "cp", "cut", "date", "df", "diff", "dirname", "du", "echo",
    "exit", "expr", "false", "fd", "file", "find", "grep", "head", "hostname", "id", "jq", "kill", "ln", "ls", "mkdir",
    "mv", "nl", "popd", "printf", "ps", "pushd", "pwd", "readlink", "realpath", "rg", "rm", "rmdir", "sed", "seq",
    "sleep", "sort", "stat", "tail", "test", "touch", "tr", "tree", "true", "type", "uname", "uniq", "uptime", "wc",
    "which", "whoami", "awk",
];

/// Programs whose words are no paths.
const NAME_NO_PATHS: &[&str] =
    &["date", "echo", "exit", "false", "printf", "pwd", "seq", "sleep", "true", "uname", "which"];

/// Whether `program` does in every directory what its words say.
pub(super) fn is_same_everywhere(program: &str) -> bool {
    SAME_EVERYWHERE.contains(&program)
}

/// Whether a word that a pattern pins may name another file in another directory.
pub(super) fn is_relative(program: &str, text: &str) -> bool {
    let is_option = text.starts_with('-') && !text.contains('/');
    let is_rooted = text.starts_with(['/', '~']) || text.contains("://");
    !is_option && !is_rooted && !NAME_NO_PATHS.contains(&program)
}

/// Says of each command of `line` whether it runs elsewhere than where the line begins.
pub(super) fn mark(line: &mut CommandLine, start: Option<&Path>) {
    let places = places(&line.commands, start);
    let is_elsewhere = |place: &Option<Place>| matches!(place, Some(Place::Elsewhere(_)));
    // What has left once is elsewhere the next time.
    let last = line.commands.iter().zip(&places).any(|(command, place)| {
        is_elsewhere(place) || (moves(command) && is_elsewhere(&Some(destination(command, start, place.as_ref()))))
    });
    let (mut has_climbed, mut is_in_git) = (false, false);
    for (command, place) in line.commands.iter_mut().zip(&places) {
        command.is_elsewhere = is_elsewhere(place) || (line.repeats && last);
        let at = match place {
            None => start.cloned(),
            Some(Place::Within(at) | Place::Elsewhere(at)) => at.clone(),
        };
        let may_be_elsewhere = line.repeats && last;
        let is_lost = may_be_elsewhere || matches!(place, Some(Place::Elsewhere(None)));
        command.here = Here {
            start: start.cloned(),
            at: at.filter(|_| !may_be_elsewhere),
            is_lost,
            has_climbed: has_climbed && is_elsewhere(place),
            is_in_git,
        };
        if moves(command) {
            for to in command.words.iter().skip(1).map(|word| word.text.as_str()) {
                let is_rooted = to.starts_with('/');
                has_climbed = climbs(to) || (has_climbed && !is_rooted);
                is_in_git = has_git(to) || (is_in_git && !is_rooted && !climbs(to));
            }
        }
    }
}

fn moves(command: &SimpleCommand) -> bool {
    MOVES.contains(&command.program().as_str())
}

/// Where a command begins to run whose input names these directories: `None` where that is not known.
pub(super) fn start(working_dir: Option<&str>, directories: &[String]) -> Option<Path> {
    let here = working_dir.and_then(|dir| Path::parse(dir).ok()).filter(Path::is_absolute);
    match directories {
        [] => here,
        [dir] => match here {
            Some(here) => here.join(dir).ok(),
            None => Path::parse(dir).ok().filter(Path::is_absolute),
        },
        _ => None,
    }
}

/// Where each of `commands` runs, from `start`.
fn places(commands: &[SimpleCommand], start: Option<&Path>) -> Vec<Option<Place>> {
    let mut moved: Option<Place> = None;
    let mut places = Vec::new();
    for command in commands {
        places.push(moved.clone());
        if moves(command) {
            moved = Some(destination(command, start, moved.as_ref()));
        }
    }
    places
}

impl Subject {
    /// Whether the line goes to another directory.
    pub(in crate::domain) fn moves(&self) -> bool {
        self.commands().iter().any(moves)
    }

    /// The commands of a line in their order, from `working_dir`.
    pub(in crate::domain) fn steps(&self, working_dir: Option<&str>) -> Vec<Step<'_>> {
        let commands = self.commands();
        let places = places(commands, start(working_dir, &self.directories).as_ref());
        commands.iter().zip(places).map(|(command, moved)| Step { command, moved }).collect()
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
    let climbs = Path::parse(target).is_err() || climbs(target);
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

impl SimpleCommand {
    /// Whether it may do where it runs what it does where the line began.
    pub(in crate::domain) fn is_safe_here(&self) -> bool {
        !self.is_elsewhere || is_same_everywhere(&self.program())
    }
}

impl Step<'_> {
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
/// Whether a path leads through what git keeps.
pub(super) fn has_git(text: &str) -> bool {
    text.split('/').any(|name| name.eq_ignore_ascii_case(".git"))
}

/// Whether a path has `..` among its names.
pub(super) fn climbs(text: &str) -> bool {
    text.split('/').any(|name| name == "..")
}

/// Whether a path may lead out of the directory that it is seen from: it begins at the root or in a home directory, or climbs.
pub(super) fn may_leave(text: &str) -> bool {
    text.starts_with(['/', '~']) || climbs(text)
}
