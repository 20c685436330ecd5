//! URLs: where they lead must be plain.

use super::components::{Care, Components};
use super::doubt::Doubt;
use super::glob::{Glob, Reach};

/// A URL whose parts mean the same to every parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    scheme: String,
    /// In lower case.
    host: String,
    /// As it is written, or the scheme's own.
    port: Option<String>,
    /// Without the first slash.
    path: Vec<String>,
    /// Query and fragment, with the character that begins them.
    tail: String,
}

/// A URL with wildcards.
#[derive(Clone, Debug)]
pub(super) struct UrlPattern {
    scheme: String,
    host: HostPattern,
    port: PortPattern,
    path: Components,
    /// Query and fragment, where the pattern has any.
    tail: Option<Glob>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    Is(String),
    /// `*.example.com`: whatever is below that name, not the name itself.
    Below(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PortPattern {
    Any,
    Is(Option<String>),
    /// None is written: the scheme's own.
    Default(Option<String>),
}

/// A scheme, what is before the path, the path, and the rest.
fn split(text: &str) -> Option<(String, &str, &str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let (before_tail, tail) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    let (authority, path) = before_tail.split_at(before_tail.find('/').unwrap_or(before_tail.len()));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), authority, path.strip_prefix('/').unwrap_or(path), tail))
}

/// Schemes of the same with encryption and without.
const TWINS: &[(&str, &str)] = &[("http", "https"), ("https", "http"), ("ws", "wss"), ("wss", "ws")];

/// The port of `scheme` where none is written.
fn default_port(scheme: &str) -> Option<String> {
    let port = match scheme {
        "http" | "ws" => "80",
        "https" | "wss" => "443",
        "ftp" => "21",
        "ssh" | "sftp" | "git+ssh" => "22",
        _ => return None,
    };
    Some(port.to_owned())
}

/// Host and port, the port without leading zeros.
fn host_and_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    Some((host, port)).filter(|(host, _)| !host.is_empty())
}

/// Whether `host` is a name or an address in the form that every parser reads alike.
fn is_plain_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|address| address.strip_suffix(']')) {
        return address.parse::<core::net::Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    // `0x7f.1` and `2130706433` are addresses, too: only the form with four decimal numbers is plain.
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X");
    host.split('.').all(is_label) && (!is_number || host.parse::<core::net::Ipv4Addr>().is_ok())
}

/// One spelling for each host: a name in lower case and without a dot behind it, an address as its numbers say.
fn plain_host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let address = host.strip_prefix('[').and_then(|address| address.strip_suffix(']'));
    match address.and_then(|address| address.parse::<core::net::Ipv6Addr>().ok()) {
        Some(address) => address.to_ipv4_mapped().map_or_else(|| format!("[{address}]"), |address| address.to_string()),
        None => host,
    }
}

/// The host that `text` leads to, in one spelling, where that is plain; without a scheme it is one of the web.
pub(super) fn host_of(text: &str) -> Option<String> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let (_, authority, ..) = split(&with_scheme)?;
    // Of a name and a password in front of it the last `@` is the end; behind a backslash readers do not agree.
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, _) = host_and_port(authority)?;
    (!with_scheme.contains('\\') && is_plain_host(host)).then(|| plain_host(host))
}

/// `text` with each escape of a letter, a digit, a dash, an underline or a tilde as what it stands for: no reader tells them
/// apart.
fn decoded(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        decoded.push_str(before);
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|code| code.is_ascii_alphanumeric() || matches!(code, b'-' | b'_' | b'~')) {
            Some(code) => decoded.push(char::from(code)),
            None => {
                decoded.push('%');
                decoded.push_str(&after.get(..2).unwrap_or_default().to_ascii_uppercase());
            }
        }
        rest = after.get(2..).unwrap_or_default();
    }
    decoded + rest
}

