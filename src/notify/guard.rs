//! Which addresses may be called: public ones, and what the operator has allowed.
//!
//! A channel's address comes from a person, and what is called from here is inside the operator's network: so a name is resolved once,
//! each address is looked at, and what is connected to is an address that was looked at. Every attempt does it again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::resolve::Resolve;
use super::target::{Target, TargetError};
use crate::config::Network;

/// What may be called.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Vec<Network>,
}

impl Guard {
    /// Public addresses, and those in `allowed`.
    #[must_use]
    pub const fn new(allowed: Vec<Network>) -> Self {
        Self { allowed }
    }

    /// Whether the operator has allowed no address beside the public ones.
    #[must_use]
    pub const fn allows_nothing(&self) -> bool {
        self.allowed.is_empty()
    }

    /// Whether the operator has allowed this address.
    #[must_use]
    pub fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(address))
    }

    /// Checks an address that stands in a URL of this scheme.
    ///
    /// # Errors
    ///
    /// If it may not be called, or not without TLS.
    pub fn check(&self, address: IpAddr, is_tls: bool) -> Result<(), TargetError> {
        match (self.is_allowed(address), is_tls) {
            (true, _) => Ok(()),
            (false, _) if !is_public(address) || is_own(address) => Err(TargetError::NotAllowed(address)),
            (false, false) => Err(TargetError::NotHttps),
            (false, true) => Ok(()),
        }
    }

    /// Resolves the host of `target`, once; those of its addresses that may be called.
    pub(super) async fn admitted(
        &self,
        target: &Target,
        resolver: &dyn Resolve,
    ) -> Result<Vec<SocketAddr>, TargetError> {
        let found = match target.address() {
            Some(address) => vec![address],
            None => resolver.resolve(target.host(), target.port()).await.map_err(|_| TargetError::Unknown)?,
        };
        let mut refused = TargetError::Unknown;
        let mut admitted = Vec::new();
        for address in found {
            match self.check(address.ip(), target.is_tls()) {
                Ok(()) => admitted.push(address),
                Err(error) => refused = error,
            }
        }
        if admitted.is_empty() { Err(refused) } else { Ok(admitted) }
    }
}

/// Whether an address is this machine's own: what it would be called from is the address itself. No packet is sent for that.
fn is_own(address: IpAddr) -> bool {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0));
    let from = socket.and_then(|socket| socket.connect((address, 9)).and_then(|()| socket.local_addr()));
    from.is_ok_and(|from| from.ip() == address)
}

/// Whether anybody on the internet may be at this address: by the registries of special-purpose addresses (RFC 6890 and those
/// that came after it).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Networks of IPv4 that are nobody's, or somebody's own.
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    // "This network".
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Behind the translation of a provider (CGNAT).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // This machine.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, with the metadata of clouds.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // Of protocols, and documentation.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // Relays of 6to4.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Of benchmarks, and documentation.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast; reserved, with the broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, bits): &(Ipv4Addr, u32)| (u32::from(*network) ^ u32::from(address)) >> (32 - bits) == 0;
    !NOT_PUBLIC_V4.iter().any(is_in)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = u128::from(address);
    let starts_with = |network: &str, length: u32| {
        let network = network.parse::<Ipv6Addr>().map_or(0, u128::from);
        (network ^ bits) >> (128 - length) == 0
    };
    let embedded = |shift: u32| {
        // The cut is what is meant: an address of IPv4 inside.
        #[expect(clippy::cast_possible_truncation, reason = "32 bits of it")]
        let inner = (bits >> shift) as u32;
        is_public_v4(Ipv4Addr::from(inner))
    };
    // What has an address of IPv4 in it is as public as that: translated by NAT64, or through a tunnel by 6to4.
    if starts_with("64:ff9b::", 96) {
        return embedded(0);
    }
    if starts_with("2002::", 16) {
        return embedded(80);
    }
    // Only 2000::/3 is given out; what is mapped, compatible, local or multicast is outside of it.
    let special = [
        // Teredo and other protocols, benchmarks, ORCHID, documentation.
        ("2001::", 23),
        ("2001:db8::", 32),
        ("3fff::", 20),
    ];
    starts_with("2000::", 3) && !special.iter().any(|(network, length)| starts_with(network, *length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_anybody_may_have_are_public() {
        for public in ["1.1.1.1", "93.184.215.14", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for own in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:c0a8:101::1",
            "2001::1",
            "2001:db8::1",
            "2001:2::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(own.parse().unwrap()), "{own}");
        }
    }

    #[test]
    fn what_is_allowed_needs_no_tls_and_all_else_does() {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap(), "10.1.0.0/16".parse().unwrap()]);
        let check = |address: &str, is_tls| guard.check(address.parse().unwrap(), is_tls);
        assert_eq!(check("127.0.0.1", false), Ok(()));
        assert_eq!(check("10.1.2.3", true), Ok(()));
        assert_eq!(check("1.1.1.1", true), Ok(()));
        assert_eq!(check("1.1.1.1", false), Err(TargetError::NotHttps));
        for refused in ["10.2.0.1", "::1", "169.254.169.254"] {
            assert!(matches!(check(refused, true), Err(TargetError::NotAllowed(_))), "{refused}");
        }
    }
}
