//! Paths, as text: the matcher cannot ask the file system where a link leads.

use unicode_security::confusable_detection::skeleton;

use super::components::{Care, Components};
use super::doubt::Doubt;

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Root {
    /// At the root: `/`.
    Absolute,
    /// In a home directory: `~`.
    Home,
    /// In the working directory.
    Relative,
}

impl Root {
    const fn key(self) -> &'static str {
        match self {
            Self::Absolute => "/",
            Self::Home => "~",
            Self::Relative => ".",
        }
    }
}

/// In how many names of a path a name without a directory is looked for.
const MAX_NAMES: usize = 32;

/// How deep below the root home directories are at most.
const MAX_HOME_DEPTH: usize = 2;

/// A path with its `.`, `..` and doubled slashes resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct Path {
    root: Root,
    components: Vec<String>,
}

/// A path with wildcards.
#[derive(Clone, Debug)]
pub(super) struct PathPattern {
    root: Root,
    components: Components,
}

fn split(text: &str) -> (Root, &str) {
    match (text.strip_prefix('/'), text.starts_with('~')) {
        (Some(rest), _) => (Root::Absolute, rest),
        (None, true) => (Root::Home, text),
        (None, false) => (Root::Relative, text),
    }
}

/// Goes on from `components` along `text`; climbing above where they begin is a doubt.
fn resolve(components: &mut Vec<String>, text: &str) -> Result<(), Doubt> {
    for component in text.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop().ok_or(Doubt::Path)?;
            }
            name => components.push(name.to_owned()),
        }
    }
    Ok(())
}

/// Whether `text` is read as a path by everything that reads it: a tool may put a variable's value there, take it for a URL,
/// or for a path on a drive.
fn is_plain(text: &str) -> bool {
    let drive = text.as_bytes();
    let has_drive = drive.first().is_some_and(u8::is_ascii_alphabetic) && drive.get(1) == Some(&b':');
    let is_url = text.contains("://") || text.to_ascii_lowercase().starts_with("file:");
    !text.is_empty()
        && !has_variable(text)
        && !is_url
        && !has_drive
        && !text.contains(['\\', '\0', '`'])
        && !is_expanded(text)
}

/// Whether `text` has what some readers take apart: braces around dots, an escape of them, a stream of a file on Windows.
fn is_expanded(text: &str) -> bool {
    let has_braces = text.contains('{') && text.contains("..");
    has_braces || text.contains("::$") || text.to_ascii_lowercase().contains("%2e%2e")
}

/// Whether a tool may put a variable's value into `text`: `$HOME`, `${x}`, `$(x)`, `%USERPROFILE%`. Names of files such as
/// `users.$id.tsx` are none.
fn has_variable(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let is_dollar = |after: &str| after.starts_with(['{', '(']) || after.starts_with(is_name);
    let is_percent = |name: &str| !name.is_empty() && name.chars().all(is_name);
    let has_percents = text.matches('%').count() > 1 && text.split('%').skip(1).any(is_percent);
    text.starts_with('$') || text.split('$').skip(1).any(is_dollar) || has_percents
}

/// A name as file systems may take it: in either case, letters composed or not, and without what Windows drops behind it.
fn likened(name: &str) -> String {
    let lower = name.to_lowercase();
    let lower = lower.split("::$").next().unwrap_or_default();
    let lower = Some(lower.trim_end_matches(['.', ' '])).filter(|name| !name.is_empty()).unwrap_or(lower);
    if lower.is_ascii() { lower.to_owned() } else { skeleton(lower).collect() }
}

impl Path {
    /// Reads `text`; a path that climbs above where it begins, or that could be read in two ways, is a doubt.
    pub(in crate::domain) fn parse(text: &str) -> Result<Self, Doubt> {
        let (root, rest) = split(text);
        let mut components: Vec<String> = Vec::new();
        if !is_plain(text) {
            return Err(Doubt::Path);
        }
        resolve(&mut components, rest)?;
        // Above a home directory there is no name to go by.
        let keeps_home = root != Root::Home || components.first().is_some_and(|first| first.starts_with('~'));
        if keeps_home { Ok(Self { root, components }) } else { Err(Doubt::Path) }
    }

