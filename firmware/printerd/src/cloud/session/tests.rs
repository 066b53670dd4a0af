//! Against a broker that keeps its half of the session, over a line that is cut anywhere.

use proptest::prelude::*;

use super::*;

/// The broker's half of a session, as the specification has it.
#[derive(Default)]
struct Broker {
    /// Commands for the printer: identifier, number, and whether the printer said that it has it.
    commands: VecDeque<(u16, u32, bool)>,
    /// Publications that were taken and not released.
    taken: BTreeSet<u16>,
    /// What it passed on.
    passed_on: Vec<u32>,
}

/// What is on the line.
#[derive(Debug)]
enum Packet {
    FromPrinter(Next),
    Reply(Reply),
    ToPrinter(Message),
    Received(u16),
    Release(u16),
    Complete(u16),
}

struct Line {
    session: Session,
    broker: Broker,
    /// Each direction keeps its order.
    up: VecDeque<Packet>,
    down: VecDeque<Packet>,
    queue: VecDeque<Bytes>,
    handed_on: Vec<u32>,
    id: u16,
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload.try_into().unwrap())
}

impl Line {
    fn new(window: u16) -> Self {
        let mut session = Session::default();
        session.connected(false, window);
        Self {
            session,
            broker: Broker::default(),
            up: VecDeque::new(),
            down: VecDeque::new(),
            queue: VecDeque::new(),
            handed_on: Vec::new(),
            id: 0,
        }
    }

    fn command(&mut self, number: u32) {
        self.id = self.id % 40 + 1;
        let taken = |id| self.broker.commands.iter().any(|(other, ..)| *other == id);
        if !taken(self.id) {
            self.broker.commands.push_back((self.id, number, false));
            self.down.push_back(command(self.id, number, false));
        }
    }

    fn pump(&mut self) {
        while let Some(next) = self.session.next(|| self.queue.pop_front()) {
            self.up.push_back(Packet::FromPrinter(next));
        }
    }

    fn cut(&mut self, window: u16) {
        self.up.clear();
        self.down.clear();
        self.session.connected(true, window);
        for (id, number, received) in &self.broker.commands {
            self.down.push_back(match received {
                true => Packet::Release(*id),
                false => command(*id, *number, true),
            });
        }
    }

    /// One packet arrives.
    fn step(&mut self, upwards: bool) {
        if upwards {
            if let Some(packet) = self.up.pop_front() {
                self.at_broker(packet);
            }
        } else if let Some(packet) = self.down.pop_front() {
            self.at_printer(packet);
        }
    }

    fn at_broker(&mut self, packet: Packet) {
        match packet {
            Packet::FromPrinter(Next::Publish { id, payload, .. }) => {
                if self.broker.taken.insert(id) {
                    self.broker.passed_on.push(number(&payload));
                }
                self.down.push_back(Packet::Received(id));
            }
            Packet::FromPrinter(Next::Release(id)) | Packet::Reply(Reply::Release(id)) => {
                self.broker.taken.remove(&id);
                self.down.push_back(Packet::Complete(id));
            }
            Packet::Reply(Reply::Received(id)) => {
                for command in &mut self.broker.commands {
                    command.2 |= command.0 == id;
                }
                self.down.push_back(Packet::Release(id));
            }
            Packet::Reply(Reply::Complete(id)) => {
                self.broker.commands.retain(|(other, ..)| *other != id);
            }
            other => panic!("{other:?} goes the other way"),
        }
    }

    fn at_printer(&mut self, packet: Packet) {
        let reply = match packet {
            Packet::ToPrinter(message) => {
                let (new, reply) = self.session.message(&message).unwrap();
                if new {
                    self.handed_on.push(number(&message.payload));
                }
                reply
            }
            Packet::Release(id) => Some(self.session.release(id)),
            Packet::Received(id) => self.session.received(id, true).1,
            Packet::Complete(id) => {
                self.session.complete(id);
                None
            }
            other => panic!("{other:?} goes the other way"),
        };
        self.up.extend(reply.map(Packet::Reply));
    }

    fn settle(&mut self) {
        loop {
            self.pump();
            if self.up.is_empty() && self.down.is_empty() {
                break;
            }
            self.step(true);
            self.step(false);
        }
    }
}

