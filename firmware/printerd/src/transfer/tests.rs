//! Downloads from a small server over TLS that cuts, changes, redirects and lies as a test wants it.

use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use firstlayer_card::CardLimits;
use md5::Digest;
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::{backoff::Backoff, protocol::Md5};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const LIMIT: u64 = 200_000;

/// What a connection is answered with.
enum Reply {
    /// These bytes, and a proper end.
    Whole(Vec<u8>),
    /// These bytes, and then the line is cut.
    Cut(Vec<u8>),
    /// These bytes, and then nothing, until the client leaves.
    Silence(Vec<u8>),
}

/// Answers each connection with the next reply, and reports the heads of the requests.
struct Server {
    port: u16,
    heads: mpsc::UnboundedReceiver<String>,
    roots: RootCertStore,
}

struct Setup {
    folder: TempDir,
    server: Server,
    transfer: Transfer,
}

impl Server {
    async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (acceptor, roots) = certificate();
        let (sender, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for reply in replies {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(stream) = acceptor.accept(stream).await else {
                    sender.send("no TLS".to_owned()).unwrap();
                    continue;
                };
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                let _ = sender.send(head.to_lowercase());
                // The client may leave at any time.
                match reply {
                    Reply::Whole(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.shutdown().await;
                    }
                    Reply::Cut(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.flush().await;
                    }
                    Reply::Silence(bytes) => {
                        let _ = stream.write_all(&bytes).await;
                        let _ = stream.flush().await;
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                    }
                }
            }
        });
        Self { port, heads, roots }
    }

    fn url(&self) -> String {
        format!(
            "https://127.0.0.1:{}/models/cube.3mf?X-Amz-Credential=AKIAEXAMPLE%2Fx&X-Amz-Signature={SECRET}&own={SECRET}",
            self.port
        )
    }

    fn requests(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.heads.try_recv().ok()).collect()
    }
}

fn certificate() -> (TlsAcceptor, RootCertStore) {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let mut roots = RootCertStore::empty();
    roots.add(certified.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), roots)
}

fn patience() -> Patience {
    Patience {
        stall: Duration::from_secs(20),
        attempts: 3,
        backoff: Backoff {
            first: Duration::from_millis(1),
            longest: Duration::from_millis(5),
        },
        longest_on_request: Duration::from_secs(2),
    }
}

impl Setup {
    async fn new(replies: Vec<Reply>) -> Self {
        Self::patient(replies, patience()).await
    }

    async fn patient(replies: Vec<Reply>, patience: Patience) -> Self {
        let server = Server::start(replies).await;
        let folder = tempfile::tempdir().unwrap();
        let mut limits = CardLimits::default();
        limits.largest_file = LIMIT;
        limits.keep_free = 0;
        let card = Card::open(folder.path(), limits).unwrap();
        let transfer =
            Transfer::new(card, server.roots.clone(), patience, Timestamp::UNIX_EPOCH).unwrap();
        Self {
            folder,
            server,
            transfer,
        }
    }

    async fn fetch(&self) -> Result<Vec<u8>, String> {
        self.fetch_checked(None).await
    }

    async fn fetch_checked(&self, md5: Option<Md5>) -> Result<Vec<u8>, String> {
        let download = Download {
            url: self.server.url().parse().unwrap(),
            md5,
        };
        let (progress, percent) = watch::channel(0);
        let path = self
            .transfer
            .fetch(download, progress, CancellationToken::new())
            .await
            .map_err(|failure| failure.to_string())?;
        assert_eq!(*percent.borrow(), 100);
        Ok(fs::read(self.folder.path().join(path.as_str())).unwrap())
    }

