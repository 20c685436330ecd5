//! Words that name what a command writes to, changes or removes, where a wildcard is not to stand for that.

use super::operands::Seen;
use super::private;
use super::word::{Known, Word};

/// Programs that write to their second operand.
const WRITE_SECOND_OPERAND: &[&str] = &["json.tool", "uniq", "xxd"];

/// Programs that write to each operand, or change or remove it.
const WRITE_EACH: &[&str] =
    &["chgrp", "chmod", "chown", "mkdir", "rm", "rmdir", "shred", "tee", "touch", "truncate", "unlink"];

/// Programs that write to their last operand, or to names that begin with it.
const WRITE_LAST: &[&str] = &["cp", "install", "ln", "mv", "pdftotext", "rsync", "scp", "split"];

/// The words that name what is written, and that have to be spelled.
pub(super) fn written(seen: &Seen<'_>) -> Vec<usize> {
    let is_private = |at: &usize| private::is_private(&seen.words[*at], seen.here);
    let last = || seen.operands().last().into_iter().filter(is_private).collect::<Vec<_>>();
    // Names that the shell finds: more than one, perhaps.
    let is_several = |at: &usize| seen.words[*at].known != Known::Literally;
    match seen.program {
        // What is no format is a time that is set.
        "date" => seen.operands_that(|text| !text.starts_with('+')),
        "git" if seen.subcommand() == "push" => {
            let refs = seen.operands().skip(1);
            // What deletes, and what is every branch at once: a wildcard for which the shell finds no file is git's own.
            let is_every = |word: &Word| word.is_wildcard || word.known_text().is_some_and(|text| text.contains('*'));
            refs.filter(|at| seen.text(*at).starts_with(':') || is_every(&seen.words[*at])).collect()
        }
        "sed" if edits_in_place(seen) => {
            let is_script = |text: &str| ["-e", "-f", "--e", "--f"].iter().any(|option| text.starts_with(option));
            let has_script = seen.words.iter().skip(1).any(|word| is_script(&word.text));
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
            // What is moved is gone from where it was; what is beside the directory may be fetched from there.
            let is_kept = |at: &usize| is_private(at) && !seen.here.climbs_out(seen.text(*at));
            let moved = seen.operands().filter(|at| program == "mv" && is_kept(at));
            several.chain(last()).chain(moved).collect()
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
