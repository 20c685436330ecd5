//! Words that lead to another host, or to a repository, a database or a package that is not where its program usually looks.

use super::operands::{Rival, Seen};
use super::place;

/// Subcommands of git whose first operand is a repository.
const TO_REPOSITORY: &[&str] = &["fetch", "fetch-pack", "ls-remote", "pull", "push", "send-pack"];

/// Subcommands of git any of whose operands may be a repository.
const NAME_REPOSITORIES: &[&str] = &["lfs", "remote", "request-pull", "submodule"];

/// Programs of databases an operand of which may say where the server is.
const DATABASES: &[&str] = &[
    "clusterdb",
    "createdb",
    "dropdb",
    "duckdb",
    "mariadb",
    "mongodump",
    "mongoexport",
    "mycli",
    "mysql",
    "mysqldump",
    "mysqlsh",
    "pg_dump",
    "pg_dumpall",
    "pg_isready",
    "pg_restore",
    "pgbench",
    "pgcli",
    "psql",
    "reindexdb",
    "usql",
    "vacuumdb",
];

/// What the string of a connection may say beside the host.
const PLAIN_KEYS: &[&str] =
    &["application_name", "connect_timeout", "dbname", "host", "password", "port", "schema", "sslmode", "user"];

/// Hosts that are this machine.
const LOCAL: &[&str] = &["", "localhost", "127.0.0.1", "[::1]"];

/// Managers of packages for JavaScript.
const PACKAGE_MANAGERS: &[&str] = &["bun", "npm", "pnpm", "yarn"];

/// Their subcommands whose operands are packages.
const TAKE_PACKAGES: &[&str] = &[
    "add",
    "bugs",
    "ci",
    "docs",
    "explore",
    "info",
    "install",
    "install-test",
    "link",
    "pack",
    "publish",
    "repo",
    "update",
    "upgrade",
    "view",
];

/// Endings of archives, which are packages by themselves.
const ARCHIVES: &[&str] = &[".tgz", ".tar.gz", ".tar"];

/// Hosts that modules of Go usually come from.
const MODULE_HOSTS: &[&str] = &[
    "bitbucket.org",
    "cloud.google.com",
    "github.com",
    "gitlab.com",
    "go.etcd.io",
    "go.opentelemetry.io",
    "go.uber.org",
    "golang.org",
    "google.golang.org",
    "gopkg.in",
    "gorm.io",
    "k8s.io",
    "sigs.k8s.io",
];

/// Programs that take URLs, and whatever else does not begin with a dash for one.
const TAKE_URLS: &[&str] = &["aria2c", "axel", "curl", "elinks", "links", "lynx", "w3m", "wget"];

/// Schemes of code that deno fetches and runs.
const DENO_SCHEMES: &[&str] = &["npm:", "jsr:", "data:", "blob:"];

/// The words that lead to another host, and that have to be spelled.
pub(super) fn leading_away(seen: &Seen<'_>) -> Vec<usize> {
    let subcommand = seen.subcommand();
    match seen.program {
        "git" if TO_REPOSITORY.contains(&subcommand) => {
            seen.operands().next().into_iter().filter(|at| is_other_repository(seen.text(*at))).collect()
        }
        "git" if NAME_REPOSITORIES.contains(&subcommand) => seen.operands_that(is_other_repository),
        "awk" => (1..seen.words.len()).filter(|at| is_network_file(seen.text(*at))).collect(),
        "gh" | "glab" => {
            let usual = if seen.program == "gh" { "https://github.com/" } else { "https://gitlab.com/" };
            let is_away = |text: &str| text.contains("://") && (subcommand == "api" || !text.starts_with(usual));
            let is_full = |text: &str| subcommand == "repo" && text.split('/').count() > 2 && !text.starts_with(usual);
            seen.operands_that(|text| is_away(text) || is_full(text))
        }
        "kubectl" | "oc" if subcommand == "kustomize" => seen.operands_that(is_remote_base),
        "kustomize" => seen.operands_that(is_remote_base),
        "docker" | "podman" | "nerdctl" if has_word(seen, "build") => seen.operands_that(is_remote_base),
        "helm" | "nix" => seen.operands_that(|text| text.contains("://")),
        "deno" => {
            let runs = matches!(subcommand, "run" | "test" | "bench" | "cache");
            let is_away = |at: &usize| {
                let text = seen.text(*at);
                text.contains("://") || (runs && DENO_SCHEMES.iter().any(|scheme| text.starts_with(scheme)))
            };
            seen.operands().chain(seen.walked.inner).filter(is_away).collect()
        }
        "go" => modules(seen, subcommand),
        program if PACKAGE_MANAGERS.contains(&program) && TAKE_PACKAGES.contains(&subcommand) => packages(seen),
        "mongo" | "mongosh" => seen.plain_words().filter(|at| is_mongo_server(seen.text(*at))).collect(),
        program if DATABASES.contains(&program) => {
            seen.plain_words().filter(|at| is_other_server(seen.text(*at))).collect()
        }
        _ => Vec::new(),
    }
}

