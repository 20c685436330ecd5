//! The password for PostgreSQL that programs of libpq find, too: in `PGPASSWORD`, or in the password file.

use std::io;
use std::path::PathBuf;
use std::{env, fs};

use zeroize::Zeroizing;

use super::database::is_open;
use super::postgres_url::PostgresUrl;

/// The password for a database; `None` where there is none.
///
/// # Errors
///
/// If it would be that of a file which other users may read.
pub(super) fn password(url: &PostgresUrl) -> io::Result<Option<Zeroizing<String>>> {
    if let Some(password) = env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()) {
        return Ok(Some(Zeroizing::new(password)));
    }
    let named = env::var_os("PGPASSFILE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let Some(path) = named.or_else(|| Some(etcetera::home_dir().ok()?.join(".pgpass"))) else { return Ok(None) };
    // As to libpq, one that cannot be read is none.
    let Ok(text) = fs::read_to_string(&path).map(Zeroizing::new) else { return Ok(None) };
    let found = found(&text, url).map(Zeroizing::new);
    if found.is_some() && is_open(&path)? {
        let path = path.display();
        return Err(io::Error::other(format!(
            "the password file {path} can be read by other users: run `chmod 600` on it"
        )));
    }
    Ok(found)
}

/// The password of the first line that is about this database: `HOST:PORT:DATABASE:USER:PASSWORD`, in which `*` is anything. Where the
/// URL names several hosts, it is that of the first.
fn found(text: &str, url: &PostgresUrl) -> Option<String> {
    let (host, port) = url.hosts().first()?;
    let user = url.setting("user").unwrap_or_default();
    let database = url.setting("dbname").unwrap_or(user);
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields: [String; 5] = fields(line).try_into().ok()?;
        let [of_host, of_port, of_database, of_user, password] = fields;
        let is = |field: &str, value: &str| field == "*" || field == value;
        // A socket is this machine, by whatever path.
        let is_host = is(&of_host, host) || (host.starts_with('/') && of_host == "localhost");
        let is_it = is_host && is(&of_port, &port.to_string()) && is(&of_database, database) && is(&of_user, user);
        is_it.then_some(password)
    })
}

/// The fields of a line: a backslash takes its meaning from a colon or a backslash behind it.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        let last = fields.len() - 1;
        match sign {
            // A password goes on to the end of the line.
            ':' if last < 4 => fields.push(String::new()),
            '\\' => fields[last].extend(signs.next()),
            _ => fields[last].push(sign),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_is_about_the_database_has_its_password() {
        let text = "# a comment:*:*:*:x\nno line of it\nother:*:*:*:one\n*:5433:*:ada:two\n*:*:in\\:box:*:th\\:r\\\\ee:x\n\
                    localhost:*:*:bob:four\n";
        for (url, password) in [
            ("postgres://ada@other/d", Some("one")),
            ("postgres://ada@db.example:5433/d", Some("two")),
            ("postgres://ada@db.example/in%3Abox", Some("th:r\\ee:x")),
            ("postgres://bob@%2Frun%2Fpg/d", Some("four")),
            ("postgres://bob@db.example/d", None),
        ] {
            let url = url.parse::<PostgresUrl>().unwrap();
            assert_eq!(found(text, &url).as_deref(), password, "{url}");
        }
    }
}
