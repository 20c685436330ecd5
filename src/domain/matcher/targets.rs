//! Words that name what a command writes to, where that is not below the working directory, or where it is what git or a
//! shell runs.

use super::operands::Seen;
use super::word::Known;

/// Programs that write to their second operand.
const WRITE_SECOND_OPERAND: &[&str] = &["json.tool", "uniq", "xxd"];

/// Programs that write to each operand, or change or remove it.
const WRITE_EACH: &[&str] =
    &["chgrp", "chmod", "chown", "mkdir", "rm", "rmdir", "shred", "tee", "touch", "truncate", "unlink"];

/// Programs that write to their last operand, or to names that begin with it.
const WRITE_LAST: &[&str] = &["cp", "install", "ln", "mv", "pdftotext", "rsync", "scp", "split"];

/// Directories below the root in which the system is.
const SYSTEM: &[&str] = &["bin", "boot", "etc", "lib", "lib32", "lib64", "opt", "root", "sbin", "srv", "usr", "var"];

/// Those of them in which work may be done.
const WORKED_IN: &[&str] = &["opt", "root", "srv", "var"];

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
        "sed" if edits_in_place(seen) => {
            let is_script = |set: &str| matches!(set, "expression" | "-e" | "file" | "-f");
            let has_script = seen.walked.options.iter().any(|option| option.sets.iter().any(|set| is_script(set)));
            seen.operands().skip(usize::from(!has_script)).filter(is_private).collect()
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

/// The words that say of what and, behind a colon, where to: a pattern that says something of such a word says both.
pub(super) fn with_destination(seen: &Seen<'_>) -> Vec<usize> {
    match seen.program {
        "git" if seen.subcommand() == "push" => {
            seen.operands().skip(1).filter(|at| seen.text(*at).contains(':')).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether sed writes to the files that it reads: `-i`, also among other letters, or `--in-place`, also abbreviated.
fn edits_in_place(seen: &Seen<'_>) -> bool {
    seen.words.iter().skip(1).any(|word| match word.text.strip_prefix("--") {
        Some(long) => long.starts_with('i'),
        None => word.text.starts_with('-') && word.text.contains(['i', 'I']),
    })
}

/// Whether a path leads to what git keeps, to a home directory or a hidden file of one, to where the system is, climbs out of
/// the working directory, or lies where it is not known.
fn is_private(seen: &Seen<'_>, text: &str) -> bool {
    let path = seen.here.path(text);
    let names = path.as_ref().map(|path| path.keys().collect::<Vec<_>>()).unwrap_or_default();
    let is_git = |name: &str| name.eq_ignore_ascii_case(".git");
    let is_system = match names.as_slice() {
        ["/", directory, ..] if SYSTEM.contains(directory) => !seen.here.stays_below(text, WORKED_IN),
        ["/", "private", "etc", ..] => true,
        // What is put there may be a hidden file.
        ["/"] => true,
        ["/", homes] | ["/", homes, _] if HOMES.contains(homes) => seen.here.leaves(text),
        ["/", homes, _, hidden, ..] => HOMES.contains(homes) && hidden.starts_with('.'),
        _ => false,
    };
    text.starts_with('~')
        || text.split('/').any(is_git)
        || names.iter().any(|name| is_git(name))
        || is_system
        || seen.here.climbs_out(text)
        || seen.here.is_lost(text)
}
