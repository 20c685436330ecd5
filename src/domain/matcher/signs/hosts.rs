//! The hosts that the words of a program lead to.

use super::arguments::{Argument, Call};
use super::{Findings, Sign};
use crate::domain::matcher::url::host_of;

/// What a host is called that is known only when it runs, or that readers of its URL do not agree on.
pub const NOT_PLAIN: &str = "…";

/// Says that the host of `text` is reached, which is a URL, or a host with or without a port.
pub(super) fn reach(text: &str, findings: &mut Findings) {
    match host_of(text.strip_prefix("git+").unwrap_or(text)) {
        Some(host) if is_this_machine(&host) => {}
        Some(host) => findings.name(Sign::ReachesHost, host),
        None => not_plain(findings),
    }
}

fn not_plain(findings: &mut Findings) {
    findings.name(Sign::ReachesHost, NOT_PLAIN.to_owned());
}

fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "[::]")
        || host.starts_with("127.")
        || host.ends_with(".localhost")
}

/// The same for a word that may be known in part: a URL is known as far as its host where a slash follows that.
fn reach_argument(word: &Argument, findings: &mut Findings) {
    let behind_scheme = word.text.split_once("://").map_or(word.text.as_str(), |(_, rest)| rest);
    if word.is_whole || behind_scheme.contains(['/', '?']) {
        reach(&word.text, findings);
    } else {
        not_plain(findings);
    }
}

/// Programs that take URLs, and the options of theirs that have a value.
const URL_CLIENTS: &[(&str, &str)] =
    &[("curl", CURL), ("wget", WGET), ("aria2c", "-o -d -x -s -j -i"), ("lynx", ""), ("w3m", "")];

const CURL: &str = "-A -b -c -C -d -D -e -E -F -H -K -m -o -P -Q -r -T -t -u -U -w -x -X -y -Y -z --aws-sigv4 --cacert --capath --cert \
    --cert-type --ciphers --config --connect-timeout --connect-to --cookie --cookie-jar --data --data-ascii --data- \
    binary --data-raw --data-urlencode --dns-servers --dump-header --form --form-string --header --interface --json \
    --key --limit-rate --max-filesize --max-redirs --max-time --netrc-file --noproxy --oauth2-bearer --output \
    --output-dir --pass --pinnedpubkey --proto --proto-redir --proxy --proxy-user --quote --range --rate --referer \
    --request --request-target --resolve --retry --retry-delay --retry-max-time --socks5 --socks5-hostname --stderr \
    --time-cond --tls-max --trace --trace-ascii --unix-socket --upload-file --url --url-query --user --user-agent \
    --variable --write-out";

const WGET: &str = "-a -A -B -D -e -i -I -l -o -O -P -Q -R -t -T -U -w -X --accept --directory-prefix --header --level --limit-rate \
    --method --output-document --output-file --password --post-data --post-file --reject --timeout --tries --user \
    --user-agent --wait";

/// Programs that have a host among their operands, with those of their options that have a value.
pub(super) const SSH: &str = "-b -B -c -D -E -e -F -I -i -J -L -l -m -O -o -p -P -Q -R -S -W -w";
const NETCAT: &str = "-b -c -e -i -m -p -q -s -t -w -W -X -x -I -O -n";
pub(super) const RSYNC: &str =
    "-e --rsh -f --filter --exclude --include --exclude-from --include-from --files-from --bwlimit -B";

/// Programs of databases, which have their host behind an option or in a URL.
const DATABASES: &[&str] = &[
    "createdb",
    "dropdb",
    "mariadb",
    "mongo",
    "mongodump",
    "mongosh",
    "mysql",
    "mysqldump",
    "pg_dump",
    "pg_restore",
    "psql",
    "redis-cli",
    "valkey-cli",
];

