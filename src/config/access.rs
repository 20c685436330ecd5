//! How a command reaches a running server, and with which token.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use etcetera::{BaseStrategy, choose_base_strategy};
use serde::{Deserialize, Serialize};

use super::web_url::WebUrl;

/// The heading of the options by which a command reaches a server. Each argument has it by itself, so that those of the command
/// stay under theirs.
const CONNECTION: &str = "Connection (more in `countersign help connection`)";

/// The server and the token of a command.
#[derive(Clone, Debug, Args)]
pub struct Access {
    /// The server: http://…, https://… or unix:PATH
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_URL", hide_env = true, help_heading = CONNECTION, display_order = 900)]
    pub url: Option<ServerUrl>,

    /// A file with the token
    #[arg(
        long, value_name = "PATH", env = "COUNTERSIGN_TOKEN_FILE", hide_env = true, value_parser = from_home(),
        help_heading = CONNECTION, display_order = 901
    )]
    pub token_file: Option<PathBuf>,

    /// The certificate authorities to trust for the server, in PEM
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_CA_FILE", hide_env = true, help_heading = CONNECTION, display_order = 902)]
    pub ca_file: Option<PathBuf>,

    /// The file with the tokens of this machine's server, or `none`
    #[arg(
        id = "credentials_file", long = "credentials-file", value_name = "PATH", env = "COUNTERSIGN_CREDENTIALS_FILE",
        hide_env = true, help_heading = CONNECTION, display_order = 903
    )]
    credentials_path: Option<PathBuf>,
}

impl Access {
    /// A server, or the one of the credentials file, with the token of a file.
    #[must_use]
    pub fn with(url: Option<ServerUrl>, token_file: PathBuf) -> Self {
        Self { url, token_file: Some(token_file), ca_file: None, credentials_path: Some("none".into()) }
    }

    /// The credentials file.
    #[must_use]
    pub fn credentials(&self) -> CredentialsFile {
        CredentialsFile { credentials_path: self.credentials_path.clone() }
    }
}

/// Reads a path; `~/` at its beginning is the home directory, also where no shell has read it: in the settings of a client.
pub(crate) fn from_home() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().map(|path| match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(below), Ok(home)) => home.join(below),
        (Ok(_) | Err(_), _) => path,
    })
}

/// The file in which the first start of a server leaves its address and tokens for the commands.
#[derive(Clone, Debug, Args)]
pub struct CredentialsFile {
    /// The file to which `serve` saves the first tokens and from which commands read them; `none` for no file
    /// [default: countersign/credentials.toml under the XDG configuration directory]
    #[arg(
        id = "credentials_file",
        long = "credentials-file",
        value_name = "PATH",
        env = "COUNTERSIGN_CREDENTIALS_FILE"
    )]
    credentials_path: Option<PathBuf>,
}

impl CredentialsFile {
    /// Returns the path that was given, or the one under the XDG configuration directory; `None` for no file.
    ///
    /// # Errors
    ///
    /// If no path was given and there is no home directory.
    pub fn path(&self) -> io::Result<Option<PathBuf>> {
        match &self.credentials_path {
            Some(path) if path.as_os_str() == "none" => Ok(None),
            Some(path) => Ok(Some(path.clone())),
            None => {
                let strategy = choose_base_strategy()
                    .map_err(|error| io::Error::other(format!("{error}: name a file with --credentials-file")))?;
                Ok(Some(strategy.config_dir().join("countersign").join("credentials.toml")))
            }
        }
    }
}

/// Returns the token in the environment. There is no flag for it: other users can read the arguments of a process.
#[must_use]
pub fn token_of_environment() -> Option<String> {
    std::env::var("COUNTERSIGN_TOKEN").ok().filter(|token| !token.trim().is_empty())
}

/// The address of a server, as clients write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ServerUrl {
    /// `http://HOST[:PORT][/PATH]` or `https://HOST[:PORT][/PATH]`, without a slash at its end.
    Web(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Default for ServerUrl {
    /// The address that a server listens on by default.
    fn default() -> Self {
        Self::Web("http://127.0.0.1:7711".to_owned())
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: is followed by the path of a socket".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => match text.parse::<WebUrl>() {
                Ok(url) => Ok(Self::Web(url.to_string())),
                Err(why) => Err(format!("{why}; a server is http://HOST[:PORT][/PATH], https://… or unix:PATH")),
            },
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web(url) => f.write_str(url),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl TryFrom<String> for ServerUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ServerUrl> for String {
    fn from(url: ServerUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_or_a_socket() {
        for (text, same) in [
            ("http://LocalHost:7711/", "http://localhost:7711"),
            ("https://inbox.example", "https://inbox.example"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("https://a.example/some/path/", "https://a.example/some/path"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
        ] {
            assert_eq!(text.parse::<ServerUrl>().map(|url| url.to_string()), Ok(same.to_owned()));
        }
        for bad in [
            "",
            "localhost",
            "ftp://a",
            "http://",
            "http://a//b",
            "http://a/../b",
            "http://a?b",
            "http://u:p@a",
            "unix:",
        ] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad:?} was taken");
        }
    }
}
