//! The actor: takes what comes one at a time, drives the machine by the clock, and reports.

use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    handle::{Incoming, PrinterHandle, Wish},
    limits,
    outbox::{Caller, Outbox},
    rules::Asked,
    snapshot::{CloudSnapshot, JobSnapshot, Snapshot, Temperatures, UpdateSnapshot},
    state::{Answers, Parts, Reply, State},
};
use crate::protocol::{Call, Facts, Refusal, Tag, read_request};

/// The printer, to be run.
pub struct Printer {
    state: State,
    outbox: Outbox,
    wishes: mpsc::Receiver<Wish>,
    snapshot: watch::Sender<Snapshot>,
    last_tick: Instant,
    last_look: Instant,
}

impl Printer {
    /// Puts a printer together, and what reaches it. Nothing happens before it runs.
    pub fn new(parts: Parts) -> (PrinterHandle, Self) {
        let now = Instant::now();
        let (wish, wishes) = mpsc::channel(limits::REQUESTS);
        let (messages, _) = broadcast::channel(limits::MESSAGES);
        let state = State::new(parts, now);
        let (snapshot, seen) = watch::channel(snapshot(&state));
        let handle = PrinterHandle {
            wishes: wish,
            messages: messages.clone(),
            snapshot: seen,
        };
        let printer = Self {
            state,
            outbox: Outbox::new(messages),
            wishes,
            snapshot,
            last_tick: now,
            last_look: now,
        };
        (handle, printer)
    }

    /// Runs until `stop` is cancelled. No task of it is left then.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = interval(limits::TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.last_tick = Instant::now();
        loop {
            tokio::select! {
                // In this order, so that a flood of requests stops neither the clock nor what has ended.
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.tick(),
                ended = self.state.next_ended() => {
                    let answers = self.state.ended(ended, Instant::now());
                    self.answer(answers);
                }
                // When everybody has gone, the machine prints on.
                Some(wish) = self.wishes.recv() => self.grant(wish),
            }
            self.tell();
        }
        self.state.shut_down().await;
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let elapsed = now.duration_since(self.last_tick);
        self.last_tick = now;
        self.state.advance(elapsed, now);
        if now.duration_since(self.last_look) >= limits::REPORT_GAP {
            self.last_look = now;
            self.state.look_around();
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Request(request) => self.request(&request),
            Wish::Report(to) => self.outbox.owe_full(to),
            Wish::Decide(decision) => self.state.decide(decision),
        }
    }

    fn request(&mut self, request: &Incoming) {
        match read_request(&request.payload) {
            Ok(calls) => {
                for call in calls {
                    self.call(call, request);
                }
            }
            Err(error) => {
                let caller = Caller {
                    tag: Tag::of_nothing(),
                    origin: request.origin,
                };
                self.outbox.answer(&caller, &Err(Refusal::new(error)));
            }
        }
    }

    fn call(&mut self, call: Call, request: &Incoming) {
        let asked = Asked {
            origin: request.origin,
            stale: request.stale,
        };
        let caller = Caller {
            tag: call.tag,
            origin: request.origin,
        };
        let reply = call
            .command
            .and_then(|command| self.state.obey(command, &caller, asked));
        let outcome = match reply {
            Ok(Reply::Later) => return,
            Ok(Reply::Report) => {
                // It comes before the answer, so that whoever waits for that has it.
                self.outbox.owe_full(request.origin.into());
                self.tell();
                Ok(serde_json::Map::new())
            }
            Ok(Reply::Done(more)) => Ok(more),
            Err(refusal) => Err(refusal),
        };
        self.outbox.answer(&caller, &outcome);
        let unsent = self.state.unsent();
        self.answer(unsent);
    }

    fn answer(&self, answers: Answers) {
        for (caller, outcome) in answers {
            self.outbox.answer(&caller, &outcome);
        }
    }

    fn tell(&mut self) {
        self.outbox.report(&self.state.facts(), Instant::now());
        let now = snapshot(&self.state);
        self.snapshot.send_if_modified(|told| {
            let changed = *told != now;
            *told = now;
            changed
        });
    }
}

fn snapshot(state: &State) -> Snapshot {
    let facts = state.facts();
    let reading = facts.reading;
    let degrees = |temperature: firstlayer_machine::Temperature| {
        // A cast of a float saturates, and no machine is colder than 0.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        [temperature.current.round() as u16, temperature.target]
    };
    Snapshot {
        version: facts.version.to_string(),
        state: facts.state,
        job: facts.job.as_ref().map(|job| JobSnapshot {
            name: job.name.to_owned(),
            file: job.file.to_owned(),
            from_cloud: job.from_cloud,
            percent: reading.percent,
            layer: reading.layer,
            layers: reading.layers,
            remaining_minutes: reading.remaining_minutes,
        }),
        temperatures: Temperatures {
            nozzle: degrees(reading.nozzle),
            bed: degrees(reading.bed),
            chamber: degrees(reading.chamber),
        },
        cloud: cloud(&facts),
        update: update(state, &facts),
        error: facts.error.map(|(_, reason)| reason),
        lan_mode: facts.lan_mode,
    }
}

fn cloud(facts: &Facts<'_>) -> Option<CloudSnapshot> {
    facts.decision.map(|decision| CloudSnapshot {
        decision: decision.verdict.as_str(),
        withholds_jobs: decision.withholds_cloud_jobs(),
        reason: decision.reason.clone(),
        deadline: decision.deadline.map(|deadline| deadline.to_string()),
        version: decision.version.as_ref().map(ToString::to_string),
        help: decision.help.clone(),
    })
}

fn update(state: &State, facts: &Facts<'_>) -> UpdateSnapshot {
    let (status, message) = state.update_status();
    UpdateSnapshot {
        phase: status.phase,
        percent: status.percent,
        message: message.to_owned(),
        newest: facts.upgrade.newest.map(ToString::to_string),
    }
}
