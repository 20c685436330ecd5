//! The address of a receiver, read as browsers read a URL, so that no spelling of an address means something else to the check
//! than to whoever connects.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::guard::Guard;
use crate::domain::text::check_plain;

/// The longest address, in bytes.
const LONGEST: usize = 2048;

/// Why an address is none that may be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It cannot be read.
    #[error("{0}")]
    Malformed(&'static str),
    /// It is private, or otherwise nobody's on the internet.
    #[error("{0} is no public address: the server has to be started with `--allow-notice-net {net}`", net = net_of(*.0))]
    NotAllowed(IpAddr),
    /// Without TLS only what the operator has allowed is called.
    #[error("it has to be https: http is for the networks of --allow-notice-net")]
    NotHttps,
    /// The name has no address.
    #[error("the name of its host has no address")]
    Unknown,
}

/// Where a notice goes over HTTP.
#[derive(Clone, Debug)]
pub struct Target {
    url: Url,
}

/// What an operator allows to have notices go to `address`: it alone, or this whole machine.
fn net_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) if address.is_loopback() => "127.0.0.0/8".to_owned(),
        address @ (IpAddr::V4(_) | IpAddr::V6(_)) => address.to_string(),
    }
}

impl Target {
    /// Reads a URL. An address that stands in it is looked at here; a name is when it is called.
    ///
    /// # Errors
    ///
    /// If it is no URL of HTTP, or the address in it may not be called.
    pub fn parse(text: &str, guard: &Guard) -> Result<Self, TargetError> {
        if text.len() > LONGEST {
            return Err(TargetError::Malformed("an address is at most 2048 bytes long"));
        }
        check_plain(text).map_err(TargetError::Malformed)?;
        let url =
            Url::parse(text).map_err(|_| TargetError::Malformed("it is no URL, such as https://ntfy.sh/topic"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Malformed("it begins with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Malformed("it names a user: leave out what ends with `@`"));
        }
        if url.fragment().is_some() {
            return Err(TargetError::Malformed("it has a fragment: leave out what begins with `#`"));
        }
        let target = Self { url };
        match target.address() {
            Some(address) => guard.check(address.ip(), target.is_tls())?,
            None if target.host().is_empty() => return Err(TargetError::Malformed("it has no host")),
            // Whether a name leads where the operator has allowed it, is looked at whenever it is called.
            None if !target.is_tls() && guard.allows_nothing() => return Err(TargetError::NotHttps),
            None => {}
        }
        Ok(target)
    }

    /// The address, where the host is one and not a name.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let address: IpAddr = match self.url.host()? {
            Host::Ipv4(address) => address.into(),
            Host::Ipv6(address) => address.into(),
            Host::Domain(_) => return None,
        };
        Some((address, self.port()).into())
    }

    /// The name of the host, or its address.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    pub(super) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// What may be shown of it: its path may be a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        self.authority()
    }

    /// What stands in the header `Host`.
    pub(super) fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host()),
            None => self.host().to_owned(),
        }
    }

    /// The path and the query.
    pub(super) fn path(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The parts of the path between slashes; an empty one at the end is left out.
    pub(super) fn segments(&self) -> Vec<&str> {
        let mut segments: Vec<&str> = self.url.path_segments().map(Iterator::collect).unwrap_or_default();
        if segments.last().is_some_and(|last| last.is_empty()) {
            segments.pop();
        }
        segments
    }

    /// The same host with another path.
    pub(super) fn with_path(mut self, path: &str) -> Self {
        self.url.set_path(path);
        self
    }
}
