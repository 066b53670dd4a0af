//! The client against a small server that says exactly what a test wants said.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

const STALL: Duration = Duration::from_millis(300);
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

/// Answers each connection with the next of `answers`, and reports the requests' heads.
struct Server {
    url: Url,
    heads: Receiver<String>,
}

/// What is sent; whether the connection then stays open without a word.
struct Answer {
    text: String,
    stalls: bool,
}

impl Server {
    fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/firmware/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let (sender, heads) = channel();
        thread::spawn(move || {
            let mut open = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                sender.send(head(&stream)).unwrap();
                stream.write_all(answer.text.as_bytes()).unwrap();
                if answer.stalls {
                    open.push(stream);
                }
            }
            // Keeps the silent connections open until the client is gone.
            for stream in open {
                let _ = BufReader::new(stream).read_line(&mut String::new());
            }
        });
        Self { url, heads }
    }

    fn fetch(&self) -> HttpFetch {
        HttpFetch::new(self.url.clone(), None, STALL, LONG_AGO).unwrap()
    }
}

fn head(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.to_lowercase() + "\n")
        .collect()
}

fn answer(status: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    Answer {
        text,
        stalls: false,
    }
}

fn opened(answers: Vec<Answer>) -> (Result<Option<Content>, FetchError>, Server) {
    let server = Server::start(answers);
    let request = Request {
        path: "targets/a.bundle",
        range: Some(2..5),
        validator: Some("\"one\""),
    };
    (server.fetch().open(&request), server)
}

fn body(content: Content) -> io::Result<String> {
    let mut text = String::new();
    let mut body = content.body;
    body.read_to_string(&mut text).map(|_| text)
}

#[test]
fn a_range_is_asked_for_and_given() {
    let partial = answer(
        "206 Partial Content",
        "Content-Range: bytes 2-4/10\r\nETag: \"one\"\r\n",
        "cde",
    );
    let (content, server) = opened(vec![partial]);
    let content = content.unwrap().unwrap();
    assert!(content.ranged);
    assert_eq!(
        (content.total, content.validator.as_deref()),
        (Some(10), Some("\"one\""))
    );
    assert_eq!(body(content).unwrap(), "cde");
    let head = server.heads.recv().unwrap();
    assert!(
        head.starts_with("get /firmware/targets/a.bundle "),
        "{head}"
    );
    assert!(
        head.contains("range: bytes=2-4\n") && head.contains("if-range: \"one\"\n"),
        "{head}"
    );
}

#[test]
fn a_server_that_ignores_the_range_is_noticed() {
    let (content, _server) = opened(vec![answer("200 OK", "ETag: W/\"weak\"\r\n", "abcdefghij")]);
    let content = content.unwrap().unwrap();
    assert!(!content.ranged);
    assert_eq!((content.total, &content.validator), (Some(10), &None));
}

#[test]
fn what_a_shorter_file_has_of_the_range_is_taken_for_what_it_is() {
    let clipped = answer(
        "206 Partial Content",
        "Content-Range: bytes 2-3/4\r\n",
        "cd",
    );
    let content = opened(vec![clipped]).0.unwrap().unwrap();
    assert_eq!((content.ranged, content.total), (true, Some(4)));
}

#[test]
fn another_range_than_asked_for_is_refused() {
    for range in [
        "bytes 0-2/10",
        "bytes 2-3/10",
        "bytes 2-9/10",
        "bytes 2-4",
        "2-4/10",
        "bytes a-b/c",
        "bytes 2-18446744073709551615/*",
    ] {
        let partial = answer(
            "206 Partial Content",
            &format!("Content-Range: {range}\r\n"),
            "cde",
        );
        assert!(
            matches!(opened(vec![partial]).0, Err(FetchError::Protocol(_))),
            "{range}"
        );
    }
    assert!(matches!(
        opened(vec![answer("206 Partial Content", "", "cde")]).0,
        Err(FetchError::Protocol(_))
    ));
}

#[test]
fn absent_is_not_failed() {
    for status in ["404 Not Found", "410 Gone"] {
        assert!(opened(vec![answer(status, "", "")]).0.unwrap().is_none());
    }
}

#[test]
fn what_passes_is_told_from_what_does_not() {
    for (status, passes) in [
        ("500 Oops", true),
        ("503 Busy", true),
        ("429 Slow Down", true),
        ("403 No", false),
        ("416 Range", false),
    ] {
        let Err(error) = opened(vec![answer(status, "", "")]).0 else {
            panic!("{status} is an answer")
        };
        assert_eq!(error.is_transient(), passes, "{status}");
    }
}

