//! What a person sees of a new database: its first tokens, where they are kept, and how to try them.

use std::io::{self, Write};

use crate::api::Call;
use crate::config::{CredentialsFile, ServerUrl};
use crate::credentials::{Credentials, SaveOutcome};
use crate::service::FirstTokens;

/// Shows the first tokens, once, keeps them for the commands, and says how to go on.
pub(super) fn print_first_tokens(url: &str, tokens: &FirstTokens, file: &CredentialsFile) -> io::Result<()> {
    let FirstTokens { approver, agent } = tokens;
    let call = |path: &str, token: &str, body: &str| {
        let target = match url.strip_prefix("unix:") {
            Some(socket) => format!("--unix-socket '{socket}' http://localhost{path}"),
            None => format!("{url}{path}"),
        };
        format!(
            "  curl -sS {target} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"
        )
    };
    let kept = save(url, tokens, file);
    let mut err = io::stderr().lock();
    writeln!(err, "This database is new. Two tokens were made for it; they are shown once, here:")?;
    writeln!(err)?;
    writeln!(err, "  agent     {agent}")?;
    writeln!(err, "  approver  {approver}")?;
    writeln!(err)?;
    writeln!(err, "{kept}")?;
    writeln!(err)?;
    writeln!(err, "Ask, as the agent, then allow it, as the approver:")?;
    writeln!(err)?;
    let ask =
        r#"{"requestId":"first","kind":"confirmation","confirmation":{"toolName":"shell","input":{"command":"ls"}}}"#;
    writeln!(err, "{}", call(Call::RegisterInteraction.path(), agent, ask))?;
    writeln!(err, "{}", call(Call::Confirm.path(), approver, r#"{"requestId":"first","decision":"allow"}"#))?;
    writeln!(err)
}

/// Keeps the tokens in the credentials file; what to say of that. A server does not fail for want of it.
fn save(url: &str, FirstTokens { approver, agent }: &FirstTokens, file: &CredentialsFile) -> String {
    let by_hand = format!("name a file with one of them with --token-file, and this server with --url {url}");
    let path = match file.path() {
        Ok(Some(path)) => path,
        Ok(None) => return format!("They are kept nowhere: {by_hand}."),
        Err(error) => return format!("They are kept nowhere ({error}): {by_hand}."),
    };
    let url = match client_url(url) {
        Ok(url) => url,
        Err(error) => return format!("They are kept nowhere ({error}): {by_hand}."),
    };
    match (Credentials { url, agent: agent.clone(), approver: approver.clone() }).save(&path) {
        Ok(SaveOutcome::Written) => format!("The commands of countersign find them in {}.", path.display()),
        Ok(SaveOutcome::HasOther(other)) => format!(
            "{} has the tokens of the server at {other} and was left alone: to use these, {by_hand}.",
            path.display()
        ),
        Err(error) => format!("They are kept nowhere ({error}): {by_hand}."),
    }
}

/// How this machine's commands reach a server that listens at `url`.
fn client_url(url: &str) -> Result<ServerUrl, String> {
    if let Some(path) = url.strip_prefix("unix:") {
        // Commands run in any directory.
        return std::path::absolute(path).map(ServerUrl::Unix).map_err(|error| error.to_string());
    }
    // Whoever listens at every address is not called at none of them.
    url.replacen("://0.0.0.0:", "://127.0.0.1:", 1).replacen("://[::]:", "://[::1]:", 1).parse()
}
