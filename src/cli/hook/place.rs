//! Where a client runs: the machine, and the repository of its directory. Whatever cannot be found out is left out.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::api::HookQuery;
use crate::dialects::Ask;
use crate::domain::enums::HookClient;

/// Files of git that are read are not larger than this, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;

/// Where a client runs.
#[derive(Debug, Default)]
pub(super) struct Place {
    version: Option<String>,
    host: Option<String>,
    repository: Option<String>,
    branch: Option<String>,
}

impl Place {
    pub(super) fn find(client: HookClient, ask: &Ask) -> Self {
        let directory = ask.content.confirmation().and_then(|asked| asked.working_dir.as_ref()).map(PathBuf::from);
        let directory = directory.or_else(|| std::env::current_dir().ok());
        let git = directory.as_deref().and_then(git_directory);
        Self {
            version: version(client),
            host: ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|file| line_of(Path::new(file))),
            repository: git.as_deref().and_then(remote),
            branch: git.as_deref().and_then(|git| {
                let head = line_of(&git.join("HEAD"))?;
                head.strip_prefix("ref: refs/heads/").map(str::to_owned)
            }),
        }
    }

    pub(super) fn query(&self) -> HookQuery {
        let Self { version, host, repository, branch } = self;
        HookQuery {
            version: version.clone(),
            host: host.clone(),
            repository: repository.clone(),
            branch: branch.clone(),
            ..HookQuery::default()
        }
    }
}

/// The version of a client that tells it in the environment.
fn version(client: HookClient) -> Option<String> {
    let variable = match client {
        HookClient::Copilot => "COPILOT_CLI_BINARY_VERSION",
        HookClient::Qwen => "QWEN_CODE_STARTUP_VERSION",
        HookClient::ClaudeCode | HookClient::Codex | HookClient::Gemini | HookClient::Cursor => return None,
    };
    std::env::var(variable).ok().filter(|version| !version.is_empty())
}

/// The directory of git's files for a working directory; of a linked worktree its own.
fn git_directory(directory: &Path) -> Option<PathBuf> {
    let dot_git = directory.ancestors().map(|directory| directory.join(".git")).find(|path| path.exists())?;
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let target = line_of(&dot_git)?.strip_prefix("gitdir: ").map(PathBuf::from)?;
    Some(dot_git.parent()?.join(target))
}

/// The address of the remote named origin, without a password.
fn remote(git: &Path) -> Option<String> {
    let common = line_of(&git.join("commondir")).map_or_else(|| git.to_owned(), |common| git.join(common));
    let config = text_of(&common.join("config"))?;
    let mut lines = config.lines().map(str::trim).skip_while(|line| *line != "[remote \"origin\"]").skip(1);
    let url = lines.by_ref().take_while(|line| !line.starts_with('[')).find_map(|line| line.strip_prefix("url = "))?;
    Some(without_user(url))
}

/// What stands before the `@` of a web address may be a password.
fn without_user(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
        Some((scheme, Some((user, rest)))) if !user.contains('/') => format!("{scheme}://{rest}"),
        Some(_) | None => url.to_owned(),
    }
}

fn line_of(path: &Path) -> Option<String> {
    let text = text_of(path)?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn text_of(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() {
        return None;
    }
    let mut text = String::new();
    fs::File::open(path).ok()?.take(LARGEST_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_left_out() {
        assert_eq!(without_user("https://ada:token@forge.example/shop.git"), "https://forge.example/shop.git");
        assert_eq!(without_user("git@forge.example:shop.git"), "git@forge.example:shop.git");
        assert_eq!(without_user("https://forge.example/a@b"), "https://forge.example/a@b");
    }
}
