//! Entry point for a fuzz target; no part of the API.

use bytes::Bytes;

use super::{
    limits::WINDOW,
    session::Session,
    settings::Version,
    wire::{Heard, Sent, Wire},
};

/// A broker that says `bytes` over two connections, cut at `cut`, to a printer that has something to say after each
/// packet.
///
/// # Panics
/// More is in flight than the window allows, or an answer cannot be written.
pub fn broker(version: Version, bytes: &[u8], cut: usize) {
    let mut session = Session::default();
    let (before, after) = bytes.split_at_checked(cut).unwrap_or((bytes, &[]));
    for (present, bytes) in [(false, before), (true, after)] {
        session.connected(present, WINDOW);
        session.mark(Bytes::from_static(b"marker"));
        connection(&mut session, version, bytes);
    }
}

fn connection(session: &mut Session, version: Version, mut bytes: &[u8]) {
    let mut wire = Wire::new(version);
    while let Ok((count, heard)) = wire.feed(bytes) {
        bytes = bytes.get(count..).unwrap_or_default();
        let goes_on = match heard {
            Some(heard) => react(session, &wire, heard),
            None => !bytes.is_empty(),
        };
        if !goes_on {
            return;
        }
        say_something(session, &wire);
    }
}

/// `false` if the connection is over.
fn react(session: &mut Session, wire: &Wire, heard: Heard) -> bool {
    let reply = match heard {
        Heard::Message(message) => match session.message(&message) {
            Ok((_, reply)) => reply,
            Err(_) => return false,
        },
        Heard::Release(id) => Some(session.release(id)),
        Heard::Received { id, accepted } => session.received(id, accepted).1,
        Heard::Complete(id) => {
            session.complete(id);
            None
        }
        Heard::Accepted(accepted) => {
            session.connected(accepted.session_present, accepted.window);
            None
        }
        Heard::Refused(_) | Heard::Goodbye(_) => return false,
        Heard::Subscribed { .. } | Heard::Other => None,
    };
    if let Some(reply) = reply {
        let written = wire.encode(&Sent::Reply(reply));
        assert!(written.is_ok(), "{reply:?}: {written:?}");
    }
    true
}

fn say_something(session: &mut Session, wire: &Wire) {
    let mut said = 0;
    while let Some(next) = session.next(|| Some(Bytes::from_static(b"report"))) {
        let written = wire.encode(&next.packet(|_| "device/01P00A/report"));
        assert!(written.is_ok(), "{next:?}: {written:?}");
        said += 1;
        assert!(said <= usize::from(WINDOW), "the window is overrun");
    }
}