    /// Names in `cache/`: of whole files, and of parts.
    fn names(&self) -> (Vec<String>, Vec<String>) {
        fs::read_dir(self.folder.path().join("cache"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .partition(|name| !name.starts_with('.'))
    }

    fn assert_empty(&self) {
        assert_eq!(self.names(), (vec![], vec![]));
    }
}

fn body(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ seed).collect()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = match headers.contains("Content-Length") || headers.contains("chunked") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let mut bytes = format!("HTTP/1.1 {status}\r\n{length}{headers}\r\n").into_bytes();
    bytes.extend(body);
    bytes
}

fn whole(etag: &str, body: &[u8]) -> Vec<u8> {
    answer("200 OK", &format!("ETag: \"{etag}\"\r\n"), body)
}

/// Of `body`, only the first bytes.
fn beginning(etag: &str, body: &[u8], length: usize) -> Vec<u8> {
    let headers = format!("ETag: \"{etag}\"\r\nContent-Length: {}\r\n", body.len());
    answer("200 OK", &headers, &body[..length])
}

fn rest(etag: &str, body: &[u8], start: usize) -> Vec<u8> {
    let (last, size) = (body.len() - 1, body.len());
    let headers = format!("ETag: \"{etag}\"\r\nContent-Range: bytes {start}-{last}/{size}\r\n");
    answer("206 Partial Content", &headers, &body[start..])
}

#[tokio::test]
async fn a_file_comes_once_and_is_found_again_behind_a_new_link() {
    let file = body(1, 100_000);
    let replies = vec![
        Reply::Whole(whole("a", &file)),
        Reply::Silence(beginning("a", &file, 0)),
    ];
    let setup = Setup::new(replies).await;
    assert_eq!(setup.fetch().await.unwrap(), file);
    assert_eq!(setup.fetch().await.unwrap(), file);
    let (names, parts) = setup.names();
    assert_eq!((names.len(), parts.len()), (1, 0));
    assert!(names[0].starts_with("cube-") && names[0].ends_with(".3mf"));
}

#[tokio::test]
async fn a_cut_is_gone_on_behind_and_the_file_is_checked_to_be_the_same() {
    let file = body(2, 100_000);
    let replies = vec![
        Reply::Cut(beginning("a", &file, 40_000)),
        Reply::Cut(rest("a", &file, 40_000)[..30_000].to_vec()),
        Reply::Whole(vec![]),
    ];
    let mut setup = Setup::new(replies).await;
    // Where the second cut falls depends on the head, so the last answer is refused; the parts must fit all the same.
    assert!(setup.fetch().await.is_err());
    let heads = setup.server.requests();
    assert!(!heads[0].contains("range:"));
    assert!(
        heads[1].contains("range: bytes=40000-\r\n") && heads[1].contains("if-range: \"a\"\r\n")
    );
    let have = rest("a", &file, 40_000).len() - (file.len() - 40_000);
    assert!(heads[2].contains(&format!("range: bytes={}-\r\n", 40_000 + 30_000 - have)));
}

#[tokio::test]
async fn a_resumed_file_is_whole() {
    let file = body(3, 100_000);
    let replies = vec![
        Reply::Cut(beginning("a", &file, 40_000)),
        Reply::Whole(rest("a", &file, 40_000)),
    ];
    let setup = Setup::new(replies).await;
    let md5 = Md5::new(md5::Md5::digest(&file).into());
    assert_eq!(setup.fetch_checked(Some(md5)).await.unwrap(), file);
}

#[tokio::test]
async fn a_file_that_changed_between_is_taken_from_its_beginning() {
    let (old, new) = (body(4, 50_000), body(5, 60_000));
    let replies = vec![
        Reply::Cut(beginning("old", &old, 20_000)),
        Reply::Whole(whole("new", &new)),
    ];
    let setup = Setup::new(replies).await;
    assert_eq!(setup.fetch().await.unwrap(), new);
    let (names, parts) = setup.names();
    assert_eq!((names.len(), parts.len()), (1, 0));
}

#[tokio::test]
async fn without_an_entity_tag_no_two_parts_are_put_together() {
    let file = body(6, 50_000);
    let cut = answer("200 OK", "Content-Length: 50000\r\n", &file[..20_000]);
    let weak = answer(
        "200 OK",
        "Content-Length: 50000\r\nETag: W/\"a\"\r\n",
        &file[..20_000],
    );
    let replies = vec![
        Reply::Cut(cut),
        Reply::Cut(weak),
        Reply::Whole(answer("200 OK", "", &file)),
    ];
    let mut setup = Setup::new(replies).await;
    assert_eq!(setup.fetch().await.unwrap(), file);
    assert!(
        setup
            .server
            .requests()
            .iter()
            .all(|head| !head.contains("range:"))
    );
}

#[tokio::test]
async fn another_part_than_was_asked_for_is_refused() {
    let file = body(7, 50_000);
    for wrong in [
        rest("a", &file, 20_001),
        rest("b", &file, 20_000),
        answer("206 Partial Content", "", &file[20_000..]),
    ] {
        let setup = Setup::new(vec![
            Reply::Cut(beginning("a", &file, 20_000)),
            Reply::Whole(wrong),
        ])
        .await;
        assert!(setup.fetch().await.unwrap_err().contains("another part"));
        setup.assert_empty();
    }
}

#[tokio::test]
async fn what_an_earlier_download_left_is_gone_on_with() {
    let file = body(8, 80_000);
    let replies = vec![
        Reply::Cut(beginning("a", &file, 30_000)),
        Reply::Silence(beginning("a", &file, 0)),
        Reply::Whole(rest("a", &file, 30_000)),
    ];
    let impatient = Patience {
        attempts: 1,
        ..patience()
    };
    let mut setup = Setup::patient(replies, impatient).await;
    assert!(setup.fetch().await.is_err());
    let (names, parts) = setup.names();
    assert_eq!((names.len(), parts.len()), (0, 1));
    assert_eq!(setup.fetch().await.unwrap(), file);
    assert!(setup.server.requests()[2].contains("range: bytes=30000-"));
}

#[tokio::test]
async fn a_redirect_to_clear_text_is_not_followed() {
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = plain.local_addr().unwrap().port();
    let headers = format!("Location: http://127.0.0.1:{port}/cube.3mf?sig={SECRET}\r\n");
    let setup = Setup::new(vec![Reply::Whole(answer("302 Found", &headers, b""))]).await;
    let failure = setup.fetch().await.unwrap_err();
    assert!(
        failure.contains("clear text") && !failure.contains(SECRET),
        "{failure}"
    );
    let nobody = tokio::time::timeout(Duration::from_millis(50), plain.accept()).await;
    assert!(nobody.is_err());
    setup.assert_empty();
}

#[tokio::test]
async fn whoever_is_redirected_to_is_not_told_the_link_before() {
    let file = body(9, 1000);
    let redirect = answer(
        "307 Temporary Redirect",
        "Location: /other/cube.3mf\r\n",
        b"",
    );
    let mut setup = Setup::new(vec![
        Reply::Whole(redirect),
        Reply::Whole(whole("a", &file)),
    ])
    .await;
    assert_eq!(setup.fetch().await.unwrap(), file);
    let heads = setup.server.requests();
    assert!(heads[1].starts_with("get /other/cube.3mf http/1.1"));
    assert!(!heads[1].contains("referer") && !heads[1].contains(SECRET));
}

#[tokio::test]
async fn redirects_in_a_circle_are_left() {
    let redirect = || Reply::Whole(answer("302 Found", "Location: /again\r\n", b""));
    let setup = Setup::new(std::iter::repeat_with(redirect).take(10).collect()).await;
    assert!(setup.fetch().await.unwrap_err().contains("too often"));
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_before_its_first_byte() {
    let headers = format!("ETag: \"a\"\r\nContent-Length: {}\r\n", LIMIT + 1);
    let setup = Setup::new(vec![Reply::Silence(answer("200 OK", &headers, b""))]).await;
    assert!(
        setup
            .fetch()
            .await
            .unwrap_err()
            .contains("larger than 200000")
    );
    setup.assert_empty();
}

#[tokio::test]
async fn a_body_without_end_is_refused_at_the_limit() {
    let chunk = [b"10000\r\n".as_slice(), &body(1, 0x10000), b"\r\n"].concat();
    let headers = "ETag: \"a\"\r\nTransfer-Encoding: chunked\r\n";
    let endless = answer("200 OK", headers, &chunk.repeat(8));
    let setup = Setup::new(vec![Reply::Silence(endless)]).await;
    assert!(
        setup
            .fetch()
            .await
            .unwrap_err()
            .contains("larger than 200000")
    );
    setup.assert_empty();
}

#[tokio::test]
async fn a_length_that_is_a_lie_leaves_no_file() {
    let file = body(1, 50_000);
    let lie = || Reply::Whole(answer("200 OK", "Content-Length: 60000\r\n", &file));
    let setup = Setup::new(vec![lie()]).await;
    assert!(setup.fetch().await.is_err());
    setup.assert_empty();
}

#[tokio::test]
async fn refusals_are_told_for_what_they_are_and_once() {
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    let forged = "<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>secret</SignatureProvided></Error>";
    let gate = r#"{"reason":"your firmware cannot do this","version":"1.4.0","deadline":"2026-11-25T00:00:00Z"}"#;
    for (status, explanation, words) in [
        ("403 Forbidden", expired, "has expired"),
        ("403 Forbidden", forged, "refuses the link"),
        ("410 Gone", "", "has expired"),
        ("404 Not Found", "", "no such file"),
        ("401 Unauthorized", "", "refuses the link"),
        ("418 I am a teapot", "", "status 418"),
        (
            "426 Upgrade Required",
            gate,
            "first: your firmware cannot do this; to version 1.4.0, since 2026-11-25",
        ),
        (
            "426 Upgrade Required",
            "not JSON",
            "a firmware update first",
        ),
        ("304 Not Modified", "", "status 304"),
        ("206 Partial Content", "", "status 206"),
    ] {
        let setup = Setup::new(vec![Reply::Whole(answer(
            status,
            "",
            explanation.as_bytes(),
        ))])
        .await;
        let failure = setup.fetch().await.unwrap_err();
        assert!(
            failure.contains(words) && !failure.contains("secret"),
            "{status}: {failure}"
        );
        setup.assert_empty();
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_when_it_says() {
    let file = body(1, 10);
    let replies = vec![
        Reply::Whole(answer("429 Too Many Requests", "Retry-After: 1\r\n", b"")),
        Reply::Whole(whole("a", &file)),
    ];
    let setup = Setup::new(replies).await;
    let begun = Instant::now();
    assert_eq!(setup.fetch().await.unwrap(), file);
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_asks_for_a_year_gets_a_moment() {
    let file = body(1, 10);
    let busy = |status| Reply::Whole(answer(status, "Retry-After: 31536000\r\n", b""));
    let hurried = Patience {
        longest_on_request: Duration::from_millis(10),
        ..patience()
    };
    let replies = vec![
        busy("503 Service Unavailable"),
        busy("429 Too Many Requests"),
        Reply::Whole(whole("a", &file)),
    ];
    assert_eq!(
        Setup::patient(replies, hurried)
            .await
            .fetch()
            .await
            .unwrap(),
        file
    );
}

#[tokio::test]
async fn a_server_that_fails_for_ever_is_given_up() {
    let failing = || Reply::Whole(answer("500 Internal Server Error", "", b""));
    let mut setup = Setup::new(vec![failing(), failing(), failing(), failing()]).await;
    assert!(setup.fetch().await.unwrap_err().contains("status 500"));
    assert_eq!(setup.server.requests().len(), 3);
}

#[tokio::test]
async fn a_server_that_always_cuts_at_the_same_byte_is_given_up() {
    let file = body(1, 50_000);
    let without_tag = |_| answer("200 OK", "Content-Length: 50000\r\n", &file[..20_000]);
    let another_tag_each = |number: usize| beginning(&number.to_string(), &file, 20_000);
    let replies: [Vec<_>; 2] = [
        (0..9).map(without_tag).map(Reply::Cut).collect(),
        (0..9).map(another_tag_each).map(Reply::Cut).collect(),
    ];
    for replies in replies {
        let mut setup = Setup::new(replies).await;
        setup.fetch().await.unwrap_err();
        assert_eq!(setup.server.requests().len(), 3);
    }
}

#[tokio::test]
async fn a_server_that_cuts_after_each_byte_is_given_up_and_one_that_cuts_often_is_not() {
    let file = body(1, 50_000);
    let one_byte = |start: usize| {
        let rest = rest("a", &file, start);
        let head = rest.len() - (file.len() - start);
        Reply::Cut(rest[..=head].to_vec())
    };
    let mut replies = vec![Reply::Cut(beginning("a", &file, 20_000))];
    replies.extend((20_000..20_009).map(one_byte));
    let mut setup = Setup::new(replies).await;
    setup.fetch().await.unwrap_err();
    assert_eq!(setup.server.requests().len(), 3);

    let five_thousand = |start: usize| {
        let rest = rest("a", &file, start);
        let end = rest.len() - (file.len() - start) + 5000;
        Reply::Cut(rest[..end].to_vec())
    };
    let mut replies = vec![Reply::Cut(beginning("a", &file, 5000))];
    replies.extend((5000..45_000).step_by(5000).map(five_thousand));
    replies.push(Reply::Whole(rest("a", &file, 45_000)));
    let setup = Setup::new(replies).await;
    assert_eq!(setup.fetch().await.unwrap(), file);
}

#[tokio::test]
async fn silence_is_given_up_before_and_within_the_body() {
    let file = body(1, 1000);
    let hurried = Patience {
        stall: Duration::from_millis(150),
        attempts: 1,
        ..patience()
    };
    for silence in [vec![], whole("a", &file)[..100].to_vec()] {
        let setup = Setup::patient(vec![Reply::Silence(silence)], hurried).await;
        assert!(setup.fetch().await.unwrap_err().contains("sends nothing"));
        assert!(setup.names().0.is_empty());
    }
}

#[tokio::test]
async fn a_file_with_another_md5_is_refused_and_a_cached_one_fetched_anew() {
    let (wrong, right) = (body(1, 5000), body(2, 5000));
    let md5 = |file: &[u8]| Some(Md5::new(md5::Md5::digest(file).into()));
    let setup = Setup::new(vec![
        Reply::Whole(whole("a", &wrong)),
        Reply::Whole(whole("a", &wrong)),
        Reply::Whole(whole("a", &right)),
    ])
    .await;
    assert!(
        setup
            .fetch_checked(md5(&right))
            .await
            .unwrap_err()
            .contains("MD5")
    );
    setup.assert_empty();
    assert_eq!(setup.fetch().await.unwrap(), wrong);
    assert_eq!(setup.fetch_checked(md5(&right)).await.unwrap(), right);
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    let setup = Setup::new(vec![Reply::Whole(answer(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        b"x",
    ))])
    .await;
    assert!(setup.fetch().await.unwrap_err().contains("compressed"));
    setup.assert_empty();
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_asked_nothing() {
    let mut setup = Setup::new(vec![Reply::Whole(vec![]), Reply::Whole(vec![])]).await;
    let (_, others) = certificate();
    let card = setup.transfer.card.clone();
    setup.transfer = Transfer::new(card, others, patience(), Timestamp::UNIX_EPOCH).unwrap();
    let failure = setup.fetch().await.unwrap_err();
    assert!(failure.contains("not believed"), "{failure}");
    assert_eq!(setup.server.heads.recv().await.unwrap(), "no TLS");
    assert!(setup.server.requests().is_empty());
}

#[tokio::test]
async fn a_download_that_is_stopped_leaves_nothing() {
    let file = body(1, 50_000);
    let setup = Setup::new(vec![Reply::Silence(beginning("a", &file, 20_000))]).await;
    let (progress, mut percent) = watch::channel(0);
    let stop = CancellationToken::new();
    let download = Download {
        url: setup.server.url().parse().unwrap(),
        md5: None,
    };
    let fetch = tokio::spawn(setup.transfer.fetch(download, progress, stop.clone()));
    percent.wait_for(|percent| *percent == 40).await.unwrap();
    stop.cancel();
    let failure = fetch.await.unwrap().unwrap_err();
    assert_eq!(failure.to_string(), "the download was stopped");
    setup.assert_empty();
}

#[test]
fn a_cached_file_is_not_read_through_for_a_download_that_was_stopped() {
    let stop = CancellationToken::new();
    let md5 = Md5::new(md5::Md5::digest(b"cube").into());
    assert_eq!(attempt::digest(&b"cube"[..], &stop).unwrap(), Some(md5));
    stop.cancel();
    assert_eq!(attempt::digest(io::repeat(0), &stop).unwrap(), None);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_secret_of_a_link_is_in_no_log_line_and_no_failure() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let file = body(1, 10_000);
    let circle = format!("Location: https://127.0.0.1:1/other?sig={SECRET}\r\n");
    for replies in [
        vec![
            Reply::Cut(beginning("a", &file, 5000)),
            Reply::Whole(rest("a", &file, 5000)),
        ],
        vec![
            Reply::Whole(answer("302 Found", &circle, b"")),
            Reply::Whole(vec![]),
        ],
        vec![Reply::Whole(answer("403 Forbidden", "", SECRET.as_bytes()))],
        vec![Reply::Whole(b"nonsense".to_vec()), Reply::Cut(vec![])],
    ] {
        if let Err(failure) = Setup::new(replies).await.fetch().await {
            assert!(!failure.contains(SECRET), "{failure}");
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!log.contains(SECRET), "{log}");
    assert!(
        log.contains("X-Amz-Credential=AKIAEXAMPLE&X-Amz-Signature=…"),
        "{log}"
    );
}
