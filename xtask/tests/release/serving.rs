//! The server, asked as a client asks: by the real binary, over a real socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::workshop::Workshop;

struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn new(workshop: &Workshop) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(&workshop.root)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (_, rest) = line
            .split_once("http://")
            .expect("the first line says where");
        let address = rest.split(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    /// The status line and headers in lower case, and the body.
    fn ask(&self, path: &str, headers: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n"
        )
        .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap().to_lowercase(), body)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn ranges_are_answered_as_long_as_the_file_is_the_same() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let serving = Serving::new(&workshop);
    let whole = std::fs::read(workshop.repository().join("root.json")).unwrap();
    let (head, body) = serving.ask("/root.json", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, whole);
    let etag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .expect("an etag")
        .to_owned();

    let (head, body) = serving.ask(
        "/root.json",
        &format!("Range: bytes=10-19\r\nIf-Range: {etag}\r\n"),
    );
    assert!(
        head.starts_with("http/1.1 206") && head.contains("content-range: bytes 10-19/"),
        "{head}"
    );
    assert_eq!(body, whole[10..20]);

    let (head, body) = serving.ask(
        "/root.json",
        "Range: bytes=10-19\r\nIf-Range: \"another\"\r\n",
    );
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, whole);

    let (head, _) = serving.ask("/root.json", "Range: bytes=99999999-\r\n");
    assert!(head.starts_with("http/1.1 416"), "{head}");
}

#[test]
fn nothing_outside_the_published_files_is_given_out() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    std::os::unix::fs::symlink(
        workshop.keys().join("development-root-1.pem"),
        workshop.repository().join("targets/link.pem"),
    )
    .unwrap();
    let serving = Serving::new(&workshop);
    for path in [
        "/.lock",
        "/",
        "/metadata/",
        "/metadata/../../keys/development-root-1.pem",
        "/targets/link.pem",
        "/%2e%2e/keys/root.json",
    ] {
        let (head, _) = serving.ask(path, "");
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
    }
}

#[test]
fn ctrl_c_ends_it_in_good_order() {
    let workshop = Workshop::new();
    workshop.release().unwrap();
    let mut serving = Serving::new(&workshop);
    let process = serving.child.id().to_string();
    let sent = Command::new("kill")
        .args(["-INT", &process])
        .status()
        .unwrap();
    assert!(sent.success());
    assert!(serving.child.wait().unwrap().success());
}
