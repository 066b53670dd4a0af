//! What the agent makes of a network that fails, and of servers that do not keep to the rules.

use std::{fs, time::Duration};

use firstlayer_agent::*;

use crate::{
    printer::{TestPrinter, Trick, Tricky},
    repository::{Repository, image},
};

const LENGTH: usize = 100_000;

struct Scene {
    repository: Repository,
    printer: TestPrinter,
}

impl Scene {
    fn new() -> Self {
        let mut repository = Repository::new();
        repository.release("1.1.0", 2, &image(1, LENGTH));
        let printer = TestPrinter::new(repository.trust_anchor());
        Self {
            repository,
            printer,
        }
    }

    /// Installs over a server that does `tricks`, one for each request for a bundle: the first is for its manifest.
    fn install(
        &self,
        tricks: impl IntoIterator<Item = Trick>,
    ) -> (Result<Installed, AgentError>, Tricky) {
        let mut server = Tricky::new(self.repository.path(), tricks);
        (self.printer.install(&mut server), server)
    }

    fn assert_installed(&self) {
        assert_eq!(
            fs::read(self.printer.slots().path(Slot::B)).unwrap(),
            image(1, LENGTH)
        );
        assert_eq!(self.printer.record().state, State::PendingReboot);
    }
}

#[test]
fn after_a_cut_the_stream_goes_on_at_the_next_frame() {
    let scene = Scene::new();
    let (installed, server) = scene.install([Trick::Serve, Trick::Cut(20_000), Trick::Cut(5_000)]);
    installed.unwrap();
    scene.assert_installed();
    let starts: Vec<u64> = server.asked.iter().map(|range| range.start).collect();
    assert_eq!(starts.len(), 4);
    assert!(starts[1] < starts[2] && starts[2] < starts[3], "{starts:?}");
    assert!(
        starts[2] > starts[1] + 15_000,
        "whole frames are not fetched twice: {starts:?}"
    );
}

#[test]
fn any_number_of_cuts_is_survived_while_frames_arrive() {
    let scene = Scene::new();
    let cuts = std::iter::repeat_n(Trick::Cut(9_000), 40);
    let (installed, server) = scene.install([Trick::Serve].into_iter().chain(cuts));
    installed.unwrap();
    scene.assert_installed();
    assert!(server.asked.len() > 5);
}

#[test]
fn a_network_that_brings_nothing_is_given_up_after_bounded_tries() {
    let scene = Scene::new();
    let (installed, server) = scene.install(std::iter::repeat_n(Trick::Cut(0), 1000));
    assert_eq!(installed.unwrap_err().fault(), Fault::Network);
    assert_eq!(server.asked.len(), 4);
    assert_eq!(scene.printer.clock.slept.borrow().len(), 3);
    assert_eq!(scene.printer.record().state, State::Idle);
    assert!(scene.printer.record().refused.is_empty());
}

