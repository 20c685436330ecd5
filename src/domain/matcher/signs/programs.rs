//! What the words of one program say.

use std::sync::LazyLock;

use super::arguments::{Argument, Call};
use super::ground::Ground;
use super::{Findings, Sign, hosts};
use crate::domain::matcher::permitted::own_name;
use crate::domain::matcher::programs::lines;

/// Programs that write to each word that is no option.
const WRITE_EACH: &[&str] = &[
    "chattr", "chgrp", "chmod", "chown", "mkdir", "mkfifo", "rimraf", "rm", "rmdir", "setfacl", "shred", "srm", "tee",
    "touch", "truncate", "unlink",
];

/// Programs that write to the last word that is no option.
const WRITE_LAST: &[&str] = &["cp", "install", "ln", "mv", "rsync", "scp"];

/// Options of programs that write which have a value in the next word.
fn valued(name: &str) -> &'static str {
    match name {
        "chmod" | "chown" | "chgrp" => "--reference",
        "cp" | "ln" | "mv" => "-S -t --suffix --target-directory",
        "install" => "-g -m -o -S -t --group --mode --owner --suffix --target-directory",
        "mkdir" | "mkfifo" => "-m --mode",
        "rsync" => hosts::RSYNC,
        "scp" => hosts::SSH,
        "sed" => "-e -f -l --expression --file",
        "setfacl" => "-m -M -x -X",
        "shred" => "-n -s --iterations --size",
        "touch" => "-d -r -t --date --reference",
        "truncate" => "-r -s --reference --size",
        _ => "",
    }
}

/// Options of programs with subcommands that stand in front of these, or anywhere, and have a value in the next word.
const VALUED_ABOVE: &str = "-C -c -n -p -w -H -R -r -f -l --git-dir --work-tree --namespace --context --kubeconfig --prefix --workspace \
    --registry --tag --access --otp --manifest-path --package --config --host --log-level --color --profile --region \
    --repo --project --file --directory --project-name --dir --filter --cwd --index --token --output -o -e -m -t -b \
    --branch --depth";

/// What programs do by the words that they begin with: each sign with those words.
static TABLE: LazyLock<Vec<(Sign, &str)>> = LazyLock::new(|| {
    let rows = lines(include_str!("programs.txt")).filter_map(|line| line.split_once(": "));
    rows.flat_map(|(sign, calls)| {
        let sign = sign.parse::<Sign>().ok();
        calls.split(", ").filter_map(move |call| Some((sign?, call)))
    })
    .collect()
});

/// Says what a call does by its words.
pub(super) fn of(call: &Call<'_>, ground: &Ground, findings: &mut Findings) {
    if call.says(&["--help"]) || call.words.first().is_some_and(|first| first.is("--version")) {
        return;
    }
    hosts::of(call, findings);
    let path = subcommands(call);
    if is_dry(call, &path) {
        return;
    }
    writes(call, ground, findings);
    for (sign, _) in TABLE.iter().filter(|(_, words)| begins(&path, words)) {
        findings.add(*sign);
    }
    if deletes_by_option(call) || discards(call, &path) {
        findings.add(Sign::Deletes);
    }
    for query in queries(call) {
        sql(&query.text, findings);
    }
    if call.name == "docker" && call.says(&["buildx"]) && call.says(&["--push"]) {
        findings.add(Sign::Publishes);
    }
    if call.name == "pacman" && call.words.first().is_some_and(|first| first.text.starts_with("-S")) {
        findings.add(Sign::Installs);
    }
}