/// Whether nothing in `text` is read in two ways: printable ASCII without backslashes, and no escape of a dot, a slash, a
/// backslash, a percent sign or a control character.
fn is_plain_text(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '<' | '>' | '^' | '`' | '{' | '|' | '}');
    let escapes_are_plain = text.split('%').skip(1).all(|after| {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        code.is_some_and(|code| !code.is_ascii_control() && !matches!(code, b'.' | b'/' | b'\\' | b'%'))
    });
    text.chars().all(is_plain) && escapes_are_plain
}

impl Url {
    /// Reads `text`; everything that two readers could read differently is a doubt.
    pub(super) fn parse(text: &str) -> Result<Self, Doubt> {
        let (scheme, authority, path, tail) = split(text).ok_or(Doubt::Url)?;
        let (host, port) = host_and_port(authority).ok_or(Doubt::Url)?;
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number.to_string() == port);
        let path = path.split('/').map(decoded).collect::<Vec<_>>();
        // `..;` is `..` to some servers.
        let climbs = path.iter().any(|component| component == "." || component.starts_with(".."));
        if !is_plain_text(text) || !is_plain_host(host) || !port.is_none_or(is_port) || climbs {
            return Err(Doubt::Url);
        }
        let port = port.map(str::to_owned).or_else(|| default_port(&scheme));
        Ok(Self { scheme, host: plain_host(host), port, path, tail: decoded(tail) })
    }

    /// The same with encryption where it is without, and the other way round.
    pub(super) fn twin(&self) -> Option<Self> {
        let (_, scheme) = TWINS.iter().find(|(scheme, _)| *scheme == self.scheme)?;
        Some(Self { scheme: (*scheme).to_owned(), ..self.clone() })
    }

    /// What an index may go by.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        [self.scheme.as_str(), self.host.as_str()].into_iter().chain(self.path.iter().map(String::as_str))
    }
}