    /// Whether this is an absolute path.
    pub(in crate::domain) fn is_absolute(&self) -> bool {
        self.root == Root::Absolute
    }

    /// Whether this is where paths begin.
    pub(super) const fn is_root(&self) -> bool {
        self.components.is_empty()
    }

    /// `text` as seen from here: itself where it is not relative.
    pub(in crate::domain) fn join(&self, text: &str) -> Result<Self, Doubt> {
        if split(text).0 != Root::Relative {
            return Self::parse(text);
        }
        if !is_plain(text) {
            return Err(Doubt::Path);
        }
        let mut joined = self.clone();
        resolve(&mut joined.components, text)?;
        Ok(joined)
    }

    /// Whether this is `directory` or below it, by whole components.
    pub(in crate::domain) fn is_in(&self, directory: &Self) -> bool {
        self.root == directory.root && self.components.starts_with(&directory.components)
    }

    /// What is below `directory`, as a relative path.
    fn within(&self, directory: &Self) -> Option<Self> {
        let components = self.components.strip_prefix(directory.components.as_slice())?;
        (self.root == directory.root).then(|| Self { root: Root::Relative, components: components.to_vec() })
    }

    /// What an index for rules that deny or ask may go by beside the path itself: each name alone, and the path as one in a
    /// home directory.
    pub(super) fn other_keys(&self) -> Vec<Vec<&str>> {
        let names = self.components.iter().map(String::as_str).collect::<Vec<_>>();
        let named = if names.len() > MAX_NAMES { names.len() - 1.. } else { 0.. };
        let alone = names[named].iter().map(|name| vec![Root::Relative.key(), *name]);
        let depths = if self.is_absolute() { 0..MAX_HOME_DEPTH.min(names.len()) + 1 } else { 0..0 };
        let home = Root::Home.key();
        let at_home = depths.map(|depth| [&[home, home], &names[depth..]].concat());
        alone.chain(at_home).collect()
    }

    /// Whether this begins in a home directory.
    pub(super) fn is_home(&self) -> bool {
        self.root == Root::Home
    }

    /// What an index may go by.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.root.key()).chain(self.components.iter().map(String::as_str))
    }

    /// The same as file systems may take it: in lower case, and without what some of them drop.
    pub(in crate::domain) fn folded(&self) -> Self {
        Self { root: self.root, components: self.components.iter().map(|name| likened(name)).collect() }
    }
}

/// Every way in which the path `text` can be said, from `working_dir` where that is known.
pub(super) fn readings(text: &str, working_dir: Option<&str>) -> Result<Vec<Path>, Doubt> {
    let here = working_dir.and_then(|dir| Path::parse(dir).ok()).filter(Path::is_absolute);
    let Some(here) = here else {
        return Ok(vec![Path::parse(text)?]);
    };
    // A relative path may leave the working directory, as long as it is then said in full.
    let full = here.join(text)?;
    let relative = full.within(&here);
    Ok(std::iter::once(full).chain(relative).collect())
}

