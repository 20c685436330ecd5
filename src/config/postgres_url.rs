//! The URL of a database of PostgreSQL, in the words of libpq. What may be a password in it is never shown, not even by an error.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::str::FromStr;

/// The port of a server that names none.
const USUAL_PORT: u16 = 5432;

/// What a URL may say behind its `?`. Whatever else libpq knows is of no use here, or would be passed over without a word.
const SETTINGS: [&str; 18] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

/// A database of PostgreSQL, and as whom it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    /// In the order in which they are tried; a path is a folder with a socket.
    hosts: Vec<(String, u16)>,
    /// By its name in libpq. The hosts are not among them.
    settings: Vec<(String, String)>,
}

impl PostgresUrl {
    /// Whether a text is a URL of PostgreSQL and no path: a path that begins so is written `./postgres:…`.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
    }

    /// What the URL says of something, by its name in libpq.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A file that the URL names.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.setting(name).map(Path::new)
    }

    /// The hosts and their ports.
    #[must_use]
    pub fn hosts(&self) -> &[(String, u16)] {
        &self.hosts
    }

    /// The same database for each host alone, in their order.
    pub fn each(&self) -> impl Iterator<Item = Self> + '_ {
        let addresses =
            self.setting("hostaddr").map(|listed| listed.split(',').collect::<Vec<_>>()).unwrap_or_default();
        self.hosts.iter().enumerate().map(move |(at, host)| {
            let one = Self { hosts: vec![host.clone()], ..self.clone() };
            match addresses.get(at) {
                Some(address) => one.with("hostaddr", address),
                None => one,
            }
        })
    }

    /// Whether it holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.setting("password").is_some()
    }

    /// The same database, where something else is said of one thing.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether connections are encrypted and the server's certificate is verified. `prefer`, `allow` and no word at all leave the
    /// choice to us: whoever can hold up a connection could else turn the encryption off.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        // As in libpq, a socket has no need of it.
        let has_network = self.hosts.iter().any(|(host, _)| !host.starts_with('/'));
        match self.setting("sslmode") {
            _ if !has_network => false,
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            // Who names an authority or a certificate wants them used.
            _ => {
                self.leaves_the_machine() || ["sslrootcert", "sslcert"].iter().any(|name| self.setting(name).is_some())
            }
        }
    }

    /// Whether what is sent leaves this machine.
    #[must_use]
    pub fn leaves_the_machine(&self) -> bool {
        let is_here = |host: &str| {
            host.starts_with('/')
                || host == "localhost"
                || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
        };
        match self.setting("hostaddr") {
            Some(addresses) => !addresses.split(',').all(is_here),
            None => !self.hosts.iter().all(|(host, _)| is_here(host)),
        }
    }

    /// The same as `name='value'` pairs, as libpq reads them, without those about TLS.
    #[must_use]
    pub fn pairs(&self) -> String {
        let listed = |part: fn(&(String, u16)) -> String| self.hosts.iter().map(part).collect::<Vec<_>>().join(",");
        let hosts = [("host", listed(|(host, _)| host.clone())), ("port", listed(|(_, port)| port.to_string()))];
        let settings = self.settings.iter().filter(|(name, _)| !name.starts_with("ssl"));
        let settings = settings.map(|(name, value)| (name.as_str(), value.clone()));
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
        let pairs = hosts.into_iter().chain(settings).map(|(name, value)| format!("{name}='{}'", quoted(&value)));
        pairs.collect::<Vec<_>>().join(" ")
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let name = SETTINGS
            .into_iter()
            .find(|known| *known == name)
            .ok_or_else(|| format!("it may say {} behind its ?, and it says something else", SETTINGS.join(", ")))?;
        if name == "sslmode" && !["disable", "allow", "prefer", "require", "verify-ca", "verify-full"].contains(&value)
        {
            return Err("its sslmode is none of disable, allow, prefer, require, verify-ca and verify-full".to_owned());
        }
        if self.setting(name).is_some() {
            return Err(format!("it says {name} twice"));
        }
        self.settings.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// Reads `HOST[:PORT],…`.
    fn add_hosts(&mut self, place: &str) -> Result<(), String> {
        for one in place.split(',').filter(|_| !place.is_empty()) {
            let (host, port) = match one.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                Some((address, port)) => (address, port.strip_prefix(':').or((!port.is_empty()).then_some(port))),
                None => one.split_once(':').map_or((one, None), |(host, port)| (host, Some(port))),
            };
            let port = match port {
                Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                    digits.parse().map_err(|_| BAD_PORT)?
                }
                Some(_) => return Err(BAD_PORT.to_owned()),
                None => USUAL_PORT,
            };
            self.hosts.push((plain(host)?, port));
        }
        Ok(())
    }

    /// Takes the hosts and ports that are named behind the `?`.
    fn take_host_settings(&mut self) -> Result<(), String> {
        let mut take = |name: &str| {
            let at = self.settings.iter().position(|(other, _)| other == name);
            at.map(|at| self.settings.remove(at).1)
        };
        let (hosts, ports) = (take("host"), take("port"));
        if let Some(hosts) = hosts {
            self.hosts = hosts.split(',').map(|host| (host.to_owned(), USUAL_PORT)).collect();
        }
        if self.hosts.is_empty() {
            let addresses = self.setting("hostaddr").unwrap_or("localhost").to_owned();
            self.hosts = addresses.split(',').map(|host| (host.to_owned(), USUAL_PORT)).collect();
        }
        if self.setting("hostaddr").is_some_and(|addresses| addresses.split(',').count() != self.hosts.len()) {
            return Err("it names more hosts than addresses, or fewer".to_owned());
        }
        let Some(ports) = ports else { return Ok(()) };
        let ports = ports.split(',').map(|port| port.parse::<u16>().map_err(|_| BAD_PORT.to_owned()));
        let ports = ports.collect::<Result<Vec<_>, _>>()?;
        if ports.len() != 1 && ports.len() != self.hosts.len() {
            return Err("it names more hosts than ports, or fewer".to_owned());
        }
        for (host, port) in self.hosts.iter_mut().zip(ports.iter().cycle()) {
            host.1 = *port;
        }
        Ok(())
    }
}

