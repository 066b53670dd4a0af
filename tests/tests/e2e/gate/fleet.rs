//! Two gates on one PostgreSQL, behind one nginx, of which one is killed at random places under load.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use firstlayer_tests::cloud::OPERATOR;
use firstlayer_tests::seed::places;
use firstlayer_tests::skip;
use firstlayer_tests::web::Web;

use super::{Maker, headers, printer};

/// How often a gate is killed.
const KILLS: u32 = 4;
/// Who asks at the same time.
const CLIENTS: usize = 4;

/// What the clients saw.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<String>,
    decided: usize,
}

/// Ends the load, also where the test has failed.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Reports and asks until it is over. Tells of each acknowledged report.
fn load(web: &Web, url: &str, client: usize, tell: &Sender<()>, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    for round in 0.. {
        let serial = format!("FL-{client}-{round}");
        let report = printer(&serial, "1.2.0").to_string();
        // A gate that is killed answers nothing, and nginx says so in its place; whoever reported tries again.
        let reported = web.send("POST", &format!("{url}/v1/reports"), &[], report);
        if reported.is_ok_and(|answer| answer.status == 200) {
            seen.acknowledged.push(serial);
            let _ = tell.send(());
        }
        let version = ["1.2.0", "1.4.0"][round % 2];
        let job = format!("{url}/print/job");
        if let Ok(answer) = web.send("GET", &job, &headers("FL-9", version), "") {
            let right = [426, 200][round % 2];
            // Where both gates are away for a moment nothing is decided, and 503 says so.
            assert!(
                [right, 503].contains(&answer.status),
                "{version}: {answer:?}"
            );
            seen.decided += usize::from(answer.status == right);
        }
        if over.load(Ordering::Acquire) {
            break;
        }
    }
    seen
}

#[test]
fn a_gate_that_is_killed_loses_nothing_and_no_decision_differs() {
    let mut maker = match Maker::start(2, 60) {
        Ok(maker) => maker,
        Err(reason) => skip!("{reason}"),
    };
    let (web, url) = (maker.cloud.web().clone(), maker.cloud.url());
    let (tell, told) = channel();
    let over = AtomicBool::new(false);
    let seen: Vec<Seen> = thread::scope(|scope| {
        let (web, url, over) = (&web, &url, &over);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let tell = tell.clone();
                scope.spawn(move || load(web, url, client, &tell, over))
            })
            .collect();
        let ending = Ends(over);
        kill_and_start(&mut maker, &told);
        drop(ending);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let operator = format!("Bearer {OPERATOR}");
    let headers = [("authorization", operator.as_str())];
    for gate in 0..2 {
        let census = format!("{}/v1/census", maker.cloud.gate(gate));
        let census = web.ask("GET", &census, &headers, "");
        let kept: BTreeSet<&str> = census
            .body
            .lines()
            .filter_map(|line| line.split(',').next())
            .collect();
        for serial in seen.iter().flat_map(|seen| &seen.acknowledged) {
            assert!(
                kept.contains(serial.as_str()),
                "{serial} was acknowledged and lost"
            );
        }
    }
    let decided: usize = seen.iter().map(|seen| seen.decided).sum();
    assert!(decided > 100, "{decided} decisions");
}

/// Kills one gate and the other in turn, after so many acknowledged reports as chance says.
fn kill_and_start(maker: &mut Maker, told: &Receiver<()>) {
    for (turn, place) in places("two gates", KILLS, 60).into_iter().enumerate() {
        for _ in 0..=place {
            told.recv().unwrap();
        }
        let gate = turn % 2;
        maker.cloud.kill_gate(gate);
        // What is asked while it is away is answered by the other.
        for _ in 0..20 {
            told.recv().unwrap();
        }
        maker.cloud.start_gate(gate);
    }
}