/// The words that are URLs: of a program that takes URLs all words that are no options, of any other what has `://` in it.
pub(super) fn urls(seen: &Seen<'_>) -> Vec<Rival> {
    let takes_urls = TAKE_URLS.contains(&seen.program);
    let named = seen.walked.options.iter().filter(|option| takes_urls && option.sets.iter().any(|set| set == "url"));
    let named = named.map(|option| option.value.unwrap_or(option.word));
    let words = seen.plain_words().filter(|at| takes_urls || seen.text(*at).contains("://"));
    named.chain(words).map(|word| Rival { word, is_harmless: false }).collect()
}

fn has_word(seen: &Seen<'_>, name: &str) -> bool {
    seen.subcommands().any(|at| seen.text(at) == name)
}

/// Whether git takes `text` for a repository that is not a remote of this one: `host:path`, or a path out of here.
fn is_other_repository(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or(text);
    first.contains(':') || place::may_leave(text)
}

/// Whether gawk takes `text` for a connection.
pub(super) fn is_network_file(text: &str) -> bool {
    ["/inet/", "/inet4/", "/inet6/"].iter().any(|file| text.contains(file))
}

/// Whether a directory to build from is fetched: its first name is a host, or it is a URL or an address for git.
pub(super) fn is_remote_base(text: &str) -> bool {
    let (first, rest) = text.split_once('/').unwrap_or((text, ""));
    let is_host = !rest.is_empty() && first.contains('.') && !first.starts_with('.');
    text.contains([':', '?', '@']) || is_host
}

/// The modules that are fetched from a host of their own, or in whatever version, to be run.
fn modules(seen: &Seen<'_>, subcommand: &str) -> Vec<usize> {
    let has_versions = || {
        seen.walked.options.iter().any(|option| option.sets.iter().any(|set| matches!(set.as_ref(), "versions" | "-u")))
    };
    let asks_host = subcommand == "get" || has_versions();
    let is_away = |text: &str| {
        let host = text.split(['/', '@']).next().unwrap_or(text);
        let is_module = text.contains('@') || asks_host;
        is_module && host.contains('.') && !host.starts_with('.') && !MODULE_HOSTS.contains(&host)
    };
    let run = seen.walked.inner.filter(|at| subcommand == "run" && seen.text(*at).contains('@'));
    seen.operands_that(is_away).into_iter().chain(run).collect()
}

/// The packages that do not come from the registry.
fn packages(seen: &Seen<'_>) -> Vec<usize> {
    // Behind the package stand names of what is shown of it.
    let most = if matches!(seen.subcommand(), "view" | "info") { 1 } else { usize::MAX };
    let is_away = |at: &usize| !is_of_registry(seen.text(*at));
    seen.operands().take(most).filter(is_away).collect()
}

/// Whether `text` is the name of a package, perhaps with a version, or the package that is here.
fn is_of_registry(text: &str) -> bool {
    let name = match text.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((_, name)) => name,
        None => text,
    };
    let lower = name.to_ascii_lowercase();
    let is_archive = ARCHIVES.iter().any(|ending| lower.ends_with(ending));
    text == "." || (!name.contains(['/', ':', '\\']) && !name.starts_with(['.', '~']) && !is_archive)
}

/// Whether the shell of MongoDB takes `text` for a server that is not this machine: `host:port/name` and `host/name`, too.
fn is_mongo_server(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or(text);
    let (host, port) = first.split_once(':').unwrap_or((first, ""));
    let names_host = !port.is_empty() || (first.contains('.') && !first.starts_with('.') && first.len() < text.len());
    if text.contains("://") { is_other_server(text) } else { names_host && !LOCAL.contains(&host) }
}

/// Whether a database's program takes `text` for a server that is not this machine, or for more than a server.
fn is_other_server(text: &str) -> bool {
    let text = &text.replace(" =", "=").replace("= ", "=");
    if let Some((_, rest)) = text.split_once("://") {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = rest.split('/').next().unwrap_or(rest);
        let mut parts = authority.split('@');
        let host = parts.next_back().unwrap_or_default();
        let host = match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => host,
        };
        let is_plain = query.split('&').all(|pair| pair.is_empty() || is_plain_pair(pair));
        return text.contains('*') || parts.count() > 1 || !LOCAL.contains(&host) || !is_plain;
    }
    let is_word = |pair: &str| {
        pair.split_once('=').is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let is_string =
        !text.contains(['(', '*', ';', '<', '>']) && text.split_ascii_whitespace().next().is_some_and(is_word);
    is_string && !text.split_ascii_whitespace().all(is_plain_pair)
}

/// Whether one setting of a connection is a usual one that leads nowhere else.
fn is_plain_pair(pair: &str) -> bool {
    pair.split_once('=')
        .is_some_and(|(key, value)| PLAIN_KEYS.contains(&key) && (key != "host" || LOCAL.contains(&value)))
}
