//! Where the server listens, and which values of `Host` and `Origin` it accepts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::web_url::WebUrl;

/// The settings of the HTTP server.
#[derive(Clone, Debug, Args)]
pub struct HttpConfig {
    /// The address to listen on: IP:PORT, where port 0 takes a free one, or unix:PATH
    #[arg(long, value_name = "ADDR", env = "COUNTERSIGN_LISTEN", default_value = "127.0.0.1:7711")]
    pub listen: Listen,

    /// The mode of the socket of `--listen unix:`, in octal
    #[arg(long, value_name = "MODE", env = "COUNTERSIGN_SOCKET_MODE", default_value = "600", value_parser = mode)]
    pub socket_mode: u32,

    /// The group of the socket of `--listen unix:`, a name of /etc/group or a number [default: the server's own]
    #[arg(long, value_name = "GROUP", env = "COUNTERSIGN_SOCKET_GROUP")]
    pub socket_group: Option<String>,

    /// The URL at which browsers and programs reach the server through a proxy, with the path under which the proxy has put it
    /// [default: none]
    #[arg(long, value_name = "URL", env = "COUNTERSIGN_PUBLIC_URL")]
    pub public_url: Option<WebUrl>,

    /// Another host name by which clients reach the server; without a port, any port [default: none]
    #[arg(long, value_name = "HOST[:PORT]", env = "COUNTERSIGN_ALLOWED_HOST", value_delimiter = ',')]
    pub allowed_host: Vec<Authority>,

    /// Another origin whose web pages may call the server [default: none]
    #[arg(long, value_name = "ORIGIN", env = "COUNTERSIGN_ALLOWED_ORIGIN", value_delimiter = ',')]
    pub allowed_origin: Vec<Origin>,

    /// The TLS certificate chain, in PEM; read at the start and at each SIGHUP [default: no TLS]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The private key of the TLS certificate, in PEM, readable by its owner only [default: no TLS]
    #[arg(long, value_name = "PATH", env = "COUNTERSIGN_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// A proxy whose X-Forwarded-For and X-Forwarded-Proto are trusted [default: none]
    #[arg(long, value_name = "ADDR[/BITS]", env = "COUNTERSIGN_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,
}

impl HttpConfig {
    /// Returns what stands before each path of the server where a client sees it: empty, or `/some/path`.
    #[must_use]
    pub fn base(&self) -> &str {
        self.public_url.as_ref().map_or("", WebUrl::base)
    }
}

/// Reads the mode of a file.
fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    let mode = mode.ok_or_else(|| "a mode is in octal, such as 660".to_owned())?;
    // To connect is to write.
    if mode & 0o222 == 0 {
        return Err(
            "with this mode no client can connect: give somebody the right to write, as 600 or 660 do".to_owned()
        );
    }
    Ok(mode)
}

/// The address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of this machine.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: is followed by the path of a socket".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|error| format!("{error}; an address is IP:PORT or unix:PATH")),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The host of a request or URL: a name or an address, in lower case, and perhaps a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    /// The port, where one is named.
    pub port: Option<u16>,
}

impl FromStr for Authority {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not HOST or HOST:PORT");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                // What the standard library would take with a sign is no port.
                let digits = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
                (host, Some(digits.and_then(|port| port.parse().ok()).ok_or_else(bad)?))
            }
            Some(_) | None => (text, None),
        };
        let host = host.to_ascii_lowercase();
        let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |host: &str| {
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
                && !host.is_empty()
        };
        match in_brackets {
            // Written in the one way that there is for each address.
            Some(address) => match address.parse::<std::net::Ipv6Addr>() {
                Ok(address) => Ok(Self { host: format!("[{address}]"), port }),
                Err(_) => Err(bad()),
            },
            None if is_name(&host) => Ok(Self { host, port }),
            None => Err(bad()),
        }
    }
}

impl Authority {
    /// Whether `asked` is this one; a name without a port stands for every port.
    #[must_use]
    pub fn covers(&self, asked: &Self) -> bool {
        self.host == asked.host && (self.port.is_none() || self.port == asked.port)
    }

    /// The address, where the host is one and not a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.trim_matches(['[', ']']).parse().ok()
    }
}

/// Where a web page comes from, as browsers say it. Another port is another origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// In lower case.
    pub host: String,
    /// The scheme's own where none is written.
    pub port: u16,
}

impl Origin {
    /// What a page has for its origin that was fetched with `scheme` from `authority`.
    #[must_use]
    pub fn of(scheme: &'static str, authority: &Authority) -> Self {
        let port = authority.port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        Self { scheme, host: authority.host.clone(), port }
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = match lower.split_once("://") {
            Some(("http", rest)) => ("http", rest),
            Some(("https", rest)) => ("https", rest),
            Some(_) | None => return Err(format!("{text:?} is not an origin, such as https://example.org")),
        };
        Ok(Self::of(scheme, &rest.parse()?))
    }
}

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shared = |own: u128, other: u128, width: u32| {
            // With no bits to share every address is one of them; a shift by the whole width is none at all.
            own.checked_shr(width - self.bits).unwrap_or(0) == other.checked_shr(width - self.bits).unwrap_or(0)
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => shared(u32::from(own).into(), u32::from(other).into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => shared(own.into(), other.into(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("{text:?} is not an address or a network, such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.parse::<IpAddr>().map_err(|_| bad())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| bad()))?;
        if bits <= width { Ok(Self { address, bits }) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("Localhost", "localhost", None),
            ("a.example:8443", "a.example", Some(8443)),
            ("127.0.0.1:1", "127.0.0.1", Some(1)),
            ("[::1]", "[::1]", None),
            ("[0:0::1]:7711", "[::1]", Some(7711)),
        ] {
            assert_eq!(text.parse(), Ok(Authority { host: host.to_owned(), port }), "{text}");
        }
        for bad in ["", ":80", "a:", "a:+1", "a:65536", "::1", "[::1", "[a]", "a b", "a@b", "a/b", "a,b", "é"] {
            assert!(bad.parse::<Authority>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn an_origin_has_its_schemes_port_unless_it_names_one() {
        let same = |left: &str, right: &str| left.parse::<Origin>().unwrap() == right.parse::<Origin>().unwrap();
        assert!(same("http://a", "HTTP://A:80") && same("https://a", "https://a:443"));
        assert!(!same("http://a", "https://a") && !same("http://a", "http://a:81") && !same("http://a", "http://b"));
        for bad in ["", "null", "a", "ftp://a", "http://", "http://a/", "http://u@a", "file://"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_network_is_all_that_shares_its_bits() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "fe80::1", true),
            ("fd00::/8", "fd12::1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
        ] {
            let network = network.parse::<Network>().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
        for bad in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "a", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad:?} was taken");
        }
    }
}