fn command(id: u16, number: u32, again: bool) -> Packet {
    Packet::ToPrinter(Message {
        topic: String::new(),
        payload: Bytes::copy_from_slice(&number.to_be_bytes()),
        delivery: Delivery::Exactly(id),
        retained: false,
        again,
    })
}

#[derive(Debug, Clone)]
enum Act {
    Command,
    Acknowledge,
    Up,
    Down,
    Cut(u16),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Command),
        2 => Just(Act::Acknowledge),
        4 => Just(Act::Up),
        4 => Just(Act::Down),
        1 => (1_u16..5).prop_map(Act::Cut),
    ]
}

proptest! {
    #[test]
    fn nothing_is_lost_or_doubled_wherever_the_line_is_cut(acts in proptest::collection::vec(act(), 0..300), window in 1_u16..5) {
        let mut line = Line::new(window);
        let (mut commands, mut acknowledgements) = (0, 0);
        for act in acts {
            match act {
                Act::Command => {
                    let before = line.broker.commands.len();
                    line.command(commands);
                    commands += u32::from(line.broker.commands.len() > before);
                }
                Act::Acknowledge => {
                    line.queue.push_back(Bytes::copy_from_slice(&u32::to_be_bytes(acknowledgements)));
                    acknowledgements += 1;
                }
                Act::Up => line.step(true),
                Act::Down => line.step(false),
                Act::Cut(window) => line.cut(window),
            }
            line.pump();
            let in_flight = line.session.flights.iter().filter(|flight| flight.sent).count();
            prop_assert!(in_flight <= 4);
        }
        line.cut(window);
        line.settle();
        prop_assert_eq!(line.handed_on, (0..commands).collect::<Vec<_>>());
        prop_assert_eq!(line.broker.passed_on, (0..acknowledgements).collect::<Vec<_>>());
        prop_assert!(line.session.flights.is_empty() && line.session.taken.is_empty());
    }
}

fn sent(session: &mut Session, text: &'static str) -> Option<Next> {
    session.next(|| Some(Bytes::from_static(text.as_bytes())))
}

fn is(next: Option<Next>, text: &str) -> bool {
    matches!(next, Some(Next::Publish { payload, again: false, .. }) if payload == text.as_bytes())
}

#[test]
fn a_broker_that_lost_the_session_gets_again_what_it_had_not_taken() {
    let mut session = Session::default();
    session.connected(false, 8);
    for text in ["one", "two", "three"] {
        assert!(is(sent(&mut session, text), text));
    }
    session.received(1, true);
    session.connected(false, 8);
    assert!(is(session.next(|| None), "two"));
    assert!(is(session.next(|| None), "three"));
    assert_eq!(session.next(|| None), None);
}

#[test]
fn a_broker_that_lost_the_session_may_use_its_identifiers_again() {
    let mut session = Session::default();
    session.connected(false, 8);
    let Packet::ToPrinter(message) = command(7, 1, false) else {
        unreachable!()
    };
    assert!(session.message(&message).unwrap().0);
    session.connected(false, 8);
    assert!(session.message(&message).unwrap().0);
}

#[test]
fn a_message_that_the_broker_refuses_is_given_up_and_said_so() {
    let mut session = Session::default();
    session.connected(false, 1);
    sent(&mut session, "one");
    assert_eq!(session.received(1, false), (false, None));
    assert!(is(sent(&mut session, "two"), "two"));
}

#[test]
fn only_the_newest_marker_is_sent_and_before_all_else() {
    let mut session = Session::default();
    session.connected(false, 8);
    session.mark(Bytes::from_static(b"old"));
    session.mark(Bytes::from_static(b"new"));
    assert!(is(sent(&mut session, "report"), "new"));
    assert!(is(sent(&mut session, "report"), "report"));
}

#[test]
fn a_broker_that_releases_nothing_is_given_up() {
    let mut session = Session::default();
    session.connected(false, 8);
    let results = (1..=2000).map(|id| {
        let Packet::ToPrinter(message) = command(id, 0, false) else {
            unreachable!()
        };
        session.message(&message).is_ok()
    });
    assert_eq!(results.filter(|taken| *taken).count(), UNRELEASED);
}
