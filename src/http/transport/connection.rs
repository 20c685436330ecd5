//! A connection's addresses and scheme, and those of the client behind a trusted proxy.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;

use crate::config::Network;
use crate::domain::id::PrincipalName;
use crate::shares::{Exceeded, Share, Shares};

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Connection {
    /// The address that the client came to; none on a Unix socket.
    pub(crate) local: Option<IpAddr>,
    /// The address that it came from; none on a Unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// `https` over TLS, else `http`.
    pub(crate) scheme: &'static str,
    /// Whether it is over the limit, so that only people are served on it.
    pub(crate) is_reserved: bool,
    /// The agent that it is counted for: the one whose request came last.
    holder: Mutex<Option<Share>>,
}

impl Connection {
    /// Makes a connection that no agent has used yet.
    pub(crate) const fn new(local: Option<IpAddr>, peer: Option<IpAddr>, scheme: &'static str) -> Self {
        Self { local, peer, scheme, is_reserved: false, holder: Mutex::new(None) }
    }

    /// Counts this connection for an agent, until it is closed or another agent uses it.
    pub(crate) fn hold(&self, shares: &Arc<Shares>, agent: &PrincipalName) -> Result<(), Exceeded> {
        let mut holder = self.holder.lock().unwrap_or_else(PoisonError::into_inner);
        if holder.as_ref().is_none_or(|share| share.principal() != agent) {
            *holder = Some(shares.take(agent, 1)?);
        }
        Ok(())
    }

    /// Returns the scheme that the client used, which a trusted proxy may name.
    pub(crate) fn scheme(&self, headers: &HeaderMap, trusted: &[Network]) -> &'static str {
        match headers.get("x-forwarded-proto").map(|proto| proto.as_bytes()) {
            Some(b"https") if self.is_from(trusted) => "https",
            Some(b"http") if self.is_from(trusted) => "http",
            Some(_) | None => self.scheme,
        }
    }

    /// Returns the client's address, from the connection or a trusted proxy; none on a Unix socket.
    pub(crate) fn client(&self, headers: &HeaderMap, trusted: &[Network]) -> Option<IpAddr> {
        let mut client = self.peer;
        if self.is_from(trusted) {
            // From the right: each proxy adds the address it was called from, and only trusted proxies add true ones.
            let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
            let said = said.flat_map(|value| value.split(',')).map(|address| address.trim().parse::<IpAddr>());
            for address in said.collect::<Vec<_>>().into_iter().rev() {
                // Nothing before an entry that cannot be read is trusted.
                let Ok(address) = address else { break };
                client = Some(address);
                if !is_in(trusted, address) {
                    break;
                }
            }
        }
        client.map(|client| client.to_canonical())
    }

    /// Whether this connection's peer is trusted to name the client. The mode of a Unix socket says which processes may open it.
    fn is_from(&self, trusted: &[Network]) -> bool {
        self.peer.is_none_or(|peer| is_in(trusted, peer))
    }
}

fn is_in(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let connection = Connection::new(None, Some(peer.parse().unwrap()), "http");
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        connection.client(&headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn what_an_untrusted_proxy_says_of_the_client_is_not_believed() {
        assert_eq!(client("192.0.2.1", &["192.0.2.9"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1, 192.0.2.9, 10.0.0.2"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "192.0.2.9"]), "192.0.2.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.9, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_client_came_over_tls() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (peer, scheme) in [("10.0.0.1", "https"), ("192.0.2.1", "http")] {
            let connection = Connection::new(None, Some(peer.parse().unwrap()), "http");
            assert_eq!(connection.scheme(&headers, &trusted), scheme, "{peer}");
        }
    }
}