/// Whether `path` begins with these words.
fn begins(path: &str, words: &str) -> bool {
    path.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether a call only shows what it would do, or of git only what it knows of.
fn is_dry(call: &Call<'_>, path: &str) -> bool {
    let has_letter = ["git clean", "git push", "git rm", "rsync"].iter().any(|words| begins(path, words));
    call.says(&["--dry-run", "--dry-run=client", "--dry-run=server"])
        || (has_letter && call.has(&["-n"]))
        || (begins(path, "git rm") && call.says(&["--cached"]))
}

/// The program and the words in the places of subcommands, each by its own name: `npm i x` is `npm install x`.
fn subcommands(call: &Call<'_>) -> String {
    let mut path = call.name.to_owned();
    for word in call.operands(VALUED_ABOVE).into_iter().take(3) {
        let Some(text) = word.whole() else { break };
        let own = own_name(&path, text).unwrap_or(text);
        path.push(' ');
        path.push_str(own);
    }
    path
}

/// What git and others discard with an option or a word, by the program and its subcommand.
fn discards(call: &Call<'_>, path: &str) -> bool {
    let begins = |words: &str| begins(path, words);
    let has_refspec_of_nothing = || call.words.iter().any(|word| word.text.len() > 1 && word.text.starts_with(':'));
    (begins("git reset") && call.says(&["--hard"]))
        || (begins("git branch") && call.has(&["-d", "-D", "--delete"]))
        || (begins("git tag") && call.has(&["-d", "--delete"]))
        || (begins("git push") && (call.has(&["-d", "--delete"]) || has_refspec_of_nothing()))
        || (begins("git checkout") && (call.says(&["--"]) || call.has(&["-f", "--force"])))
        || (begins("git restore") && (!call.has(&["-S", "--staged"]) || call.has(&["-W", "--worktree"])))
        || (begins("docker compose down") && call.has(&["-v", "--volumes"]))
        || (call.name == "docker-compose" && call.says(&["down"]) && call.has(&["-v", "--volumes"]))
        || (begins("aws s3 sync") && call.says(&["--delete"]))
        || (call.name == "aws"
            && path.split(' ').nth(2).is_some_and(|verb| verb.starts_with("delete-") || verb.starts_with("terminate-")))
        || (call.name == "gcloud" && path.split(' ').any(|word| word == "delete"))
}

fn deletes_by_option(call: &Call<'_>) -> bool {
    match call.name {
        "rsync" => call.words.iter().any(|word| word.text.starts_with("--del")),
        "crontab" => call.has(&["-r"]),
        "curl" => call.values(&["-X", "--request"]).iter().any(|method| method.is("DELETE")),
        name if name.starts_with("mkfs") => true,
        "redis-cli" | "valkey-cli" => call
            .words
            .iter()
            .any(|word| ["del", "flushall", "flushdb", "unlink"].contains(&word.text.to_ascii_lowercase().as_str())),
        _ => false,
    }
}

/// The texts in a call that are queries of a database.
fn queries(call: &Call<'_>) -> Vec<Argument> {
    match call.name {
        "psql" | "duckdb" => call.values(&["-c", "--command"]),
        "mysql" | "mariadb" => call.values(&["-e", "--execute"]),
        "sqlite" => call.operands("-cmd -separator -newline").into_iter().skip(1).cloned().collect(),
        _ => Vec::new(),
    }
}

/// Says of a query that it deletes, where one of its statements begins so.
pub(super) fn sql(text: &str, findings: &mut Findings) {
    let deletes = |statement: &str| {
        let first = statement.split_ascii_whitespace().next().unwrap_or_default();
        ["DELETE", "DROP", "TRUNCATE"].iter().any(|word| first.eq_ignore_ascii_case(word))
    };
    if text.split(';').any(deletes) {
        findings.add(Sign::Deletes);
    }
}

/// Says which files outside are written.
fn writes(call: &Call<'_>, ground: &Ground, findings: &mut Findings) {
    let operands = call.operands(valued(call.name));
    let mut written: Vec<Argument> = match call.name {
        name if WRITE_EACH.contains(&name) => operands.into_iter().cloned().collect(),
        "mv" => operands.into_iter().cloned().collect(),
        name if WRITE_LAST.contains(&name) && operands.len() > 1 => {
            operands.into_iter().last().cloned().into_iter().collect()
        }
        "dd" => call.words.iter().filter_map(|word| part(word, "of=")).collect(),
        "sed" if call.words.iter().any(edits_in_place) => {
            let has_script = call.words.iter().any(|word| word.is("-e") || word.is("-f"));
            operands.into_iter().skip(usize::from(!has_script)).cloned().collect()
        }
        "curl" => call.values(&["-o", "--output", "--output-dir"]),
        "wget" => call.values(&["-O", "--output-document", "-P", "--directory-prefix"]),
        "tar" => of_tar(call),
        "unzip" => call.values(&["-d"]),
        "git" if call.says(&["clone", "worktree"]) => {
            let operands = call.operands(VALUED_ABOVE);
            let places = if call.says(&["clone"]) {
                operands.get(2..3)
            } else {
                operands.get(2..3).filter(|_| call.says(&["add"]))
            };
            places.unwrap_or_default().iter().map(|word| (*word).clone()).collect()
        }
        _ => Vec::new(),
    };
    if matches!(call.name, "cp" | "install" | "ln" | "mv") {
        written.extend(call.values(&["-t", "--target-directory"]));
    }
    for word in written.iter().filter(|word| !hosts::is_remote(&word.text)) {
        match word.whole() {
            Some(path) => findings.write(path, ground),
            None if ground.is_outside_below(&word.text) => {
                findings.name(Sign::WritesOutside, format!("{}…", word.text))
            }
            None => {}
        }
    }
}

/// The rest of a word that begins so.
fn part(word: &Argument, beginning: &str) -> Option<Argument> {
    let text = word.text.strip_prefix(beginning)?.to_owned();
    Some(Argument { text, ..word.clone() })
}

fn edits_in_place(word: &Argument) -> bool {
    word.text.starts_with("--in-place")
        || (word.text.starts_with("-i") || matches!(word.text.as_str(), "-Ei" | "-ni" | "-ri" | "-Ei.bak"))
}

/// Where tar writes: the directory that it unpacks in, or the archive that it makes.
fn of_tar(call: &Call<'_>) -> Vec<Argument> {
    let Some(first) = call.words.first() else { return Vec::new() };
    let letters = first.text.trim_start_matches('-');
    let has = |letter: char, option: &str| letters.contains(letter) || call.says(&[option]);
    if has('x', "--extract") {
        call.values(&["-C", "--directory"])
    } else if has('c', "--create") && letters.ends_with('f') {
        call.words.get(1).cloned().into_iter().collect()
    } else {
        Vec::new()
    }
}
