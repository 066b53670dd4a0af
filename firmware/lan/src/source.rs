//! What counts as one address for limits that strangers must not get around.

use std::net::{IpAddr, Ipv6Addr};

/// Whose connections and attempts are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// One address.
    Host(IpAddr),
    /// The /64 of an IPv6 address: a host there takes as many addresses as it likes.
    Network(Ipv6Addr),
}

impl Source {
    /// Of an address that nobody vouches for.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self::Network(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
            address => Self::Host(address),
        }
    }

    /// Of an address that counts for itself alone, whoever shares its network.
    pub(crate) fn alone(address: IpAddr) -> Self {
        Self::Host(address.to_canonical())
    }
}

const NETWORK: u128 = !(u64::MAX as u128);