#[test]
fn a_killed_install_goes_on_where_it_was() {
    let scene = Scene::new();
    scene.printer.power.set(12);
    assert!(scene.install([]).0.is_err());
    scene.printer.power.set(u32::MAX);
    assert_eq!(scene.printer.record().state, State::Downloading);
    let (installed, server) = scene.install([]);
    installed.unwrap();
    scene.assert_installed();
    assert!(
        server.asked[1].start > server.asked[0].end,
        "frames in the slot are not fetched again: {server:?}",
        server = server.asked
    );
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_its_beginning() {
    let scene = Scene::new();
    let tricks = [Trick::IgnoreRange, Trick::IgnoreRange, Trick::Serve];
    scene.install(tricks).0.unwrap();
    scene.assert_installed();
}

#[test]
fn a_server_that_sends_more_than_asked_is_refused() {
    let scene = Scene::new();
    let (installed, server) = scene.install([Trick::Serve, Trick::Excess]);
    assert!(matches!(
        installed,
        Err(AgentError::Fetch(FetchError::Protocol(_)))
    ));
    assert_eq!(server.asked.len(), 2);
}

#[test]
fn what_is_not_there_is_not_asked_for_again() {
    let scene = Scene::new();
    let (installed, server) = scene.install([Trick::Absent]);
    assert!(matches!(installed, Err(AgentError::Absent { .. })));
    assert_eq!(server.asked.len(), 1);
    assert!(scene.printer.clock.slept.borrow().is_empty());
    // It may be published later: nothing is held against it.
    scene.install([]).0.unwrap();
    scene.assert_installed();
}

#[test]
fn a_busy_server_is_left_alone_for_as_long_as_it_asks_within_bounds() {
    let scene = Scene::new();
    let asked = |seconds| Trick::Busy(Some(Duration::from_secs(seconds)));
    scene
        .install([asked(120), asked(10_000_000), Trick::Busy(None)])
        .0
        .unwrap();
    scene.assert_installed();
    let slept = scene.printer.clock.slept.borrow();
    assert_eq!(slept[..2], [120, 600].map(Duration::from_secs));
    assert!(slept[2] >= Duration::from_secs(2) && slept[2] <= Duration::from_secs(4));
}

#[test]
fn a_changed_file_is_tried_once_more_and_never_held_against_the_release() {
    let scene = Scene::new();
    let (installed, server) = scene.install([Trick::Serve, Trick::Flip, Trick::Serve, Trick::Flip]);
    assert!(matches!(installed, Err(AgentError::Changed { .. })));
    assert_eq!(server.asked.len(), 4);
    assert!(scene.printer.slots().blessing().unwrap().is_none());
    // Whoever changed it on the way must not keep the printer from it for good.
    assert!(scene.printer.record().refused.is_empty());
    scene.install([]).0.unwrap();
    scene.assert_installed();
}

#[test]
fn a_file_that_was_changed_once_and_put_right_is_installed() {
    let scene = Scene::new();
    scene.install([Trick::Flip]).0.unwrap();
    scene.assert_installed();
}

#[test]
fn the_rest_of_another_file_is_not_taken() {
    let scene = Scene::new();
    let (installed, server) =
        scene.install([Trick::Serve, Trick::Cut(20_000), Trick::OtherValidator]);
    installed.unwrap();
    scene.assert_installed();
    // Noticed at once, then from the manifest on anew.
    assert_eq!(server.asked[3].start, 0);
}

#[test]
fn a_repository_without_its_bundle_offers_nothing_half() {
    let scene = Scene::new();
    fs::remove_file(
        scene
            .repository
            .path()
            .join(scene.repository.bundle_path(&scene.repository.releases[0])),
    )
    .unwrap();
    assert!(matches!(
        scene.install([]).0,
        Err(AgentError::Absent { .. })
    ));
    assert!(!scene.printer.slots().path(Slot::B).exists());
}

/// An object store that says "forbidden" of what it does not have, and of one file that it has.
struct Forbidding(FolderFetch, &'static str);

impl Fetch for Forbidding {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        let found = self.0.open(request)?;
        if found.is_none() || request.path.contains(self.1) {
            return Err(FetchError::Refused { status: 403 });
        }
        Ok(found)
    }
}

#[test]
fn forbidden_is_absent_for_the_next_root_and_for_nothing_else() {
    let scene = Scene::new();
    let store = |file| Forbidding(FolderFetch::new(scene.repository.path()), file);
    for file in [
        "timestamp.json",
        "1.snapshot.json",
        "stable.json",
        ".bundle",
    ] {
        assert!(
            matches!(
                scene.printer.install(&mut store(file)),
                Err(AgentError::Fetch(FetchError::Refused { status: 403 }))
            ),
            "{file}"
        );
    }
    scene.printer.install(&mut store("no such file")).unwrap();
    scene.assert_installed();
}

/// Out of order for its first requests, whatever for.
struct OutOfOrder(FolderFetch, u32);

impl Fetch for OutOfOrder {
    fn open(&mut self, request: &Request<'_>) -> Result<Option<Content>, FetchError> {
        if self.1 > 0 {
            self.1 -= 1;
            let retry_after = Some(Duration::from_secs(300));
            return Err(FetchError::Busy {
                status: 503,
                retry_after,
            });
        }
        self.0.open(request)
    }
}

#[test]
fn a_check_says_that_it_waits_and_how_long() {
    struct Waits(Vec<Duration>);
    impl Progress for Waits {
        fn event(&mut self, event: &ProgressEvent<'_>) {
            if let ProgressEvent::Waiting { time, .. } = event {
                self.0.push(*time);
            }
        }
    }
    let scene = Scene::new();
    let mut server = OutOfOrder(FolderFetch::new(scene.repository.path()), 2);
    let mut waits = Waits(Vec::new());
    let checked = scene
        .printer
        .with(|agent| agent.check(&mut server, &mut waits));
    assert_eq!(checked.unwrap().unwrap().outcome, Outcome::UpdateAvailable);
    assert_eq!(waits.0, [Duration::from_secs(300); 2]);
}
