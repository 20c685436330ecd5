//! Where a line runs, and what is outside of the directory that it began in.

use crate::domain::matcher::path::Path;
use crate::domain::matcher::{place, private};

/// Where a command runs.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    /// Where the line began; `None` where that is not known.
    start: Option<Path>,
    here: Here,
}

#[derive(Clone, Debug)]
enum Here {
    /// In this directory, seen from where the line began where that is not known.
    At(Path),
    /// Above where the line began, which is not known.
    Above,
    /// In a directory that is not known.
    Unknown,
    /// On another machine, or in a container: no file there is one of this machine's.
    Elsewhere,
}

/// What is written to and is no file, by what it begins with.
const NO_FILES: &[&str] =
    &["/dev/fd/", "/dev/null", "/dev/pts/", "/dev/stderr", "/dev/stdin", "/dev/stdout", "/dev/tty"];

/// What begins a connection of bash's own.
pub(super) const CONNECTIONS: &[&str] = &["/dev/tcp/", "/dev/udp/"];

impl Ground {
    /// Where a line begins.
    pub(super) fn at(start: Option<Path>) -> Self {
        let here = start.clone().or_else(|| Path::parse(".").ok()).map_or(Here::Unknown, Here::At);
        Self { start, here }
    }

    /// On another machine, or in a container.
    pub(super) const fn elsewhere() -> Self {
        Self { start: None, here: Here::Elsewhere }
    }

    /// Goes to the directory `to`, or to one that is not known.
    pub(super) fn go(&mut self, to: Option<&str>) {
        if matches!(self.here, Here::Elsewhere) {
            return;
        }
        let to = to.filter(|to| !to.starts_with('-'));
        self.here = match to.and_then(|to| Some((to, self.resolve(to)?))) {
            Some((_, there)) => Here::At(there),
            None if self.start.is_none() && to.is_some_and(|to| self.climbs_out(to)) => Here::Above,
            None => Here::Unknown,
        };
    }

    /// Whether a file at `path` is outside of where the line began, for certain: where it began in a directory that is not known,
    /// only what is the system's, or a hidden file in a home directory, or above.
    pub(super) fn is_outside(&self, path: &str) -> bool {
        let path = Some(path.trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or(path);
        let is_no_file = NO_FILES.iter().chain(CONNECTIONS).any(|beginning| path.starts_with(beginning));
        if matches!(self.here, Here::Elsewhere) || is_no_file {
            return false;
        }
        match (&self.start, self.resolve(path)) {
            (Some(start), Some(path)) => !path.is_in(start),
            (None, Some(path)) if path.is_absolute() => private::is_no_workplace(&path),
            (None, Some(_)) => path.starts_with("~/."),
            (None, None) => self.climbs_out(path),
            (Some(_), None) => false,
        }
    }

    /// Whether all files whose paths begin with `beginning`, as far as its last slash, are outside.
    pub(super) fn is_outside_below(&self, beginning: &str) -> bool {
        let Some((directory, _)) = beginning.rsplit_once('/') else { return false };
        let Some(above) = self.resolve(directory) else { return false };
        let may_lead_in = self.start.as_ref().is_some_and(|start| start.is_in(&above));
        !above.is_root() && !may_lead_in && self.is_outside(directory)
    }

    fn climbs_out(&self, path: &str) -> bool {
        let is_relative = !path.starts_with(['/', '~']);
        match &self.here {
            Here::Above => is_relative,
            Here::At(here) => is_relative && place::climbs(path) && here.join(path).is_err(),
            Here::Unknown | Here::Elsewhere => false,
        }
    }

    /// The path that `text` names, where that is known. A home directory is that in which the line begins, where it begins in one.
    fn resolve(&self, text: &str) -> Option<Path> {
        if let Some(rest) = text.strip_prefix('~') {
            let home = self.start.as_ref().and_then(home_of);
            return match (home, rest.is_empty() || rest.starts_with('/')) {
                (Some(home), true) => home.join(rest.trim_start_matches('/')).ok().or(Some(home)),
                _ => Path::parse(text).ok(),
            };
        }
        match &self.here {
            _ if text.starts_with('/') => Path::parse(text).ok(),
            Here::At(here) => here.join(text).ok(),
            Here::Above | Here::Unknown | Here::Elsewhere => None,
        }
    }
}

/// The home directory that `start` is in.
fn home_of(start: &Path) -> Option<Path> {
    match start.keys().collect::<Vec<_>>().as_slice() {
        ["/", homes @ ("home" | "Users"), user, ..] => Path::parse(&format!("/{homes}/{user}")).ok(),
        ["/", "root", ..] => Path::parse("/root").ok(),
        _ => None,
    }
}