const BAD_PORT: &str = "its port is no number up to 65535; in a password the characters @ : / ? # and % are written %40 %3A %2F %3F %23 and %25";

/// A part of a URL without its percent signs.
fn plain(part: &str) -> Result<String, String> {
    let bad = || "it has a % that is followed by no byte of a text".to_owned();
    let (first, rest) = part.split_once('%').map_or((part, None), |(first, rest)| (first, Some(rest)));
    let mut bytes = first.as_bytes().to_owned();
    for piece in rest.into_iter().flat_map(|rest| rest.split('%')) {
        let (digits, after) = piece.split_at_checked(2).ok_or_else(bad)?;
        bytes.extend(hex::decode(digits).map_err(|_| bad())?);
        bytes.extend(after.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or_else(bad)
}

impl FromStr for PostgresUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (_, rest) =
            text.split_once("://").filter(|_| Self::is_one(text)).ok_or("it does not begin with postgres://")?;
        let (place, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if rest.contains(['@', '#']) || place.matches('@').count() > 1 {
            return Err(
                "an @ or # in it is written %40 or %23, and so is a / in a password %2F, and a ? %3F".to_owned()
            );
        }
        let mut url = Self { hosts: Vec::new(), settings: Vec::new() };
        let (login, place) = place.split_once('@').map_or((None, place), |(login, place)| (Some(login), place));
        if let Some(login) = login {
            let (user, password) = login.split_once(':').map_or((login, None), |(user, word)| (user, Some(word)));
            url.add("user", &plain(user)?)?;
            password.map_or(Ok(()), |password| url.add("password", &plain(password)?))?;
        }
        url.add_hosts(place)?;
        let (database, settings) = rest.split_once('?').unwrap_or((rest, ""));
        let database = database.strip_prefix('/').unwrap_or(database);
        if !database.is_empty() {
            url.add("dbname", &plain(database)?)?;
        }
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').ok_or("behind its ? is something that is not NAME=VALUE")?;
            url.add(&plain(name)?, &plain(value)?)?;
        }
        url.take_host_settings()?;
        Ok(url)
    }
}

/// Without the user, the password and what else there is beside the place.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        for (number, (host, port)) in self.hosts.iter().enumerate() {
            let between = if number == 0 { "" } else { "," };
            let port = if *port == USUAL_PORT { String::new() } else { format!(":{port}") };
            let host = if host.contains(':') { format!("[{host}]") } else { host.replace('/', "%2F") };
            write!(f, "{between}{host}{port}")?;
        }
        write!(f, "/{}", self.setting("dbname").or(self.setting("user")).unwrap_or_default())
    }
}

