//! `countersign open`: an interaction's page in the browser.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use clap::Args;

use super::common::Common;
use super::{Failure, completions, ids};
use crate::client::Client;
use crate::config::ServerUrl;
use crate::domain::id::RequestId;

/// What opens a link on this platform.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Open an interaction's page in the browser.
#[derive(Debug, Args)]
pub(super) struct Open {
    /// The interaction: its id, the beginning of it, or its row in the last `list` [default: the queue]
    #[arg(add = completions::any_ids())]
    id: Option<String>,

    /// Take ID as the complete id, not as the beginning of one
    #[arg(long, requires = "id")]
    exact: bool,

    /// Print the link, and open nothing
    #[arg(long)]
    print: bool,

    #[command(flatten)]
    common: Common,
}

impl Open {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.person()?;
        let find = |id: &String| ids::interaction(&client, id, self.exact, ids::Among::All);
        let found = self.id.as_ref().map(find).transpose()?;
        let pages = pages(&client).ok_or_else(|| {
            let message = "a browser cannot call a Unix socket: name the server's URL to it with --public-url";
            Failure::Other(message.to_owned())
        })?;
        let link = found.map_or_else(|| format!("{pages}/"), |item| link(&pages, &item.value.request_id));
        if self.common.json {
            writeln!(io::stdout(), "{}", serde_json::json!({"url": link}))?;
        } else {
            writeln!(io::stdout(), "{link}")?;
        }
        if !self.print && !open_link(&link) {
            writeln!(io::stderr(), "There is no {OPENER} here: open the link yourself.")?;
        }
        Ok(())
    }
}

/// What the links of pages begin with; `None` where no browser reaches the server.
pub(super) fn pages(client: &Client) -> Option<String> {
    let told = client.get_status().ok().and_then(|status| status.url);
    told.or_else(|| match client.url() {
        ServerUrl::Web(url) => Some(url.clone()),
        ServerUrl::Unix(_) => None,
    })
}

/// The page of an interaction.
pub(super) fn link(pages: &str, id: &RequestId) -> String {
    format!("{pages}/interactions/{id}")
}

/// Hands a link to the platform's opener; whether there is one. What it starts may last longer than this process.
pub(super) fn open_link(link: &str) -> bool {
    let mut opener = Command::new(OPENER);
    opener.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    opener.spawn().is_ok()
}
