//! Discovery: says on UDP who this printer is, to whoever on the local network asks in SSDP's words.
//!
//! It must never help to flood others: it answers only addresses of local networks, only well-formed questions, and
//! only so many a second. It announces nothing by itself: pairing by address needs no broadcast.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// The question is shorter; a longer one is cut, and not understood.
const LONGEST_QUESTION: usize = 1024;
/// Answers a second, whoever asks: a flood with forged senders is not passed on.
const MOST_ANSWERS: u32 = 20;
/// What clients search for.
const SEARCH_TARGET: &str = "urn:bambulab-com:device:3dprinter:1";

/// What the printer says of itself. None of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The serial number.
    pub serial: String,
    /// The model.
    pub model: String,
    /// The name that its owner gave it.
    pub name: String,
    /// The firmware's version, as clients write it: `01.04.00.00`.
    pub version: String,
}

/// Answers on `socket` until `stop` is cancelled.
pub async fn serve(socket: UdpSocket, announcement: Announcement, stop: CancellationToken) {
    let mut question = [0; LONGEST_QUESTION];
    let mut allowance = Allowance::new(Instant::now());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut question) => {
                let Ok((length, from)) = received else { continue };
                let asked = question.get(..length).is_some_and(is_search);
                if !asked || !is_local(from.ip()) || !allowance.take(Instant::now()) {
                    continue;
                }
                if let Err(error) = answer(&socket, &announcement, from).await {
                    tracing::debug!(%from, %error, "a discovery answer could not be sent");
                }
            }
        }
    }
}

async fn answer(socket: &UdpSocket, announcement: &Announcement, to: SocketAddr) -> io::Result<()> {
    let text = announcement.answer(own_address(to)?);
    socket.send_to(text.as_bytes(), to).await.map(drop)
}

/// The address from which the kernel would speak to `peer`.
///
/// # Errors
/// There is no way to it.
pub fn own_address(peer: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = if peer.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let probe = std::net::UdpSocket::bind(any)?;
    probe.connect(peer)?; // Sends nothing.
    Ok(probe.local_addr()?.ip().to_canonical())
}

impl Announcement {
    /// The printer behind the address `at`, in the header fields that clients read.
    fn answer(&self, at: IpAddr) -> String {
        let Self {
            serial,
            model,
            name,
            version,
        } = self;
        format!(
            "HTTP/1.1 200 OK\r\nServer: printerd UPnP/1.0\r\nCache-Control: max-age=1800\r\nLocation: {at}\r\n\
             ST: {SEARCH_TARGET}\r\nUSN: {serial}\r\nDevModel.bambu.com: {model}\r\nDevName.bambu.com: {name}\r\n\
             DevConnect.bambu.com: lan\r\nDevBind.bambu.com: free\r\nDevVersion.bambu.com: {version}\r\n\r\n"
        )
    }
}

/// The answers that are left in this second.
struct Allowance {
    begun: Instant,
    left: u32,
}

impl Allowance {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            left: MOST_ANSWERS,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        if now.duration_since(self.begun) >= Duration::from_secs(1) {
            *self = Self::new(now);
        }
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }
}

/// An `M-SEARCH` for printers like this one, or for everything.
fn is_search(question: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(question) else {
        return false;
    };
    let mut lines = text.split("\r\n");
    let asks = lines.next() == Some("M-SEARCH * HTTP/1.1");
    asks && lines.any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("ST") && matches!(value.trim(), SEARCH_TARGET | "ssdp:all")
        })
    })
}

/// Addresses that routers of the internet do not carry.
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const QUESTION: &[u8] =
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 3\r\n\
        ST: urn:bambulab-com:device:3dprinter:1\r\n\r\n";

    fn announcement() -> Announcement {
        Announcement {
            serial: "01S00A000000001".to_owned(),
            model: "first-mini".to_owned(),
            name: "Workshop".to_owned(),
            version: "01.04.00.00".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_search_is_answered_until_discovery_ends() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(socket, announcement(), stop.clone()));
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.send_to(b"nonsense", address).await.unwrap();
        client.send_to(QUESTION, address).await.unwrap();
        let mut answer = [0; 1024];
        let length = client.recv(&mut answer).await.unwrap();
        let answer = std::str::from_utf8(&answer[..length]).unwrap();
        assert!(answer.contains("\r\nLocation: 127.0.0.1\r\n"), "{answer}");
        assert!(answer.contains("\r\nUSN: 01S00A000000001\r\n"), "{answer}");
        stop.cancel();
        serving.await.unwrap();
        assert!(
            UdpSocket::bind(address).await.is_ok(),
            "the socket is still open"
        );
    }

    #[test]
    fn only_local_networks_are_answered() {
        for local in [
            "192.168.1.7",
            "10.0.0.1",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for far in ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!is_local(far.parse().unwrap()), "{far}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_judged(question in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = is_search(&question);
        }

        #[test]
        fn a_question_that_was_cut_is_no_search(cut in 0..QUESTION.len() - 4) {
            prop_assert!(!is_search(&QUESTION[..cut]));
        }
    }

    #[test]
    fn a_flood_gets_few_answers() {
        let begin = Instant::now();
        let mut allowance = Allowance::new(begin);
        let answered = (0..1000).filter(|_| allowance.take(begin)).count();
        assert_eq!(answered, MOST_ANSWERS as usize);
        assert!(allowance.take(begin + Duration::from_secs(1)));
    }
}