impl PathPattern {
    /// Reads `pattern`; `None` for one that climbs: it covers only itself.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let (root, rest) = split(pattern);
        let rest = rest.strip_prefix("./").unwrap_or(rest);
        let components = Components::parse(rest.strip_suffix('/').unwrap_or(rest));
        (!components.has_dots()).then_some(Self { root, components })
    }

    /// What an index may go by: what [`Path::keys`] begins with where this covers it.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.root.key()).chain(self.components.literals())
    }

    /// The pattern that covers whatever file systems may take for the same as what `pattern` covers.
    pub(super) fn folded(pattern: &str) -> Option<Self> {
        let (root, rest) = split(pattern);
        let components =
            rest.split('/').map(|name| if matches!(name, "." | "..") { name.to_owned() } else { likened(name) });
        let root = if root == Root::Absolute { "/" } else { "" };
        Self::parse(&format!("{root}{}", components.collect::<Vec<_>>().join("/")))
    }

    /// Whether this covers `path`.
    pub(super) fn matches(&self, path: &Path, care: Care) -> bool {
        self.root == path.root && self.components.matches(&path.components, care)
    }

    /// Whether a rule that denies or asks is about `path`: it is also about what is below the directory that it names, and a
    /// name without a directory is meant in every one.
    pub(super) fn concerns(&self, path: &Path) -> bool {
        let names = path.components.as_slice();
        let is_at = |names: &[String]| self.components.matches(names, Care::Caution);
        let is_below = || {
            let above = names.get(..self.components.len()).filter(|_| self.components.is_literal());
            self.root == path.root && above.is_some_and(is_at)
        };
        // In a path that is deep the name itself counts.
        let named = if names.len() > MAX_NAMES { names.len() - 1.. } else { 0.. };
        let is_name = self.root == Root::Relative && self.components.is_one();
        // What is below a directory cannot be said without it.
        let is_above = || self.root == path.root && self.components.is_all_below(names);
        self.matches(path, Care::Caution)
            || is_below()
            || is_above()
            || (is_name && names[named].iter().any(|name| is_at(std::slice::from_ref(name))))
    }

    /// Whether something below `path` may be what this names, which a tool that searches there would find.
    pub(super) fn may_be_below(&self, path: &Path) -> bool {
        let names = path.components.as_slice();
        let mut spelled = self.components.literals().zip(names);
        self.root == path.root
            && !self.components.is_one()
            && self.components.may_have_more_than(names.len())
            && spelled.all(|(literal, name)| literal == name.as_str())
    }

    /// Whether this could be about `path` because one of them begins in a home directory, which is somewhere below the root.
    pub(super) fn may_concern(&self, path: &Path) -> bool {
        let names = path.components.as_slice();
        match (self.root, path.root) {
            (Root::Absolute, Root::Home) => (0..=MAX_HOME_DEPTH).any(|depth| {
                let home = self.components.literals().take(depth).map(str::to_owned);
                let names = home.chain(names.iter().skip(1).cloned()).collect();
                self.concerns(&Path { root: Root::Absolute, components: names })
            }),
            (Root::Home, Root::Absolute) => (0..=MAX_HOME_DEPTH.min(names.len())).any(|depth| {
                let names = std::iter::once("~".to_owned()).chain(names[depth..].iter().cloned()).collect();
                self.concerns(&Path { root: Root::Home, components: names })
            }),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, path: &str, working_dir: Option<&str>) -> bool {
        let pattern = PathPattern::parse(pattern).unwrap();
        readings(path, working_dir).is_ok_and(|paths| paths.iter().any(|path| pattern.matches(path, Care::Allowing)))
    }

    #[test]
    fn a_path_is_resolved_before_it_is_compared() {
        for path in ["/repo/src/a.rs", "/repo//src/./a.rs", "/repo/x/../src/a.rs", "/../repo/src/a.rs"] {
            assert_eq!(covers("/repo/src/*", path, None), path != "/../repo/src/a.rs", "{path}");
        }
        for path in [
            "/repo/src/../../etc/passwd",
            "/repo/src/x/y",
            "/repo/srcs/a",
            "/repo/SRC/a.rs",
            "/repo/src",
            "/repo/src/.env",
        ] {
            assert!(!covers("/repo/src/*", path, None), "{path}");
        }
    }

    #[test]
    fn two_stars_cross_components_and_one_does_not() {
        assert!(covers("/repo/**", "/repo/a/b/c", None));
        assert!(covers("/repo/**/*.rs", "/repo/a/b/c.rs", None));
        assert!(covers("/repo/**/*.rs", "/repo/c.rs", None));
        for path in ["/repo", "/repository/x", "/repo/.git/hooks/pre-commit", "/repo/a/.ssh/id"] {
            assert!(!covers("/repo/**", path, None), "{path}");
        }
    }

    #[test]
    fn a_relative_path_is_seen_from_the_working_directory() {
        assert!(covers("/repo/src/*", "src/a.rs", Some("/repo")));
        assert!(covers("src/*", "/repo/src/a.rs", Some("/repo")));
        assert!(covers("src/*", "./src/a.rs", None));
        assert!(covers("/other/*", "../other/a", Some("/repo")));
        for (path, dir) in
            [("../src/a.rs", Some("/repo")), ("../src/a", None), ("/src/a", Some("/repo")), ("~/src/a", Some("/repo"))]
        {
            assert!(!covers("src/*", path, dir), "{path}");
        }
    }
}
