//! Which database a command works on, as its flags and variables say.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use etcetera::{BaseStrategy, choose_base_strategy};
use zeroize::Zeroizing;

use super::location::Location;
use super::password_file;
use super::postgres_url::PostgresUrl;

/// The flags. They are no group of clap's, whose name would have to be another one than that of every struct that holds them.
#[derive(Debug, Args)]
#[group(skip)]
struct Flags {
    /// The database: a path, or a URL of PostgreSQL such as postgres://USER@HOST/NAME, without a password here
    /// [default: countersign/countersign.db under the XDG data directory]
    #[arg(id = "db", long = "db", value_name = "PATH|URL", env = "COUNTERSIGN_DB", hide_env_values = true)]
    db: Option<PathBuf>,

    /// A file with the URL of a database of PostgreSQL in its first line, readable by its owner only [default: none]
    #[arg(id = "db_url_file", long = "db-url-file", value_name = "PATH", env = "COUNTERSIGN_DB_URL_FILE")]
    url_file: Option<PathBuf>,

    /// The certificate authorities to trust for PostgreSQL, in PEM [default: the public ones]
    #[arg(id = "db_ca_file", long = "db-ca-file", value_name = "PATH", env = "COUNTERSIGN_DB_CA_FILE")]
    ca_file: Option<PathBuf>,
}

/// Which database a command works on.
#[derive(Clone, Debug)]
pub struct Database {
    given: Given,
    is_argument: bool,
    ca_file: Option<PathBuf>,
}

/// How the database was given.
#[derive(Clone, Debug)]
enum Given {
    /// Not at all: the usual file.
    Usual,
    Path(PathBuf),
    Url(Box<PostgresUrl>),
    UrlFile(PathBuf),
}

impl Args for Database {
    fn augment_args(command: Command) -> Command {
        Flags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Flags::augment_args_for_update(command)
    }
}

impl FromArgMatches for Database {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Flags { db, url_file, ca_file } = Flags::from_arg_matches(matches)?;
        let is_argument = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
        let refused = |kind, why: &str| clap::Error::raw(kind, why);
        let given = match (db, url_file) {
            (Some(_), Some(_)) if is_argument("db") == is_argument("db_url_file") => {
                let why = "--db and --db-url-file, or their variables, each name a database: leave one of them out";
                return Err(refused(ErrorKind::ArgumentConflict, why));
            }
            // A flag counts, and not the variable of the other one.
            (db, Some(path)) if db.is_none() || is_argument("db_url_file") => Given::UrlFile(path),
            (Some(db), _) => match db.to_str().filter(|text| PostgresUrl::is_one(text)) {
                None if is_meant_as_url(&db) => return Err(refused(ErrorKind::ValueValidation, NO_PATH)),
                None => Given::Path(db),
                Some(text) => {
                    let url = text.parse::<PostgresUrl>();
                    let url =
                        url.map_err(|why| refused(ErrorKind::ValueValidation, &format!("the URL of --db: {why}")))?;
                    if url.has_password() && is_argument("db") {
                        return Err(refused(ErrorKind::ValueValidation, PASSWORD_IS_SHOWN));
                    }
                    Given::Url(Box::new(url))
                }
            },
            (None, _) => Given::Usual,
        };
        Ok(Self { given, is_argument: is_argument("db") || is_argument("db_url_file"), ca_file })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Why a URL with a password is refused.
const PASSWORD_IS_SHOWN: &str = "a password on the command line can be read by other users: give the URL with --db-url-file or in \
     COUNTERSIGN_DB, or the password in PGPASSWORD or ~/.pgpass";

/// Why a path is refused that would be a file with a password in its name: what it is, is not said again.
const NO_PATH: &str = "what --db or COUNTERSIGN_DB names is no path, and no URL that begins with postgres://: write \
     postgres://USER@HOST/NAME, without blanks or quotes around it; a path that looks like one begins with ./";

/// The settings that PostgreSQL's own programs take in the place of a URL.
const SETTINGS: [&str; 6] = ["dbname=", "host=", "hostaddr=", "password=", "service=", "user="];

/// Whether somebody has meant the URL of a database, and has not written it so that it is one.
fn is_meant_as_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let begins_a_setting = |word: &str| SETTINGS.iter().any(|setting| word.starts_with(setting));
    let is_plainly_path = text.starts_with(['/', '.']);
    !is_plainly_path && (text.contains("://") || text.split_whitespace().any(begins_a_setting))
}

impl Database {
    /// Whether an argument names it, and not only a variable.
    #[must_use]
    pub const fn is_argument(&self) -> bool {
        self.is_argument
    }

    /// Returns the database that was given, or the file under the XDG data directory.
    ///
    /// # Errors
    ///
    /// If none was given and there is no home directory, a path is relative and there is no current directory, or a file with a URL
    /// or a password cannot be used.
    pub fn location(&self) -> io::Result<Location> {
        let url = match &self.given {
            Given::Usual => {
                let strategy = choose_base_strategy()
                    .map_err(|error| io::Error::other(format!("{error}: name a database with --db")))?;
                return Ok(Location::File(strategy.data_dir().join("countersign").join("countersign.db")));
            }
            // Absolute, so that no name is special to SQLite: `:memory:` is a file like any other.
            Given::Path(path) => return std::path::absolute(path).map(Location::File),
            Given::Url(url) => (**url).clone(),
            Given::UrlFile(path) => url_in(path)?,
        };
        let url = match self.ca_file.as_deref().map(Path::to_str) {
            None => url,
            Some(Some(path)) => url.with("sslrootcert", path),
            Some(None) => return Err(io::Error::other("the path of --db-ca-file is no text")),
        };
        let password = if url.has_password() { None } else { password_file::password(&url)? };
        let url = match password {
            Some(password) => url.with("password", &password),
            None => url,
        };
        Ok(Location::Postgres(Box::new(url)))
    }
}

/// The URL in the first line of a file.
fn url_in(path: &Path) -> io::Result<PostgresUrl> {
    let failed =
        |why: &dyn std::fmt::Display| io::Error::other(format!("the file {} of --db-url-file{why}", path.display()));
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|error| failed(&format!(": {error}")))?;
    if is_open(path)? {
        return Err(failed(&" can be read by other users: run `chmod 600` on it"));
    }
    let line = text.lines().next().unwrap_or_default().trim();
    line.parse().map_err(|why: String| failed(&format!(" holds no URL of PostgreSQL in its first line: {why}")))
}

/// Whether other users may read a file.
pub(super) fn is_open(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}
