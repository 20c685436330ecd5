//! Words that are programs or queries, and what they read beside their input.

use super::operands::Seen;
use super::place;

/// Functions of sqlite3 that read or write files, or load code.
const SQLITE: &[&str] = &[
    "edit",
    "fsdir",
    "fts3_tokenizer",
    "load_extension",
    "lsdir",
    "readfile",
    "sqlar_uncompress",
    "writefile",
    "zipfile",
];

/// Commands of the client of MySQL that run a program, read or write a file, or lead to another server.
const MYSQL: &[&str] = &["connect", "delimiter", "edit", "pager", "source", "system", "tee"];

/// Their short forms.
const MYSQL_SHORT: &[&str] = &["\\!", "\\.", "\\P", "\\T", "\\d", "\\e", "\\r"];

/// Names with which a program for jq reads the environment, or another file.
const JQ: &[&str] = &["ENV", "env", "import", "include"];

/// The words with a program or a query that reads more than its input, and that have to be spelled.
pub(super) fn reading_more(seen: &Seen<'_>) -> Vec<usize> {
    match seen.program {
        // Out of the repository it compares any two files.
        "git" if seen.subcommand() == "diff" => {
            seen.operands_that(|text| place::may_leave(text) && seen.here.leaves(text))
        }
        "jq" | "gojq" | "jaq" | "yq" => {
            let is_choice = |at: &usize| matches!(seen.text(*at), "e" | "ea" | "eval" | "eval-all");
            // `--arg NAME VALUE`: the second word belongs to the option, too.
            let named =
                seen.walked.options.iter().filter(|option| option.sets.iter().any(|set| set.starts_with("arg")));
            let values = named.filter_map(|option| option.value).map(|name| name + 1).collect::<Vec<_>>();
            let programs = seen.plain_words().filter(|at| !is_choice(at) && !values.contains(at));
            // An option that is not known may have a word as its value.
            let most = if seen.walked.unknown.is_empty() { 1 } else { usize::MAX };
            programs.take(most).filter(|at| reads_environment(seen.text(*at))).collect()
        }
        "sqlite" => {
            let is_query = |text: &str| text.contains(['(', ' ', '\t', '\n']);
            seen.operands_that(|text| is_query(text) && identifiers(text).any(|name| is_among(SQLITE, name)))
        }
        "mysql" | "mariadb" | "mycli" => {
            (1..seen.words.len()).filter(|at| statements(seen.text(*at)).any(has_client_command)).collect()
        }
        _ => Vec::new(),
    }
}

fn is_among(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|name| !name.is_empty())
}

/// Where a statement may begin in a word: in the word itself, or behind an option that it is the value of.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    let value = text.starts_with("--").then(|| text.split_once('=').map(|(_, value)| value)).flatten();
    let joined = text.match_indices('e').map(|(at, _)| &text[at + 1..]);
    let joined = joined.filter(|_| text.starts_with('-') && !text.starts_with("--"));
    std::iter::once(text).chain(value).chain(joined)
}

/// Whether a statement in `text` is a command of the client of MySQL.
fn has_client_command(text: &str) -> bool {
    let is_command = |statement: &str| {
        let mut statement = statement.trim_start();
        while let Some((_, rest)) = statement.strip_prefix("/*").and_then(|comment| comment.split_once("*/")) {
            statement = rest.trim_start();
        }
        statement.split_whitespace().next().is_some_and(|word| is_among(MYSQL, word))
    };
    let text = text.replace("\\g", ";").replace("\\G", ";");
    text.split([';', '\n', '\r']).any(is_command) || MYSQL_SHORT.iter().any(|short| text.contains(short))
}

/// Whether a program for jq reads the environment or a file: a name of a member is none of a function.
pub(super) fn reads_environment(program: &str) -> bool {
    let code = code_of(program);
    let Some(code) = code else {
        return identifiers(program).any(|name| JQ.contains(&name));
    };
    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    while let Some(start) = code[from..].find(is_of_name).map(|at| from + at) {
        let end = code[start..].find(|c| !is_of_name(c)).map_or(code.len(), |at| start + at);
        let (before, after) = (&code[..start], code[end..].trim_start());
        let previous = before.trim_end().chars().next_back();
        let name = &code[start..end];
        let is_member = before.ends_with('.')
            || (name == "env" && before.ends_with('$'))
            || (after.starts_with(':') && !after.starts_with("::"))
            || (previous == Some('{') && after.starts_with([',', '}']))
            || (previous == Some(',') && after.starts_with('}'));
        if JQ.contains(&name) && !is_member {
            return true;
        }
        from = end;
    }
    false
}

/// A program for jq without its texts, but with what is computed in them; `None` where that is not plain.
fn code_of(program: &str) -> Option<String> {
    let mut code = String::with_capacity(program.len());
    // How deep the parentheses are in each text that is open: code stands in them.
    let mut texts: Vec<usize> = Vec::new();
    let mut in_text = false;
    let mut chars = program.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_text => {
                if chars.next()? == '(' {
                    texts.push(0);
                    in_text = false;
                    code.push('(');
                }
            }
            '"' => {
                in_text = !in_text;
                code.push('"');
            }
            _ if in_text => {}
            '#' => return None,
            '(' => {
                if let Some(depth) = texts.last_mut() {
                    *depth += 1;
                }
                code.push(c);
            }
            ')' => {
                match texts.last_mut() {
                    Some(0) => {
                        texts.pop();
                        in_text = true;
                    }
                    Some(depth) => *depth -= 1,
                    None => {}
                }
                code.push(c);
            }
            c => code.push(c),
        }
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_jq_reads_the_environment_where_env_is_no_member() {
        for program in [
            ".env",
            ".spec.containers[].env[]?.name",
            "{env: .x, b: .env}",
            "{env}",
            "{a, env}",
            "map({name, env: .environment})",
            "\"env is \\(.env)\"",
            ".[\"env\"]",
            ".environment",
            ".[$env]",
        ] {
            assert!(!reads_environment(program), "{program}");
        }
        for program in [
            "env",
            "env.SECRET",
            "$ENV",
            "$ENV.SECRET",
            "env|keys",
            "[1, env]",
            "{a: env}",
            "\"\\(env)\"",
            "\"a\\(\"b\\(env.X)\")\"",
            ".a # \"\n| env",
            "import \"a\" as $a; .",
            "if . then env else 1 end",
        ] {
            assert!(reads_environment(program), "{program}");
        }
    }

    #[test]
    fn a_command_of_a_client_is_found_wherever_a_statement_begins() {
        for text in ["select 1", "select 'a; b'", "show tables", "-Ne", "select system from t", "use app"] {
            assert!(!statements(text).any(has_client_command), "{text}");
        }
        for text in [
            "  system id",
            "select 1; system id",
            "select 1;\n tee x",
            "SOURCE x",
            "/* a */ pager sh",
            "-esystem id",
            "-Nesystem id",
            "--execute=system id",
            "select 1\\! id",
        ] {
            assert!(statements(text).any(has_client_command), "{text}");
        }
    }
}
