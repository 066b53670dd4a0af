//! How the bytes come: over HTTP and HTTPS, cut, killed, and from a stick.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use firstlayer_tests::fixture::{BOARDS, BoardUnderTest, Fixture};
use firstlayer_tests::nginx::Nginx;
use firstlayer_tests::printer::{LIMIT, Printer};
use firstlayer_tests::process::{Process, run_ok};
use firstlayer_tests::proxy::{AtCount, Proxy};
use firstlayer_tests::release::published;
use firstlayer_tests::seed::places;
use firstlayer_tests::server::Server;
use firstlayer_tests::skip::note;
use firstlayer_tests::tls::Certificates;
use firstlayer_tests::watch::Writes;

use super::{Scene, on_both};

/// Bytes of the noise in an image, and of a frame.
const IMAGE: usize = 2_000_000;
const FRAME: u64 = 64 << 10;
/// Metadata, headers, TLS records: what comes over the wire besides the image.
const OVERHEAD: u64 = 200_000;
const TIMES: u32 = 10;

/// A web server in front of a folder: nginx where it can be had, else the harness's own.
enum Web {
    Nginx(Nginx),
    Own(Server),
}

impl Web {
    fn serve(folder: &Path, tls: Option<&Certificates>) -> Self {
        match (Nginx::serve(folder, tls), tls) {
            (Ok(nginx), _) => return Self::Nginx(nginx),
            (Err(reason), _) => note(&format!(
                "the harness's own server in place of nginx: {reason}"
            )),
        }
        Self::Own(match tls {
            Some(tls) => Server::tls(folder, &tls.server),
            None => Server::of(folder),
        })
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Nginx(nginx) => nginx.address(),
            Self::Own(server) => server.address(),
        }
    }

    /// The base URL of a proxy in front of it.
    fn url_at(&self, address: SocketAddr) -> String {
        let url = match self {
            Self::Nginx(nginx) => nginx.url(),
            Self::Own(server) => server.url(),
        };
        url.replace(&self.address().to_string(), &address.to_string())
    }
}

#[test]
fn resumes_over_http_after_ten_cuts() {
    on_both(|board| resumes_after_cuts(board, None));
}

#[test]
fn resumes_over_https_after_ten_cuts() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(folder.path());
    on_both(|board| resumes_after_cuts(board, Some(&certificates)));
}

fn resumes_after_cuts(board: BoardUnderTest, tls: Option<&Certificates>) {
    let (folder, fixture) = large(board);
    let web = Web::serve(folder.path(), tls);
    let cuts = places(board.name, TIMES, IMAGE as u64);
    let proxy = Proxy::before(web.address(), AtCount::Cut, cuts);
    let mut printer = Printer::of_fixtures(board, &web.url_at(proxy.address()));
    printer.settings.extra_ca = tls.map(|tls| tls.authority.clone());
    // Two cuts may fall into one frame.
    printer.settings.attempts = TIMES + 1;
    assert_eq!(printer.report(&["update", "install"])["installed"], "1.1.0");
    assert_eq!(
        proxy.stops_left(),
        0,
        "the server was to drop the connection {TIMES} times"
    );
    assert!(
        printer.inactive_slot() == fixture.image(),
        "the slot differs from the published image"
    );
    assert_resumed(&proxy);
}

/// Each run is let through two or three frames further, and killed once it has written one of them.
#[test]
fn resumes_after_being_killed_ten_times() {
    on_both(|board| {
        let (folder, fixture) = large(board);
        let server = Server::of(folder.path());
        let kills = places(board.model, TIMES, FRAME / 2).into_iter().zip(1..);
        let kills = kills.map(|(place, run)| run * 5 * FRAME / 2 + place);
        let proxy = Proxy::before(server.address(), AtCount::Hold, kills);
        let printer = Printer::of_fixtures(board, &format!("http://{}", proxy.address()));
        let slots = printer.state().join("slots");
        std::fs::create_dir_all(&slots).unwrap();
        for _ in 0..TIMES {
            let writes = Writes::into(&slots);
            let process = Process::spawn(&mut printer.command(&["update", "install"]));
            writes.wait_for("b.img", LIMIT);
            proxy.wait_for_stop(LIMIT);
            let output = process.kill();
            assert_eq!(
                output.signal,
                Some(9),
                "it ended before it was killed: {output}"
            );
            printer.assert_untouched("killed");
        }
        assert_eq!(printer.report(&["update", "install"])["installed"], "1.1.0");
        assert!(
            printer.inactive_slot() == fixture.image(),
            "the slot differs from the published image"
        );
        // The manifest is fetched from the start each time; frames from where the last run came to.
        let bundle = server.requests_for(".bundle");
        let begun: Vec<u64> = bundle
            .iter()
            .filter_map(|request| request.from)
            .filter(|from| *from > 0)
            .collect();
        assert!(
            begun.is_sorted_by(|one, next| one < next),
            "it did not resume: {begun:?}"
        );
        assert_eq!(begun.len(), 1 + TIMES as usize);
    });
}