/// As it is shown.
impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> PostgresUrl {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn a_url_is_shown_without_who_reaches_it_and_how() {
        for (text, shown) in [
            ("postgres://ada:hush@db.example/inbox", "postgres://db.example/inbox"),
            (
                "postgresql://ada:hush@db.example:5433,[::1]:6000/inbox?sslmode=require",
                "postgres://db.example:5433,[::1]:6000/inbox",
            ),
            ("postgres://ada@%2Frun%2Fpg/inbox?password=hush", "postgres://%2Frun%2Fpg/inbox"),
            ("postgres:///inbox?host=/run/pg&port=6000&user=ada&password=hush", "postgres://%2Frun%2Fpg:6000/inbox"),
            ("postgres://ada:h%40u%2Fsh@db.example", "postgres://db.example/ada"),
            ("postgres://", "postgres://localhost/"),
        ] {
            assert_eq!(read(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn each_host_has_its_own_address_and_port() {
        let each = |text: &str| read(text).each().map(|one| one.pairs()).collect::<Vec<_>>();
        assert_eq!(
            each("postgres://one,two:6000/inbox?hostaddr=10.0.0.1,10.0.0.2"),
            [
                "host='one' port='5432' dbname='inbox' hostaddr='10.0.0.1'",
                "host='two' port='6000' dbname='inbox' hostaddr='10.0.0.2'"
            ]
        );
        assert_eq!(each("postgres://%2Frun/inbox"), ["host='/run' port='5432' dbname='inbox'"]);
        for text in ["postgres://one,two/inbox?hostaddr=10.0.0.1", "postgres://one/inbox?hostaddr=10.0.0.1,10.0.0.2"] {
            text.parse::<PostgresUrl>().unwrap_err();
        }
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_its_password() {
        for text in [
            "postgres://ada:hush@hush@db.example/inbox",
            "postgres://ada:hush/hush@db.example/inbox",
            "postgres://ada:12/hush@db.example/inbox",
            "postgres://ada:12?hush@db.example/inbox",
            "postgres://ada:12?hush=hush",
            "postgres://ada:12#hush@db.example/inbox",
            "postgres://ada:hush%zz@db.example/inbox",
            "postgres://ada:hush@db.example:hush/inbox",
            "postgres://ada:hush@db.example:99999/inbox",
            "postgres://ada:hush@db.example/inbox?hush",
            "postgres://ada:hush@db.example/inbox?hush=1",
            "postgres://ada:hush@db.example/inbox?password=hush",
            "postgres://ada:hush@db.example/inbox?sslmode=hush",
            "postgres://ada:hush@a,b/inbox?port=1,2,3",
            "postgres://ada:hush@[::1]x/inbox",
        ] {
            let why = text.parse::<PostgresUrl>().map(drop).expect_err(text);
            assert!(!why.contains("hush"), "{text}: {why}");
        }
    }

    #[test]
    fn every_part_is_found_by_its_name_in_libpq() {
        let url = read(
            "postgres://a%20da:it's%5C@one:1,two/in%2Fbox?connect_timeout=3&sslmode=verify-ca&sslrootcert=/ca.pem",
        );
        assert_eq!(
            url.pairs(),
            r"host='one,two' port='1,5432' user='a da' password='it\'s\\' dbname='in/box' connect_timeout='3'"
        );
        assert_eq!(url.file("sslrootcert"), Some(Path::new("/ca.pem")));
        assert!(url.has_password() && !read("postgres://ada@h/d").has_password());
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_that_is_turned_off() {
        for (text, is_encrypted) in [
            ("postgres://%2Frun/d", false),
            ("postgres://%2Frun/d?sslmode=require", false),
            ("postgres://localhost/d", false),
            ("postgres://127.0.0.9/d?sslmode=prefer", false),
            ("postgres://[::1]/d", false),
            ("postgres://localhost/d?sslmode=require", true),
            ("postgres://localhost/d?sslrootcert=/ca.pem", true),
            ("postgres://db.example/d", true),
            ("postgres://db.example/d?sslmode=prefer", true),
            ("postgres://db.example/d?sslmode=allow", true),
            ("postgres://localhost,db.example/d", true),
            ("postgres://localhost/d?hostaddr=192.0.2.1", true),
            ("postgres://db.example/d?sslmode=disable", false),
        ] {
            assert_eq!(read(text).is_encrypted(), is_encrypted, "{text}");
        }
    }
}
