//! What programs, their subcommands and the kinds of things that they are about are called, and what else they are called.

use std::borrow::Cow;

use super::permitted;
use super::programs::{KINDS, OTHER_NAMES, is_known};
use super::word::Word;

/// Endings of names that say what kind of file a program is.
const ENDINGS: &[&str] = &[".exe", ".cmd", ".bat", ".com", ".ps1"];

/// Endings of names that say how a program was built.
const BUILDS: &[&str] = &[".tiny", ".basic", ".nox", ".gtk3", ".gtk", ".athena", ".traditional", ".openbsd", "-dbg"];

/// Tools that are called by the name of the machine that they build for, too: `aarch64-linux-gnu-gcc`.
const CROSS_BUILT: &[&str] = &[
    "ar", "as", "c++", "cc", "clang", "clang++", "cpp", "g++", "gcc", "gdb", "gfortran", "ld", "nm", "objcopy",
    "objdump", "ranlib", "readelf", "strip",
];

/// How long the name of a program is at most, in bytes: what is longer is known by itself.
const MAX_NAME: usize = 64;

/// How many words that are no options are looked at for names of subcommands.
const MAX_SUBCOMMANDS: usize = 3;

/// How many kinds one word may name: `kubectl delete pod,service/x`.
const MAX_KINDS: usize = 8;

/// The name that a program is known by: `/usr/bin/Python3.12` is `python`, `gtimeout` is `timeout`, and `curl.exe` is `curl`.
pub(super) fn base_name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
    let name = without_ending(&name).unwrap_or(&name);
    if name.len() > MAX_NAME {
        return name.to_owned();
    }
    if is_known(name) {
        return called(name).to_owned();
    }
    let name = BUILDS.iter().find_map(|build| name.strip_suffix(build)).filter(|name| !name.is_empty()).unwrap_or(name);
    let without_version = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_'));
    // `.` is a builtin, and `7z` a name.
    let name = if without_version.is_empty() { name } else { without_version };
    if is_known(name) {
        return called(name).to_owned();
    }
    let cross = name.rsplit_once('-').map(|(_, tool)| tool).filter(|tool| CROSS_BUILT.contains(tool));
    let gnu = name.strip_prefix('g').filter(|gnu| is_known(gnu));
    called(cross.or(gnu).unwrap_or(name)).to_owned()
}

/// The name of a file without what says that it is a program of Windows.
pub(super) fn without_ending(file: &str) -> Option<&str> {
    ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).filter(|name| !name.is_empty())
}

fn called(name: &str) -> &str {
    OTHER_NAMES.get(name).copied().unwrap_or(name)
}

/// The name of the program that `words` begin with; empty where it is not known.
pub(super) fn program_name(words: &[Word]) -> String {
    words.first().and_then(Word::known_text).map(base_name).unwrap_or_default()
}

/// The words as git itself takes them, where they begin with `git-push` or the like.
pub(super) fn undashed(words: &[Word]) -> Cow<'_, [Word]> {
    let dashed = words.first().and_then(Word::known_text).and_then(|program| {
        let name = program.rsplit(['/', '\\']).next()?;
        without_ending(name).unwrap_or(name).strip_prefix("git-").filter(|subcommand| !subcommand.is_empty())
    });
    dashed.map_or(Cow::Borrowed(words), |subcommand| {
        let git = [Word::literal("git"), Word::literal(subcommand)];
        Cow::Owned(git.into_iter().chain(words[1..].iter().cloned()).collect())
    })
}

/// The words of a command, or those of a pattern as far as they are known, with each subcommand and each kind by its own
/// name, so that they can be compared: several times where a word names several kinds.
pub(super) fn canonical(words: &[Word]) -> Vec<Vec<Word>> {
    let program = program_name(words);
    let mut names = 0;
    let mut path = program.clone();
    let mut found = vec![Vec::new()];
    for (at, word) in words.iter().enumerate() {
        let text = word.known_text().filter(|text| at > 0 && !text.starts_with('-'));
        let Some(text) = text else {
            found.iter_mut().for_each(|words: &mut Vec<Word>| words.push(word.clone()));
            continue;
        };
        if let Some(kinds) = kinds(&program, text) {
            found = kinds.iter().flat_map(|kind| found.iter().map(|words| [words.as_slice(), kind].concat())).collect();
            found.truncate(MAX_KINDS);
            continue;
        }
        let own = (names < MAX_SUBCOMMANDS).then(|| permitted::own_name(&path, text)).flatten();
        if names < MAX_SUBCOMMANDS {
            path.push(' ');
            path.push_str(own.unwrap_or(text));
            names += 1;
        }
        let word = own.map_or_else(|| word.clone(), Word::literal);
        found.iter_mut().for_each(|words| words.push(word.clone()));
    }
    found
}

/// What `text` names for a program that knows things by kind and name: `ns/prod` is `namespace prod`.
fn kinds(program: &str, text: &str) -> Option<Vec<Vec<Word>>> {
    if !matches!(program, "kubectl" | "oc") {
        return None;
    }
    let (kinds, name) = text.split_once('/').map_or((text, None), |(kinds, name)| (kinds, Some(name)));
    let own = |kind: &str| {
        let lower = kind.split('.').next().unwrap_or(kind).to_ascii_lowercase();
        KINDS.get(lower.as_str()).copied()
    };
    if !kinds.split(',').any(|kind| own(kind).is_some()) {
        return None;
    }
    let word = |kind: &str| own(kind).map_or_else(|| Word::literal(kind), Word::literal);
    let words = |kind: &str| std::iter::once(word(kind)).chain(name.map(Word::literal)).collect();
    Some(kinds.split(',').take(MAX_KINDS).map(words).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_name_alone() {
        for (program, name) in [
            ("/usr/bin/Python3.12", "python"),
            ("git", "git"),
            (".", "."),
            ("C:\\Windows\\cmd.exe", "cmd"),
            ("7z", "7z"),
            ("./gcc-12", "gcc"),
            ("gtimeout", "timeout"),
            ("go", "go"),
            ("gcc", "gcc"),
            ("x86_64-linux-gnu-gcc-13", "gcc"),
            ("vim.tiny", "vim"),
            ("npx.cmd", "npx"),
            ("curl.exe", "curl"),
            ("pip3.12", "pip"),
            ("py", "python"),
            ("c99", "cc"),
            ("egrep", "grep"),
            ("aria2c", "aria2c"),
        ] {
            assert_eq!(base_name(program), name);
        }
    }

    fn own_names(line: &str) -> Vec<String> {
        let words = line.split(' ').map(Word::literal).collect::<Vec<_>>();
        let text = |words: Vec<Word>| words.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ");
        canonical(&undashed(&words)).into_iter().map(text).collect()
    }

    #[test]
    fn other_names_of_subcommands_and_kinds_are_their_own() {
        for (line, own) in [
            ("npm i evil", "npm install evil"),
            ("cargo t", "cargo test"),
            ("kubectl delete ns/prod", "kubectl delete namespace prod"),
            ("kubectl delete deployments.apps x", "kubectl delete deployment x"),
            ("/usr/lib/git-core/git-push origin", "git push origin"),
            ("echo i", "echo i"),
        ] {
            assert_eq!(own_names(line), [own]);
        }
        assert_eq!(own_names("kubectl get po,svc"), ["kubectl get pod", "kubectl get service"]);
    }
}
