//! What is put into a program, where a client has no settings of its own: each is complete, and closed where anything fails.

use super::clients::Means;

/// A text as a literal of JavaScript, Python and TypeScript.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `template` with the server's address for `@URL@` and the path of the token for `@TOKEN@`, each as a literal.
fn filled(template: &str, means: &Means) -> String {
    let token_file = means.token_file.display().to_string();
    template.replace("@URL@", &literal(&means.url)).replace("@TOKEN@", &literal(&token_file))
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
    let token_file = means.token_file.display().to_string();
    let quoted = shlex::try_quote(&token_file).unwrap_or_default();
    format!("export HUMANLAYER_API_BASE={}/humanlayer/v1\nexport HUMANLAYER_API_KEY=\"$(cat {quoted})\"\n", means.url)
}

/// A script that asks, waits and claims.
pub(super) fn curl(means: &Means) -> String {
    let token_file = means.token_file.display().to_string();
    let quoted = |text: &str| shlex::try_quote(text).unwrap_or_default().into_owned();
    include_str!("snippets/ask.sh").replace("@URL@", &quoted(&means.url)).replace("@TOKEN@", &quoted(&token_file))
}

/// The same for Python.
pub(super) fn python(means: &Means) -> String {
    filled(include_str!("snippets/ask.py"), means)
}

/// The same for TypeScript.
pub(super) fn typescript(means: &Means) -> String {
    filled(include_str!("snippets/ask.ts"), means)
}