/// Each interruption costs at most the frame that it fell into, and the metadata once more.
fn assert_resumed(proxy: &Proxy) {
    let most = IMAGE as u64 + OVERHEAD + u64::from(TIMES) * FRAME;
    assert!(
        proxy.passed() < most,
        "{} bytes for an image of {IMAGE}: it did not resume",
        proxy.passed()
    );
}

fn large(board: BoardUnderTest) -> (tempfile::TempDir, Fixture) {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(board).release_with_noise("1.1.0", IMAGE, FRAME);
    fixture.publish(folder.path());
    (folder, fixture)
}

#[test]
fn https_needs_a_certificate_that_the_printer_trusts() {
    let certificates_folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(certificates_folder.path());
    on_both(|board| {
        let scene = Scene::new(board);
        let server = Server::tls(scene.folder(), &certificates.server);
        let mut printer = Printer::of_fixtures(board, &server.url());
        let (code, message) = printer.failure(&["update", "check"]);
        assert_eq!(code, 5, "{message}");
        assert!(message.to_lowercase().contains("certificate"), "{message}");
        printer.settings.extra_ca = Some(certificates.authority.clone());
        assert_eq!(printer.report(&["update", "install"])["installed"], "1.1.0");
        assert_eq!(printer.inactive_slot(), scene.fixture.image());
    });
}

#[test]
fn installs_from_a_folder_without_network() {
    on_both(|board| {
        let scene = Scene::new(board);
        let stick = scene.folder().to_str().unwrap();
        assert_eq!(
            scene
                .printer
                .report(&["update", "install", "--from", stick])["installed"],
            "1.1.0"
        );
        assert_eq!(scene.printer.inactive_slot(), scene.fixture.image());
        assert!(scene.server.requests().is_empty(), "it asked the network");
    });
}

#[test]
fn links_and_pipes_on_a_stick_are_not_followed() {
    on_both(|board| {
        for plant in [symlink, pipe] {
            let scene = Scene::new(board);
            let targets = std::fs::read_dir(scene.folder().join("targets"))
                .unwrap()
                .flatten();
            let mut bundles = targets
                .map(|file| file.path())
                .filter(|path| path.extension().unwrap() == "bundle");
            plant(&bundles.next().unwrap());
            let stick = scene.folder().to_str().unwrap();
            let (_, message) = scene
                .printer
                .failure(&["update", "install", "--from", stick]);
            assert!(message.contains("is not a plain file"), "{message}");
            scene.printer.assert_untouched("a stick with links");
        }
    });
}

/// Even to the very same bytes.
fn symlink(file: &Path) {
    let elsewhere = file.with_extension("elsewhere");
    std::fs::rename(file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(elsewhere, file).unwrap();
}

fn pipe(file: &Path) {
    std::fs::remove_file(file).unwrap();
    run_ok(Command::new("mkfifo").arg(file), LIMIT);
}

/// The only test with the real image: what `cargo xtask release` published, over HTTPS, with cuts, until it runs.
#[test]
fn the_published_release_is_installed_and_runs() {
    let published = published();
    let certificates_folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::create(certificates_folder.path());
    let web = Web::serve(&published.folder, Some(&certificates));
    for board in BOARDS {
        let release = published.newest(board);
        let length = release["bundle"]["length"].as_u64().unwrap();
        let proxy = Proxy::before(web.address(), AtCount::Cut, places("real", TIMES, length));
        let anchor = std::fs::read(published.root()).unwrap();
        let mut printer = Printer::new(board, &web.url_at(proxy.address()), &anchor).running(
            "0.0.1",
            0,
            "2026-01-01T00:00:00Z",
        );
        printer.settings.extra_ca = Some(certificates.authority.clone());
        printer.settings.attempts = TIMES + 1;
        let installed = printer.report(&["update", "install"]);
        assert_eq!(installed["installed"], release["version"]);
        assert_eq!(proxy.stops_left(), 0);
        printer.reboot();
        // From here on it is the image's own printerd that runs.
        let trial = printer.status();
        assert_eq!(
            (&trial["state"], &trial["running"]),
            (&"trial".into(), &release["version"]),
            "{trial}"
        );
        assert_eq!(trial["development_keys"], true);
        assert_eq!(
            printer.report(&["update", "confirm"])["version"],
            release["version"]
        );
        assert_eq!(
            printer.report(&["update", "check"])["outcome"],
            "up-to-date"
        );
    }
}
