//! Paths, component by component: in the file system, in URLs, and in the words of commands.

use super::glob::{Glob, Reach};

/// Components of which each may hold wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Components {
    parts: Vec<Component>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    /// One component.
    One(Glob),
    /// `**`: any number of components; at the end at least one.
    Any,
}

/// Whether a rule that allows looks, or one that denies or asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// A wildcard stands for no hidden component, no `.` and no `..`.
    Allowing,
    /// A wildcard stands for anything.
    Caution,
}

impl Components {
    /// Joins globs that were parted at slashes; `**` is one of its own.
    pub(super) fn new(parts: impl IntoIterator<Item = (Glob, bool)>) -> Self {
        let parts = parts.into_iter().map(|(glob, any)| if any { Component::Any } else { Component::One(glob) });
        Self { parts: parts.collect() }
    }

    /// Reads `pattern`, parted at slashes.
    pub(super) fn parse(pattern: &str) -> Self {
        Self::new(pattern.split('/').map(|part| (Glob::new(part), part == "**")))
    }

    /// The components before the first wildcard.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map_while(|part| match part {
            Component::One(glob) => glob.literal(),
            Component::Any => None,
        })
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether none of them has a wildcard.
    pub(super) fn is_literal(&self) -> bool {
        self.literals().count() == self.parts.len()
    }

    /// Whether it is one component alone, more than a wildcard, and no words of a command.
    pub(super) fn is_one(&self) -> bool {
        matches!(self.parts.as_slice(), [Component::One(glob)] if !glob.is_star() && !glob.has_blank())
    }

    /// Whether the last of them is a wildcard alone.
    pub(super) fn ends_in_star(&self) -> bool {
        match self.parts.last() {
            Some(Component::One(glob)) => glob.is_star(),
            Some(Component::Any) => true,
            None => false,
        }
    }

    /// Whether one of them spells one of these characters.
    pub(super) fn have<const N: usize>(&self, characters: [char; N]) -> bool {
        self.parts.iter().any(|part| matches!(part, Component::One(glob) if glob.has(characters)))
    }

    /// Whether they may be more than so many.
    pub(super) fn may_have_more_than(&self, components: usize) -> bool {
        self.parts.len() > components || self.parts.contains(&Component::Any)
    }

    /// Whether they are whatever is below `directory`, which they spell.
    pub(super) fn is_all_below(&self, directory: &[String]) -> bool {
        let spelled = self.parts.len().saturating_sub(1);
        self.ends_in_star() && self.literals().count() == spelled && spelled > 0 && self.literals().eq(directory)
    }

    /// Whether one of them is `.` or `..`, which mean another path than they say.
    pub(super) fn has_dots(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Component::One(glob) if matches!(glob.literal(), Some("." | ".."))))
    }

    /// The same for the path of a URL: a `*` at the end also stands for what is between the last slash and the end, nothing.
    pub(super) fn matches_url<S: AsRef<str>>(&self, components: &[S], care: Care) -> bool {
        let ends_in_one = matches!(self.parts.last(), Some(Component::One(glob)) if glob.is_star());
        match (self.parts.split_last(), components.split_last()) {
            (Some((_, parts)), Some((last, before))) if ends_in_one && last.as_ref().is_empty() => {
                Self { parts: parts.to_vec() }.matches(before, care)
            }
            _ => self.matches(components, care),
        }
    }

    /// Whether they are `components`, from end to end.
    pub(super) fn matches<S: AsRef<str>>(&self, components: &[S], care: Care) -> bool {
        let (mut at, mut part) = (0, 0);
        // Where to go on when what follows the last `**` does not fit: one component further.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            let fits = match (self.parts.get(part), components.get(at)) {
                (None, None) => return true,
                (Some(Component::Any), next) => {
                    if part + 1 == self.parts.len() {
                        // What ends in a slash has an empty last component.
                        let named = match components[at..].split_last() {
                            Some((last, named)) if last.as_ref().is_empty() => named,
                            _ => &components[at..],
                        };
                        return next.is_some() && named.iter().all(|c| care.reaches(c.as_ref()));
                    }
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                (Some(Component::One(glob)), Some(component)) => care.covers(glob, component.as_ref()),
                (Some(Component::One(_)), None) => return false,
                (None, Some(_)) => false,
            };
            if fits {
                (at, part) = (at + 1, part + 1);
                continue;
            }
            match retry {
                Some((any, start)) if start < components.len() && care.reaches(components[start].as_ref()) => {
                    retry = Some((any, start + 1));
                    (part, at) = (any + 1, start + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Care {
    fn covers(self, glob: &Glob, component: &str) -> bool {
        if let Some(literal) = glob.literal() {
            return literal == component;
        }
        match self {
            Self::Caution => glob.matches(component, Reach::Wide),
            Self::Allowing => {
                !matches!(component, "" | "." | "..") && glob.matches(component, Reach::Narrow { forbidden: &[] })
            }
        }
    }

    /// Whether `**` may stand for `component`.
    fn reaches(self, component: &str) -> bool {
        self == Self::Caution || !(component.is_empty() || component.starts_with('.'))
    }
}
