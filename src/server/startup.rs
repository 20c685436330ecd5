//! Before the server listens: its limit of open files, the first tokens of a new database, and a log-in link.

use std::io::{self, Write};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::api::Call;
use crate::config::{CredentialsFile, HttpConfig, Listen, ServerUrl};
use crate::credentials::{Credentials, SaveOutcome};
use crate::http::DESCRIPTORS_BESIDE;
use crate::service::{FirstTokens, Service};

/// File descriptors for the database, the log and all else beside clients' connections, with room to spare.
const OWN_DESCRIPTORS: usize = 256;

/// Raises the limit of open files as far as the system allows; returns how many of so many connections it is enough for.
pub(super) fn raise_descriptor_limit(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let Some(limit) = (if raised { maximum } else { current }) else { return connections };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    limit.saturating_sub(OWN_DESCRIPTORS + DESCRIPTORS_BESIDE).clamp(1, connections)
}

/// Prints the first tokens, once, saves them for the commands, and shows how to try them.
pub(super) fn print_first_tokens(url: &str, tokens: &FirstTokens, file: &CredentialsFile) -> io::Result<()> {
    let FirstTokens { approver, agent } = tokens;
    let url = &callable(url);
    let call = |path: &str, token: &str, body: &str| {
        let target = match url.strip_prefix("unix:") {
            Some(socket) => format!("--unix-socket '{socket}' http://localhost{path}"),
            None => format!("{url}{path}"),
        };
        format!(
            "  curl -sS {target} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{body}'"
        )
    };
    let saved = save(url, tokens, file);
    let mut err = io::stderr().lock();
    writeln!(err, "This database is new. Two tokens were made for it; they are shown once, here:")?;
    writeln!(err)?;
    writeln!(err, "  agent     {agent}")?;
    writeln!(err, "  approver  {approver}")?;
    writeln!(err)?;
    writeln!(err, "{saved}")?;
    writeln!(err)?;
    writeln!(err, "Ask, as the agent, then allow it, as the approver:")?;
    writeln!(err)?;
    let ask =
        r#"{"requestId":"first","kind":"confirmation","confirmation":{"toolName":"shell","input":{"command":"ls"}}}"#;
    writeln!(err, "{}", call(Call::RegisterInteraction.path(), agent, ask))?;
    writeln!(err, "{}", call(Call::Confirm.path(), approver, r#"{"requestId":"first","decision":"allow"}"#))?;
    writeln!(err)
}

/// Saves the tokens in the credentials file and returns the sentence about it. A server starts without that file, too.
fn save(url: &str, FirstTokens { approver, agent }: &FirstTokens, file: &CredentialsFile) -> String {
    let by_hand = format!("name a file with one of them with --token-file, and this server with --url {url}");
    let path = match file.path() {
        Ok(Some(path)) => path,
        Ok(None) => return format!("They were not saved: {by_hand}."),
        Err(error) => return format!("They were not saved ({error}): {by_hand}."),
    };
    let url = match client_url(url) {
        Ok(url) => url,
        Err(error) => return format!("They were not saved ({error}): {by_hand}."),
    };
    match (Credentials { url, agent: agent.clone(), approver: approver.clone() }).save(&path) {
        Ok(SaveOutcome::Written) => format!("The commands of countersign find them in {}.", path.display()),
        Ok(SaveOutcome::HasOther(other)) => format!(
            "{} has the tokens of the server at {other} and was left alone: to use these, {by_hand}.",
            path.display()
        ),
        Err(error) => format!("They were not saved ({error}): {by_hand}."),
    }
}

/// The URL at which this machine's commands reach a server that listens at `url`.
fn client_url(url: &str) -> Result<ServerUrl, String> {
    if let Some(path) = url.strip_prefix("unix:") {
        // Commands run in any directory.
        return std::path::absolute(path).map(ServerUrl::Unix).map_err(|error| error.to_string());
    }
    callable(url).parse()
}

/// The address of all interfaces is one to listen at, not one to call.
fn callable(url: &str) -> String {
    url.replacen("://0.0.0.0:", "://127.0.0.1:", 1).replacen("://[::]:", "://[::1]:", 1)
}

/// What links begin with where no public URL is named; `None` where no browser reaches the server.
pub(super) fn own_url(listening: &str) -> Option<String> {
    (!listening.starts_with("unix:")).then(|| callable(listening))
}

/// Warns of a server that is spoken to without TLS from other machines, where no public URL tells of a proxy before it.
pub(super) fn warn_of_plain_http(url: &str, http: &HttpConfig) {
    let is_reached_from_outside = matches!(http.listen, Listen::Tcp(address) if !address.ip().is_loopback());
    if is_reached_from_outside && http.public_url.is_none() && url.starts_with("http://") {
        tracing::warn!(
            "other machines reach this server over plain HTTP, where the network can read tokens and secrets: use --tls-cert \
             or a proxy with TLS, and say with --public-url how it is reached"
        );
    }
}

/// Prints a log-in link to the inbox, which works once.
pub(super) async fn print_login_link(url: Option<&str>, service: &Service) -> io::Result<()> {
    // No browser goes to a Unix socket.
    let Some(url) = url else { return Ok(()) };
    match service.make_first_login_link().await {
        Ok(Some(link)) => {
            let mut err = io::stderr().lock();
            writeln!(err, "The inbox, for ten minutes and one use (`countersign login` makes more):")?;
            writeln!(err)?;
            writeln!(err, "  {url}/login#{}", *link.text)?;
            writeln!(err)
        }
        Ok(None) => Ok(()),
        // A disk that is full now is no reason not to serve what can be served.
        Err(error) => {
            tracing::warn!(%error, "no log-in link could be made");
            Ok(())
        }
    }
}
