//! `lan-ports-closed`: nothing listens while LAN mode is off, and while it is on nothing but what it needs.
//!
//! Found by connecting to every port there is; the kernel's own tables say the same, for addresses that were not tried.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result};

use super::Observations;
use crate::probe::bench::Bench;

const DISCOVERY_PORT: u16 = 2021;
const NONE: &str = "none";
/// What the kernel's tables call a listening TCP socket.
const LISTENING: &str = "0A";
/// On the loopback a port answers at once or not at all; one that does neither is open to somebody.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let printer = bench.printer()?;
    let mut seen = Observations::default();
    look(&mut seen, "LAN mode off", [NONE, NONE, "closed"])?;
    printer.report(&["lan", "on"])?;
    let open = ["990, 8883", "tcp 990, tcp 8883, udp 2021", "open"];
    look(&mut seen, "LAN mode on", open)?;
    printer.report(&["lan", "off"])?;
    look(&mut seen, "LAN mode off again", [NONE, NONE, "closed"])?;
    Ok(seen)
}

fn look(seen: &mut Observations, when: &str, expected: [&str; 3]) -> Result<()> {
    let [scanned, listed, discovery] = expected;
    let name = |what: &str| format!("{what}, {when}");
    seen.note(name("TCP ports that answer"), scanned, scan()?);
    seen.note(name("sockets in the kernel's tables"), listed, tables()?);
    let found = if udp_is_open()? { "open" } else { "closed" };
    seen.note(name("UDP port 2021"), discovery, found);
    Ok(())
}

/// Connects to all 65,535 ports of both loopback addresses.
fn scan() -> Result<String> {
    let mut open = BTreeSet::new();
    let addresses: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    for address in addresses {
        for port in 1..=u16::MAX {
            match is_open(SocketAddr::new(address, port)) {
                Ok(true) => drop(open.insert(port)),
                Ok(false) => {}
                // A system that was built without IPv6 has no such address.
                Err(error) if is_absent(&error) && address.is_ipv6() => break,
                Err(error) => {
                    return Err(error).with_context(|| format!("port {port} of {address}"));
                }
            }
        }
    }
    Ok(listed(open.iter().map(u16::to_string)))
}

fn is_open(address: SocketAddr) -> std::io::Result<bool> {
    match TcpStream::connect_timeout(&address, ANSWER) {
        // The kernel may give the scan the very port that it scans: then it has met itself.
        Ok(stream) => Ok(stream.local_addr()? != address),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(false),
        Err(error) if error.kind() == ErrorKind::TimedOut => Ok(true),
        Err(error) => Err(error),
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    [
        ErrorKind::AddrNotAvailable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::Unsupported,
    ]
    .contains(&error.kind())
}

/// The kernel refuses for a closed port in the same moment in which a datagram reaches it.
fn udp_is_open() -> Result<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, DISCOVERY_PORT))?;
    socket.send(b"a question that nobody understands")?;
    Ok(socket.take_error()?.is_none())
}

/// Every socket that waits for strangers, whatever its address.
fn tables() -> Result<String> {
    let mut found = BTreeSet::new();
    for (protocol, table) in [
        ("tcp", "tcp"),
        ("tcp", "tcp6"),
        ("udp", "udp"),
        ("udp", "udp6"),
    ] {
        let path = format!("/proc/self/net/{table}");
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let rows = text.lines().skip(1);
        let ports = rows.filter_map(|row| waiting_port(protocol, row));
        found.extend(ports.map(|port| (protocol, port)));
    }
    Ok(listed(
        found
            .iter()
            .map(|(protocol, port)| format!("{protocol} {port}")),
    ))
}

/// `0: 00000000:22B3 00000000:0000 0A …`
fn waiting_port(protocol: &str, row: &str) -> Option<u16> {
    let mut fields = row.split_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let waits = protocol == "udp" || state == LISTENING;
    u16::from_str_radix(port, 16).ok().filter(|_| waits)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => NONE.to_owned(),
        false => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_open_while_somebody_listens_and_no_longer() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        assert!(is_open(address).unwrap());
        assert!(
            tables()
                .unwrap()
                .contains(&format!("tcp {}", address.port()))
        );
        drop(listener);
        assert!(!is_open(address).unwrap());
    }

    #[test]
    fn the_kernels_rows_are_read() {
        let row = "   0: 0100007F:22B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0";
        assert_eq!(waiting_port("tcp", row), Some(8883));
        assert_eq!(waiting_port("tcp", &row.replace(" 0A ", " 01 ")), None);
        assert_eq!(
            waiting_port("udp", &row.replace(" 0A ", " 07 ")),
            Some(8883)
        );
    }
}
