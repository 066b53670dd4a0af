//! The server over loopback: bounded heads, and an end in good order.

use std::sync::Arc;
use std::time::Duration;

use firstlayer_gate::http::serve;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::gate::Running;
use crate::repository::{Repository, releases};
use crate::rules::PAST;

/// Long enough for a machine with better things to do.
const PATIENCE: Duration = Duration::from_secs(60);

struct Served {
    gate: Running,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

async fn served() -> Served {
    let gate = Running::over(Repository::with_rule(&releases(), PAST)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let metrics = Arc::clone(&gate.metrics);
    let server = tokio::spawn(serve(listener, gate.router.clone(), metrics, stop.clone()));
    Served {
        gate,
        address,
        stop,
        server,
    }
}

/// What comes until the connection ends.
async fn all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut bytes));
    // A reset after the answer is an end, too.
    let _ = read.await.expect("an end");
    String::from_utf8(bytes).unwrap()
}

async fn ask(address: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    all(&mut stream).await
}

const REQUEST: &str = "GET /v1/authorize HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\
    X-Firstlayer-Serial: FL-1\r\nX-Firstlayer-Model: first-mini\r\nX-Firstlayer-Channel: stable\r\n";

#[tokio::test]
async fn requests_are_answered_and_counted() {
    let served = served().await;
    let able = ask(
        served.address,
        &format!("{REQUEST}X-Firstlayer-Version: 1.4.0\r\n\r\n"),
    )
    .await;
    assert!(able.starts_with("HTTP/1.1 204"), "{able}");
    let lacking = ask(
        served.address,
        &format!("{REQUEST}X-Firstlayer-Version: 1.2.0\r\n\r\n"),
    )
    .await;
    assert!(lacking.starts_with("HTTP/1.1 403"), "{lacking}");
    let metrics = served.gate.get("/metrics", &[]).await.text;
    let counted = "gate_request_seconds_count{route=\"/v1/authorize\",status=\"403\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn endless_or_countless_headers_are_refused() {
    let served = served().await;
    let long = format!("{REQUEST}X-Long: {}\r\n\r\n", "x".repeat(64 << 10));
    let many = format!("{REQUEST}{}\r\n", "X-Many: 1\r\n".repeat(100));
    for request in [long, many] {
        let answer = ask(served.address, &request).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_end_waits_for_nobody_who_is_idle() {
    let served = served().await;
    let mut idle = TcpStream::connect(served.address).await.unwrap();
    let request = REQUEST.replace("Connection: close\r\n", "");
    let request = format!("{request}X-Firstlayer-Version: 1.4.0\r\n\r\n");
    idle.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 204");
    served.stop.cancel();
    all(&mut idle).await;
    timeout(PATIENCE, served.server).await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
