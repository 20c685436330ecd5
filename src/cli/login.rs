//! `countersign login`: a link that logs a browser in to the inbox.

use std::io::{self, Write};

use clap::Args;

use super::Failure;
use super::common::Common;
use crate::api::NoBody;
use crate::config::ServerUrl;

/// Print a link that logs a browser in to the inbox, once, within ten minutes.
#[derive(Debug, Args)]
pub(super) struct Login {
    #[command(flatten)]
    common: Common,
}

impl Login {
    pub(super) fn run(self) -> Result<(), Failure> {
        let client = self.common.decider()?;
        let link = client.make_login_link(&NoBody {})?;
        let url = match (&link.url, client.url()) {
            (Some(url), _) => url.clone(),
            (None, ServerUrl::Web(url)) => format!("{url}/login#{}", link.code),
            (None, ServerUrl::Unix(_)) => {
                let message = "a browser cannot call a Unix socket: put a proxy before it, and name that with --url, \
                     or to the server with --public-url";
                return Err(Failure::Other(message.to_owned()));
            }
        };
        if self.common.json {
            writeln!(io::stdout(), "{}", serde_json::to_string(&link).map_err(io::Error::from)?)?;
        } else {
            writeln!(io::stdout(), "{url}")?;
            writeln!(io::stderr(), "Open it in your browser before {}; it works once.", link.expires_at)?;
        }
        Ok(())
    }
}
