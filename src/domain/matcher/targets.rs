//! Words that name what a command writes to, where that is not below the working directory, or where it is what git or a
//! shell runs.

use super::operands::Seen;
use super::place;
use super::word::Known;

/// Programs that write to their second operand.
const WRITE_SECOND_OPERAND: &[&str] = &["json.tool", "uniq", "xxd"];

/// Programs that write to each operand.
const WRITE_EACH: &[&str] = &["tee", "touch", "truncate"];

/// Programs that write to their last operand, or to names that begin with it.
const WRITE_LAST: &[&str] = &["cp", "install", "ln", "mv", "pdftotext", "rsync", "scp", "split"];

/// Directories below the root in which the system is.
const SYSTEM: &[&str] = &["bin", "boot", "etc", "lib", "lib32", "lib64", "opt", "root", "sbin", "srv", "usr", "var"];

/// Directories below the root in which home directories are.
const HOMES: &[&str] = &["home", "Users"];

/// The words that name what is written, and that have to be spelled.
pub(super) fn written(seen: &Seen<'_>) -> Vec<usize> {
    let is_private = |at: &usize| is_private(seen, seen.text(*at));
    let last = || seen.operands().last().into_iter().filter(is_private).collect::<Vec<_>>();
    // Names that the shell finds: more than one, perhaps.
    let is_several = |at: &usize| seen.words[*at].known != Known::Literally;
    match seen.program {
        // What is no format is a time that is set.
        "date" => seen.operands_that(|text| !text.starts_with('+')),
        "git" if seen.subcommand() == "push" => {
            let refs = seen.operands().skip(1);
            // What deletes, and what is every branch at once.
            let is_every = |at: usize| seen.words[at].known_text().is_some_and(|text| text.contains('*'));
            refs.filter(|at| seen.text(*at).starts_with(':') || is_every(*at)).collect()
        }
        program if WRITE_SECOND_OPERAND.contains(&program) => {
            let end = seen.walked.inner.unwrap_or(seen.words.len());
            seen.operands().nth(1).into_iter().chain((1..end).filter(is_several)).collect()
        }
        program if WRITE_EACH.contains(&program) => seen.operands().filter(is_private).collect(),
        program if WRITE_LAST.contains(&program) => {
            let only = Some(seen.operands().collect::<Vec<_>>()).filter(|operands| operands.len() == 1);
            let several = only.into_iter().flatten().filter(is_several);
            several.chain(last()).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a path leads to what git keeps, to a hidden file of a home directory, to where the system is, climbs out of the
/// working directory, or lies where it is not known.
fn is_private(seen: &Seen<'_>, text: &str) -> bool {
    let climbs = place::climbs(text);
    let path = seen.here.path(text);
    let names = path.as_ref().map(|path| path.keys().collect::<Vec<_>>()).unwrap_or_default();
    let is_git = |name: &str| name.eq_ignore_ascii_case(".git");
    let is_system = match names.as_slice() {
        ["/", directory, ..] if SYSTEM.contains(directory) => true,
        ["/", "private", "etc", ..] => true,
        ["/", homes, _, hidden, ..] => HOMES.contains(homes) && hidden.starts_with('.'),
        _ => false,
    };
    text.starts_with('~')
        || text.split('/').any(is_git)
        || names.iter().any(|name| is_git(name))
        || is_system
        || (climbs && seen.here.leaves(text))
        || seen.here.is_lost(text)
}