/// Says which hosts a call reaches.
pub(super) fn of(call: &Call<'_>, findings: &mut Findings) {
    if let Some((_, valued)) = URL_CLIENTS.iter().find(|(name, _)| *name == call.name) {
        let urls = call.values(&["--url"]);
        call.operands(valued).into_iter().chain(&urls).for_each(|word| reach_argument(word, findings));
        return;
    }
    match call.name {
        "http" | "https" | "xh" | "xhs" => {
            // A method may stand in front.
            let words = call.operands("-a --auth -o --output -A --auth-type --session");
            let is_method =
                |word: &&&Argument| !word.text.is_empty() && word.text.bytes().all(|c| c.is_ascii_uppercase());
            let url = words.iter().find(|word| !is_method(word)).map(|word| word.text.as_str());
            // `:3000/x` is this machine.
            if let Some(url) = url.filter(|url| !url.starts_with([':', '/'])) {
                reach(url, findings);
            }
        }
        "ssh" | "mosh" | "autossh" | "ssh-copy-id" => {
            call.operands(SSH).first().into_iter().for_each(|host| reach_argument(host, findings));
        }
        "sftp" => call.operands(SSH).into_iter().for_each(|place| reach_argument(&before_colon(place), findings)),
        "scp" => remote(&call.operands(SSH), findings),
        "rsync" => remote(&call.operands(RSYNC), findings),
        "nc" | "ncat" | "netcat" if !call.has(&["-l", "--listen", "-U"]) => {
            call.operands(NETCAT).first().into_iter().for_each(|host| reach_argument(host, findings));
        }
        "telnet" | "ftp" => call.operands("-l").first().into_iter().for_each(|host| reach_argument(host, findings)),
        "ping" | "ping6" | "traceroute" => {
            let operands = call.operands("-c -i -I -m -M -s -t -w -W");
            operands.last().into_iter().for_each(|host| reach_argument(host, findings));
        }
        "git" | "hg" | "svn" => repositories(call, findings),
        "docker" | "podman" if call.says(&["push", "pull"]) => {
            // The first part of an image's name is a host where it could be none of a person.
            for image in call.operands("").into_iter().filter(|word| word.text.contains('/')) {
                let host = image.text.split('/').next().unwrap_or_default();
                if host.contains(['.', ':']) {
                    reach(host, findings);
                }
            }
        }
        name if DATABASES.contains(&name) => {
            let urls = call.words.iter().filter(|word| word.text.contains("://")).cloned();
            let hosts = call.values(&["--host", "-h"]).into_iter();
            let hosts = hosts.filter(|host| !host.text.is_empty() && !host.text.starts_with('/'));
            hosts.chain(urls).for_each(|host| reach_argument(&host, findings));
        }
        "npm" | "pnpm" | "yarn" | "bun" | "pip" | "pipx" | "uv" | "cargo" | "go" => {
            let urls = call.words.iter().filter(|word| word.text.contains("://") && !word.is_option());
            urls.for_each(|url| reach_argument(url, findings));
        }
        _ => {}
    }
}

/// The repositories at other hosts that a call names.
fn repositories(call: &Call<'_>, findings: &mut Findings) {
    let fetches = ["clone", "fetch", "pull", "push", "ls-remote", "submodule", "checkout", "co", "update"];
    if !call.says(&fetches) {
        return;
    }
    for word in call.operands("-C -c -b -m --branch --depth") {
        let is_short = word.text.split('/').next().is_some_and(|first| first.contains('@') && first.contains(':'));
        if word.text.contains("://") && !word.text.starts_with("file:") {
            reach_argument(word, findings);
        } else if is_short {
            reach_argument(&before_colon(word), findings);
        }
    }
}

/// The hosts among the places that files are copied from and to: `host:path`, `user@host:path`, `host::module` and URLs.
fn remote(places: &[&Argument], findings: &mut Findings) {
    for place in places {
        if place.text.contains("://") {
            reach_argument(place, findings);
        } else if is_remote(&place.text) {
            reach_argument(&before_colon(place), findings);
        }
    }
}

/// Whether `place` is on another host: it has a colon in front of its first slash.
pub(super) fn is_remote(place: &str) -> bool {
    place.contains("://") || place.split('/').next().is_some_and(|first| first.contains(':'))
}

/// What stands in front of the first colon, which is known where the colon is there.
fn before_colon(place: &Argument) -> Argument {
    match place.text.split_once(':') {
        Some((host, _)) => Argument::literal(host),
        None => place.clone(),
    }
}
