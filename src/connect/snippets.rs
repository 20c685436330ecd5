//! What is put into a program, where a client has no settings of its own: each is complete, and closed where anything fails. And what is
//! typed into a shell on the client's machine.

use std::path::Path;

use super::clients::{Client, HOME, Means};

/// A text as a literal of JavaScript, Python and TypeScript.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `template` with the server's address for `@URL@` and the path of the token for `@TOKEN@`, each as a literal.
fn filled(template: &str, means: &Means) -> String {
    let token_file = means.token_file.display().to_string();
    template.replace("@URL@", &literal(&means.url)).replace("@TOKEN@", &literal(&token_file))
}

/// A word of a shell's line. No word here has a NUL: paths and URLs have none.
fn word(text: &str) -> String {
    shlex::try_quote(text).unwrap_or_default().into_owned()
}

/// A path as a word of a shell's line, in which the home directory is found.
fn path_word(path: &Path) -> String {
    match path.strip_prefix(HOME) {
        Ok(below) => format!("{HOME}/{}", word(&below.display().to_string())),
        Err(_) => word(&path.display().to_string()),
    }
}

/// OpenCode's plugin: what throws before a tool runs keeps it from running.
pub(super) fn opencode(means: &Means) -> String {
    filled(include_str!("snippets/opencode.js"), means)
}

/// The address and the token, as clients of the Agent Approval Protocol take them.
pub(super) fn aap(means: &Means) -> String {
    filled(include_str!("snippets/aap.py"), means)
}

/// The environment of HumanLayer's SDKs.
pub(super) fn humanlayer(means: &Means) -> String {
    let token_file = path_word(&means.token_file);
    format!(
        "export HUMANLAYER_API_BASE={}/humanlayer/v1\nexport HUMANLAYER_API_KEY=\"$(cat {token_file})\"\n",
        means.url
    )
}

/// A script that asks, waits and claims.
pub(super) fn curl(means: &Means) -> String {
    let (url, token_file) = (word(&means.url), path_word(&means.token_file));
    include_str!("snippets/ask.sh").replace("@URL@", &url).replace("@TOKEN@", &token_file)
}

/// The same for Python.
pub(super) fn python(means: &Means) -> String {
    filled(include_str!("snippets/ask.py"), means)
}

/// The same for TypeScript.
pub(super) fn typescript(means: &Means) -> String {
    filled(include_str!("snippets/ask.ts"), means)
}

/// A line for a shell that keeps an agent's token where the client looks for it.
pub(crate) fn keeping(token: &str, means: &Means) -> String {
    let folder = means.token_file.parent().unwrap_or(&means.token_file);
    let (folder, file) = (path_word(folder), path_word(&means.token_file));
    format!("(umask 077 && mkdir -p {folder} && printf '%s\\n' {} > {file})\n", word(token))
}

/// A line for a shell that connects a client which has settings of its own.
pub(crate) fn connecting(client: Client, means: &Means) -> String {
    let (name, url, token_file) = (client.name(), word(&means.url), path_word(&means.token_file));
    let line = format!("{} connect {name} --write --url {url} --agent-token-file {token_file}", means.program);
    let agent = means.agent.iter().map(|text| word(text)).collect::<Vec<_>>();
    if agent.is_empty() { format!("{line}\n") } else { format!("{line} -- {}\n", agent.join(" ")) }
}