#[test]
fn both_forms_of_retry_after_are_understood() {
    let dates =
        "Date: Mon, 23 Nov 2026 08:00:00 GMT\r\nRetry-After: Mon, 23 Nov 2026 08:02:00 GMT\r\n";
    for headers in ["Retry-After: 120\r\n", dates] {
        let Err(FetchError::Busy {
            status: 503,
            retry_after,
        }) = opened(vec![answer("503 Busy", headers, "")]).0
        else {
            panic!("not a busy server")
        };
        assert_eq!(retry_after, Some(Duration::from_secs(120)));
    }
}

#[test]
fn a_body_that_breaks_off_fails() {
    let mut partial = answer(
        "206 Partial Content",
        "Content-Range: bytes 2-4/10\r\n",
        "cde",
    );
    partial.text.pop();
    let content = opened(vec![partial]).0.unwrap().unwrap();
    assert!(body(content).is_err());
}

#[test]
fn silence_times_out_before_and_within_the_body() {
    let mut partial = answer(
        "206 Partial Content",
        "Content-Range: bytes 2-4/10\r\n",
        "cde",
    );
    partial.text.pop();
    partial.stalls = true;
    let (content, _server) = opened(vec![partial]);
    assert!(body(content.unwrap().unwrap()).is_err());
    let (content, _server) = opened(vec![Answer {
        text: String::new(),
        stalls: true,
    }]);
    assert!(matches!(content, Err(FetchError::Connection(_))));
}

#[test]
fn a_trickle_is_given_up() {
    struct Trickle;
    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            thread::sleep(Duration::from_millis(2));
            Ok(buffer[..1].len())
        }
    }
    let mut body = Paced::new(Trickle, Duration::from_millis(20));
    let error = io::copy(&mut body, &mut io::sink()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn redirects_are_followed_but_not_for_ever() {
    let again = || answer("302 Found", "Location: /elsewhere\r\n", "");
    let partial = answer(
        "206 Partial Content",
        "Content-Range: bytes 2-4/10\r\n",
        "cde",
    );
    assert!(opened(vec![again(), partial]).0.unwrap().is_some());
    let endless = (0..10).map(|_| again()).collect();
    assert!(matches!(opened(endless).0, Err(FetchError::Connection(_))));
}

#[test]
fn https_never_falls_back_to_http() {
    let url = |text: &str| text.parse::<Url>().unwrap();
    let (plain, secure) = (url("http://a.example/"), url("https://a.example/"));
    let way = [plain.clone(), secure.clone()];
    assert!(gives_up_tls(&way, &plain) && gives_up_tls(&way[1..], &plain));
    assert!(!gives_up_tls(&way, &secure) && !gives_up_tls(&way[..1], &plain));
}

#[test]
fn nobody_listening_is_a_connection_that_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let mut fetch = HttpFetch::new(url, None, STALL, LONG_AGO).unwrap();
    let request = Request {
        path: "metadata/timestamp.json",
        range: None,
        validator: None,
    };
    assert!(matches!(
        fetch.open(&request),
        Err(FetchError::Connection(_))
    ));
}

#[test]
fn an_extra_authority_must_be_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let url: Url = "https://updates.example.org/".parse().unwrap();
    let error = HttpFetch::new(url, Some(file.path()), STALL, LONG_AGO)
        .err()
        .unwrap();
    assert!(format!("{error:#}").contains("extra_ca"), "{error:#}");
}

/// A server whose certificate begins to be valid in 2200, as every certificate does for a clock at 1970.
fn server_of_2200(connections: usize) -> (Url, tempfile::NamedTempFile) {
    let mut parameters = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    parameters.not_before = rcgen::date_time_ymd(2200, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2201, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let authority = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(authority.path(), certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    let (listener, config) = (TcpListener::bind("localhost:0").unwrap(), Arc::new(config));
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that refuses the certificate hangs up: that is the test, not a failure.
            let mut head = BufReader::new(&mut stream).lines();
            if head
                .by_ref()
                .map_while(Result::ok)
                .any(|line| line.is_empty())
            {
                let text = answer("200 OK", "", "abc").text;
                stream.write_all(text.as_bytes()).unwrap();
            }
        }
    });
    let url = format!("https://localhost:{port}/").parse().unwrap();
    (url, authority)
}

#[test]
fn certificates_are_judged_by_the_time_that_has_passed_and_not_by_a_clock_behind_it() {
    let (url, authority) = server_of_2200(2);
    let ask = |passed: Timestamp| {
        let stall = Duration::from_secs(30);
        let mut fetch = HttpFetch::new(url.clone(), Some(authority.path()), stall, passed).unwrap();
        let request = Request {
            path: "metadata/timestamp.json",
            range: None,
            validator: None,
        };
        fetch.open(&request).map(|content| content.unwrap())
    };
    let refused = ask(LONG_AGO).map(drop).unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(refused)).contains("not valid yet"));
    let content = ask("2200-06-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(body(content).unwrap(), "abc");
}
