//! The harness itself: a test that leans on a fault must see that the fault happens.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use firstlayer_tests::clients::{Order, python_tuf, tuf_js};
use firstlayer_tests::fixture::{BOARDS, Fixture, keys_of};
use firstlayer_tests::nginx::Nginx;
use firstlayer_tests::process::{Process, run, run_ok};
use firstlayer_tests::proxy::{AtCount, Proxy};
use firstlayer_tests::server::{Reply, Server};
use firstlayer_tests::skip;
use firstlayer_tests::tls::Certificates;
use firstlayer_tests::workshop::on_path;

const LIMIT: Duration = Duration::from_secs(20);

fn get(address: SocketAddr, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\n{header}Connection: close\r\n\r\n"
    )
    .unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn folder_with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), text).unwrap();
    folder
}

#[test]
fn server_knows_ranges_and_counts_requests() {
    let folder = folder_with("0123456789");
    let server = Server::of(folder.path());
    assert!(get(server.address(), "file", "").ends_with("\r\n\r\n0123456789"));
    let part = get(server.address(), "file", "Range: bytes=4-6\r\n");
    assert!(
        part.starts_with("HTTP/1.1 206") && part.ends_with("\r\n\r\n456"),
        "{part}"
    );
    let whole = get(
        server.address(),
        "file",
        "Range: bytes=4-\r\nIf-Range: \"other\"\r\n",
    );
    assert!(whole.starts_with("HTTP/1.1 200"), "{whole}");
    assert!(get(server.address(), "../file", "").starts_with("HTTP/1.1 404"));
    assert_eq!(
        server
            .requests_for("file")
            .iter()
            .map(|request| request.from)
            .nth(1),
        Some(Some(4))
    );
}

#[test]
fn server_obeys_its_rule() {
    let folder = folder_with("0123456789");
    let server = Server::with_rule(folder.path(), None, |request| match request.earlier {
        0 => Reply::CutAfter(3),
        1 => Reply::Bytes(b"other".to_vec()),
        _ => Reply::Status(503, &[("Retry-After", "7")]),
    });
    assert!(get(server.address(), "file", "").ends_with("\r\n\r\n012"));
    assert!(get(server.address(), "file", "").ends_with("\r\n\r\nother"));
    assert!(get(server.address(), "file", "").contains("Retry-After: 7"));
}

#[test]
fn proxy_cuts_at_the_byte() {
    let folder = folder_with(&"x".repeat(100_000));
    let server = Server::of(folder.path());
    let proxy = Proxy::before(server.address(), AtCount::Cut, [50_000]);
    assert_eq!(get(proxy.address(), "file", "").len(), 50_000);
    assert_eq!(proxy.wait_for_stop(LIMIT), 50_000);
    assert!(get(proxy.address(), "file", "").len() > 100_000);
    assert_eq!(proxy.stops_left(), 0);
}

#[test]
fn a_killed_process_leaves_nothing_behind() {
    let mut process =
        Process::spawn(Command::new("sh").args(["-c", "echo begun >&2; sleep 600; echo done"]));
    assert_eq!(
        process
            .wait_for_line(LIMIT, |line| line == "begun")
            .as_deref(),
        Some("begun")
    );
    // Its output ends only when its descendant is gone too.
    let output = process.kill();
    assert_eq!((output.signal, output.stdout.as_str()), (Some(9), ""));
}

#[test]
fn a_process_ends_with_its_code_and_words() {
    let output = run(
        Command::new("sh").args(["-c", "echo out; echo error >&2; exit 3"]),
        LIMIT,
    );
    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (Some(3), "out\n", "error\n")
    );
}

/// In the eyes of whoever had no part in making them.
#[test]
fn honest_fixtures_are_honest() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::new(BOARDS[0])
        .release("1.1.0")
        .rotate(&keys_of("root"), |_| {});
    fixture.publish(folder.path());
    let root = folder.path().join("trusted.json");
    std::fs::write(&root, Fixture::anchor()).unwrap();
    let server = Server::of(folder.path());
    for client in [python_tuf, tuf_js] {
        let scratch = tempfile::tempdir().unwrap();
        let order = Order {
            root: &root,
            repository: &server.url(),
            target: "stable-1.1.0-virt-aarch64.bundle",
            folder: scratch.path(),
        };
        match client(order) {
            Ok(output) => drop(output.expect_success("a foreign client on an honest fixture")),
            Err(reason) => skip!("{reason}"),
        }
    }
}

#[test]
fn nginx_serves_both_ways() {
    let folder = folder_with("0123456789");
    let certificates = Certificates::create(folder.path());
    let (plain, tls) = match (
        Nginx::serve(folder.path(), None),
        Nginx::serve(folder.path(), Some(&certificates)),
    ) {
        (Ok(plain), Ok(tls)) => (plain, tls),
        (Err(reason), _) | (_, Err(reason)) => skip!("{reason}"),
    };
    assert!(
        get(plain.address(), "file", "Host: x\r\nRange: bytes=4-6\r\n").ends_with("\r\n\r\n456")
    );
    let url = format!("{}/file", tls.url());
    let trust = certificates.authority.to_str().unwrap();
    match on_path("curl") {
        Some(curl) => assert_eq!(
            run_ok(
                Command::new(curl).args(["-s", "--cacert", trust, &url]),
                LIMIT
            )
            .stdout,
            "0123456789\n"
        ),
        None => skip!("no curl on PATH to try HTTPS with"),
    }
}
