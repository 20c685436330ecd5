//! What may be called for notices, and the server that takes mail.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fs, io};

use clap::Args;
use zeroize::Zeroizing;

use super::http::Network;

/// The settings of notices.
#[derive(Clone, Debug, Args)]
pub struct NoticeConfig {
    /// A network that notices may be sent to though it is private, such as 10.0.0.0/8; there http is allowed, too
    /// [default: none]
    #[arg(long, value_name = "ADDR[/BITS]", env = "COUNTERSIGN_ALLOW_NOTICE_NET", value_delimiter = ',')]
    pub allow_notice_net: Vec<Network>,

    /// More certificate authorities to trust where notices are sent, in PEM [default: the public ones]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_NOTICE_CA_FILE")]
    pub notice_ca_file: Option<PathBuf>,

    /// The server that takes mail: `smtps://[USER@]HOST[:PORT]` with TLS from the beginning, or `smtp://…` with STARTTLS
    /// [default: none, and no channel to a mailbox]
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_SMTP_URL", requires = "mail_from")]
    pub smtp_url: Option<SmtpUrl>,

    /// A file with the password of the user of --smtp-url [default: none]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_SMTP_PASSWORD_FILE", requires = "smtp_url")]
    pub smtp_password_file: Option<PathBuf>,

    /// The address that mail comes from, such as countersign@example.org [default: none]
    #[arg(long, value_name = "ADDRESS", env = "COUNTERSIGN_MAIL_FROM", requires = "smtp_url")]
    pub mail_from: Option<String>,
}

/// Why the settings of notices cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoticeConfigError {
    /// A file cannot be read.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The certificate authorities.
    #[error("--notice-ca-file: {0}")]
    Tls(String),
    /// The address that mail comes from, or its server.
    #[error("mail cannot be sent: {0}")]
    Mail(String),
}

impl NoticeConfig {
    /// The certificate authorities of the file, in PEM.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn ca(&self) -> Result<Option<Vec<u8>>, NoticeConfigError> {
        self.notice_ca_file.as_deref().map(read).transpose()
    }

    /// The password for mail: the first line of its file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn smtp_password(&self) -> Result<Option<Zeroizing<String>>, NoticeConfigError> {
        let Some(path) = self.smtp_password_file.as_deref() else { return Ok(None) };
        let bytes = Zeroizing::new(read(path)?);
        let text = String::from_utf8_lossy(&bytes);
        Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, NoticeConfigError> {
    fs::read(path).map_err(|error| NoticeConfigError::File(path.to_owned(), error))
}

/// A server that takes mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpUrl {
    /// Whether TLS is there from the beginning; else it begins with STARTTLS, but for this very machine where none is needed.
    pub is_tls: bool,
    /// Who logs in there.
    pub user: Option<String>,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl FromStr for SmtpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not smtps://[USER@]HOST[:PORT] or smtp://…");
        let url = url::Url::parse(text).map_err(|_| bad())?;
        let (is_tls, usual) = match url.scheme() {
            "smtps" => (true, 465),
            "smtp" => (false, 587),
            _ => return Err(bad()),
        };
        if url.password().is_some() {
            return Err(
                "a password in the command line can be read by other users: use --smtp-password-file".to_owned()
            );
        }
        let user = Some(url.username()).filter(|user| !user.is_empty());
        let user = user.map(|user| decoded(user).ok_or_else(bad)).transpose()?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if !is_bare {
            return Err(bad());
        }
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { is_tls, user, host, port: url.port().unwrap_or(usual) })
    }
}

/// A part of a URL without its percent signs: `%40` is the `@` of a user.
fn decoded(part: &str) -> Option<String> {
    let field = format!("user={}", part.replace('+', "%2B"));
    let (_, value) = form_urlencoded::parse(field.as_bytes()).next()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_for_mail_is_a_url_without_a_password() {
        let read = |text: &str| text.parse::<SmtpUrl>();
        let server = |is_tls, user: Option<&str>, host: &str, port| {
            Ok(SmtpUrl { is_tls, user: user.map(str::to_owned), host: host.to_owned(), port })
        };
        assert_eq!(read("smtps://mail.example"), server(true, None, "mail.example", 465));
        assert_eq!(
            read("smtp://a%40b.example@mail.example:25/"),
            server(false, Some("a@b.example"), "mail.example", 25)
        );
        assert_eq!(read("smtp://[::1]"), server(false, None, "::1", 587));
        for bad in ["", "mail.example", "https://mail.example", "smtp://", "smtp://a/b", "smtps://a?b"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        assert!(read("smtp://u:p@mail.example").unwrap_err().contains("--smtp-password-file"));
    }
}
