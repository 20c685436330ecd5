//! `countersign login`: a link that logs a browser in to the inbox.

use std::io::{self, Write};

use clap::Args;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::Failure;
use super::common::Common;
use super::style::TerminalStyle;
use crate::api::NoBody;
use crate::config::ServerUrl;

/// Why no QR code is drawn, and how a phone reaches the server.
const NOT_FOR_A_PHONE: &str = "No QR code: this link is of this machine alone, where no phone comes. On a network that you trust \
     start the server with `countersign serve --listen 0.0.0.0:7711 --public-url http://ADDRESS:7711`, where ADDRESS is this \
     machine's there; elsewhere put a proxy with TLS before it, and name that with --public-url.";

/// Print a link that logs a browser in to the inbox, once, within ten minutes.
#[derive(Debug, Args)]
pub(super) struct Login {
    /// Print the link as a QR code, too, for the camera of a phone
    #[arg(long)]
    qr: bool,

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
            match self.qr {
                true if is_of_this_machine(&url) => writeln!(io::stderr(), "{NOT_FOR_A_PHONE}")?,
                true => print_qr(&url)?,
                false => {}
            }
            writeln!(io::stderr(), "Open it in your browser before {}; it works once.", link.expires_at)?;
        }
        Ok(())
    }
}

/// Prints a text as a QR code of half blocks. Where there are colours it is black on white on every terminal; else it is made for
/// a dark one.
fn print_qr(text: &str) -> Result<(), Failure> {
    let code = QrCode::new(text).map_err(|error| Failure::Other(format!("no QR code holds this link: {error}")))?;
    let drawn = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let has_colour = TerminalStyle::of_stdout().colour;
    let mut out = io::stdout().lock();
    for line in drawn.lines() {
        match has_colour {
            true => writeln!(out, "\x1b[97;40m{line}\x1b[0m")?,
            false => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// Whether a link leads to this very machine.
fn is_of_this_machine(link: &str) -> bool {
    let host = link.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    ["127.", "localhost", "[::1]", "0.0.0.0", "[::]"].iter().any(|own| host.starts_with(own))
}
