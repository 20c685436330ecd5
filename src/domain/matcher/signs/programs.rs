//! What the words of one program say.

use super::arguments::{Argument, Call};
use super::ground::Ground;
use super::{Findings, Sign, hosts};
use crate::domain::matcher::permitted::own_name;

/// Programs that delete what they name.
const DELETE: &[&str] = &[
    "dropdb", "dropuser", "groupdel", "rimraf", "rm", "rmdir", "shred", "srm", "truncate", "unlink", "userdel",
    "wipefs",
];

/// Programs that change who may do what.
const PERMISSIONS: &[&str] = &["chattr", "chgrp", "chmod", "chown", "icacls", "setcap", "setfacl"];

/// Programs that write to each word that is no option.
const WRITE_EACH: &[&str] = &[
    "chattr", "chgrp", "chmod", "chown", "mkdir", "mkfifo", "rimraf", "rm", "rmdir", "setfacl", "shred", "srm", "tee",
    "touch", "truncate", "unlink",
];

/// Programs that write to the last word that is no option.
const WRITE_LAST: &[&str] = &["cp", "install", "ln", "mv", "rsync", "scp"];

/// Options of these that have a value in the next word.
const VALUED: &[&str] = &[
    "-g",
    "-m",
    "-o",
    "-S",
    "-s",
    "--size",
    "--mode",
    "--owner",
    "--group",
    "--reference",
    "--suffix",
    "-e",
    "--rsh",
    "--exclude",
    "--include",
    "--filter",
    "-i",
    "-P",
    "-F",
    "-c",
    "-l",
];

/// Options of programs with subcommands that stand in front of these, or anywhere, and have a value in the next word.
const VALUED_ABOVE: &[&str] = &[
    "-C",
    "-c",
    "-n",
    "-p",
    "-w",
    "-H",
    "-R",
    "-r",
    "-f",
    "-l",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--context",
    "--kubeconfig",
    "--prefix",
    "--workspace",
    "--registry",
    "--tag",
    "--access",
    "--otp",
    "--manifest-path",
    "--package",
    "--config",
    "--host",
    "--log-level",
    "--color",
    "--profile",
    "--region",
    "--repo",
    "--project",
    "--file",
    "--directory",
    "--project-name",
    "--dir",
    "--filter",
    "--cwd",
    "--index",
    "--token",
    "--output",
    "-o",
    "-e",
    "-m",
    "-t",
    "-b",
];

/// Subcommands that delete: the program and its first words.
const DELETING: &[&str] = &[
    "apt-get autoremove",
    "apt-get purge",
    "apt-get remove",
    "apt autoremove",
    "apt purge",
    "apt remove",
    "aws s3 rb",
    "aws s3 rm",
    "az group delete",
    "brew uninstall",
    "cargo clean",
    "docker buildx prune",
    "docker compose rm",
    "docker container prune",
    "docker container rm",
    "docker image prune",
    "docker image rm",
    "docker network prune",
    "docker network rm",
    "docker rm",
    "docker rmi",
    "docker system prune",
    "docker volume prune",
    "docker volume rm",
    "gcloud storage rm",
    "gh repo delete",
    "gh release delete",
    "gh secret delete",
    "gh variable delete",
    "gsutil rb",
    "gsutil rm",
    "git clean",
    "git rm",
    "git stash clear",
    "git stash drop",
    "git worktree remove",
    "helm uninstall",
    "kubectl delete",
    "oc delete",
    "podman rm",
    "podman rmi",
    "podman system prune",
    "podman volume rm",
    "pulumi destroy",
    "terraform destroy",
    "tofu destroy",
    "vault delete",
];

/// Subcommands that push, publish or deploy.
const PUBLISHING: &[&str] = &[
    "bun publish",
    "cargo publish",
    "docker push",
    "dotnet nuget push",
    "firebase deploy",
    "fly deploy",
    "flyctl deploy",
    "gcloud app deploy",
    "gem push",
    "gh gist create",
    "gh pr create",
    "gh pr merge",
    "gh release create",
    "gh release upload",
    "git push",
    "git send-email",
    "glab mr create",
    "glab mr merge",
    "glab release create",
    "helm push",
    "hg push",
    "jj git push",
    "mvn deploy",
    "netlify deploy",
    "npm publish",
    "pnpm publish",
    "podman push",
    "poetry publish",
    "gradle publish",
    "serverless deploy",
    "svn commit",
    "twine upload",
    "uv publish",
    "vercel deploy",
    "wrangler deploy",
    "wrangler publish",
    "yarn npm publish",
    "yarn publish",
];

/// Subcommands that install packages.
const INSTALLING: &[&str] = &[
    "apk add",
    "apt install",
    "apt-get install",
    "brew install",
    "bun add",
    "bun install",
    "bundle install",
    "cargo install",
    "code --install-extension",
    "composer install",
    "composer require",
    "conda install",
    "dnf install",
    "dotnet add",
    "gem install",
    "go get",
    "go install",
    "mamba install",
    "npm ci",
    "npm install",
    "pip install",
    "pipx install",
    "pnpm add",
    "pnpm install",
    "poetry add",
    "poetry install",
    "snap install",
    "uv add",
    "uv pip install",
    "uv sync",
    "uv tool install",
    "yarn add",
    "yarn install",
    "yum install",
    "zypper install",
];

/// Says what a call does by its words.
pub(super) fn of(call: &Call<'_>, ground: &Ground, findings: &mut Findings) {
    let is_help = call.says(&["--help"]) || call.words.first().is_some_and(|first| first.is("--version"));
    if is_help {
        return;
    }
    hosts::of(call, findings);
    writes(call, ground, findings);
    if PERMISSIONS.contains(&call.name) {
        findings.add(Sign::ChangesPermissions);
    }
    if DELETE.contains(&call.name) || call.name.starts_with("mkfs") || deletes_by_option(call) {
        findings.add(Sign::Deletes);
    }
    for sql_text in queries(call) {
        sql(&sql_text.text, findings);
    }
    let path = subcommands(call);
    let is_dry = call.says(&["--dry-run", "--dry-run=client", "--dry-run=server"])
        || (path.starts_with("git ") && is_dry_for_git(call, &path));
    let is_among = |table: &[&str]| {
        table.iter().any(|entry| path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
    };
    if is_dry {
        return;
    }
    if is_among(PUBLISHING) || (call.name == "docker" && call.says(&["buildx"]) && call.says(&["--push"])) {
        findings.add(Sign::Publishes);
    }
    if is_among(INSTALLING)
        || (call.name == "pacman" && call.words.first().is_some_and(|first| first.text.starts_with("-S")))
    {
        findings.add(Sign::Installs);
    }
    if (is_among(DELETING) && !(path.starts_with("git rm") && call.says(&["--cached"]))) || discards(call, &path) {
        findings.add(Sign::Deletes);
    }
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

fn is_dry_for_git(call: &Call<'_>, path: &str) -> bool {
    let takes_letter = ["git push", "git clean", "git rm"].iter().any(|entry| path.starts_with(entry));
    takes_letter && call.has(&["-n"])
}

/// What git and others discard with an option or a word, by the program and its subcommand.
fn discards(call: &Call<'_>, path: &str) -> bool {
    let begins = |with: &str| path.strip_prefix(with).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
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
        "sqlite" => call.operands(&["-cmd", "-separator", "-newline"]).into_iter().skip(1).cloned().collect(),
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
    let operands = call.operands(VALUED);
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