impl UrlPattern {
    /// Reads `pattern`; `None` for what can be no URL: it covers only itself.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let (scheme, authority, path, tail) = split(pattern)?;
        let (host, port) = host_and_port(authority)?;
        let host = match (host, host.strip_prefix("*.")) {
            ("*", _) => HostPattern::Any,
            (_, Some(below)) if is_plain_host(below) => HostPattern::Below(below.to_ascii_lowercase()),
            (host, None) if is_plain_host(host) => HostPattern::Is(plain_host(host)),
            _ => return None,
        };
        let port = match port {
            Some("*") => PortPattern::Any,
            Some(port) => PortPattern::Is(Some(port.to_owned())),
            None => PortPattern::Default(default_port(&scheme)),
        };
        let path = Components::parse(&decoded(path));
        let tail = (!tail.is_empty()).then(|| Glob::new(&decoded(tail)));
        (!path.has_dots()).then_some(Self { scheme, host, port, path, tail })
    }

    /// What an index may go by: what [`Url::keys`] begins with where this covers it.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let host = match &self.host {
            HostPattern::Is(host) => Some(host.as_str()),
            HostPattern::Any | HostPattern::Below(_) => None,
        };
        let path = host.map(|_| self.path.literals()).into_iter().flatten();
        std::iter::once(self.scheme.as_str()).chain(host).chain(path)
    }

    /// Whether `url` has the scheme, host and port that this says.
    pub(super) fn is_at(&self, url: &Url, care: Care) -> bool {
        let host = match &self.host {
            HostPattern::Any => true,
            HostPattern::Is(host) => *host == url.host,
            HostPattern::Below(name) => url.host.strip_suffix(name.as_str()).is_some_and(|label| label.ends_with('.')),
        };
        let port = match (&self.port, care) {
            (PortPattern::Any, _) | (PortPattern::Default(_), Care::Caution) => true,
            (PortPattern::Is(port) | PortPattern::Default(port), _) => *port == url.port,
        };
        self.scheme == url.scheme && host && port
    }

    /// Whether this covers `url`. Without a query of its own it covers one only where its path ends in a wildcard; without a
    /// port of its own it is about every port where a rule denies or asks.
    pub(super) fn matches(&self, url: &Url, care: Care) -> bool {
        let tail = match (&self.tail, care) {
            (Some(tail), _) => tail.matches(&url.tail, Reach::Wide),
            (None, Care::Caution) => true,
            (None, Care::Allowing) => url.tail.is_empty() || self.path.ends_in_star(),
        };
        tail && self.is_at(url, care) && self.path.matches_url(&url.path, care)
    }

    /// Whether this could be about `url`: a server may take a path in another case for the same, and answers with and without
    /// encryption.
    pub(super) fn resembles(&self, url: &Url) -> bool {
        let folded = Url { path: url.path.iter().map(|part| part.to_lowercase()).collect(), ..url.clone() };
        let twin = folded.twin();
        std::iter::once(&folded).chain(&twin).any(|url| self.matches(url, Care::Caution))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, url: &str) -> bool {
        let pattern = UrlPattern::parse(pattern).unwrap();
        Url::parse(url).is_ok_and(|url| pattern.matches(&url, Care::Allowing))
    }

    #[test]
    fn a_host_is_compared_by_whole_labels() {
        assert!(covers("https://*.example.com/**", "https://api.example.com/v1/x"));
        assert!(covers("https://example.com/**", "HTTPS://Example.COM:443/v1"));
        for url in [
            "https://example.com/x",
            "https://example.com.evil.net/x",
            "https://evil.net/.example.com/x",
            "https://evil.net?.example.com/x",
            "https://evil.net#.example.com/x",
            "https://evil.net\\.example.com/x",
            "https://api.example.com@evil.net/x",
            "https://user:pass@api.example.com/x",
            "https://api.example.com:8443/x",
            "http://api.example.com/x",
            "https://api.example.com./x",
            "https:///api.example.com/x",
            "https://api..example.com/x",
        ] {
            assert!(!covers("https://*.example.com/**", url), "{url}");
        }
    }

    #[test]
    fn a_path_is_compared_by_components_and_never_climbs() {
        assert!(covers("https://h/v1/*", "https://h/v1/x?q=1"));
        assert!(covers("https://h/v1/*", "https://h/v1/") && covers("https://h:*/*", "https://h:8443"));
        assert!(covers("https://h/v1/x", "https://h/v1/x"));
        assert!(covers("https://h/v1/x?q=*", "https://h/v1/x?q=1"));
        for (pattern, url) in [
            ("https://h/v1/*", "https://h/v1/x/y"),
            ("https://h/v1/*", "https://h/v1//"),
            ("https://h/v1/*", "https://h/v1"),
            ("https://h/v1/a*", "https://h/v1/"),
            ("https://h/v1/*", "https://h/v1/../x"),
            ("https://h/v1/**", "https://h/v1/%2e%2e/x"),
            ("https://h/v1/**", "https://h/v1/..%2fx"),
            ("https://h/v1/**", "https://h/v1/%252e%252e/x"),
            ("https://h/v1/**", "https://h/v1/..;/x"),
            ("https://h/v1/**", "https://h/v1//x"),
            ("https://h/v1/**", "https://h/v1"),
            ("https://h/v1/x", "https://h/v1/x?q=1"),
            ("https://h/v1/**", "https://h/v12/x"),
            ("https://h/v1/**", "https://h/v1/a b"),
        ] {
            assert!(!covers(pattern, url), "{pattern} {url}");
        }
    }

    #[test]
    fn an_address_is_written_in_one_way_only() {
        for url in ["http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://010.0.0.1/", "http://[::1%25lo]/"]
        {
            assert!(Url::parse(url).is_err(), "{url}");
        }
        assert!(covers("http://127.0.0.1:80/", "http://127.0.0.1/"));
        assert!(covers("http://[::1]:8080/*", "http://[::1]:8080/x"));
    }
}
