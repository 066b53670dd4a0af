//! Connections: as many as there is room for, each with bounded heads and times, and an end in good order.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::observed::Observed;
use crate::limits::{CONNECTIONS, GOODBYE, HEAD, HEAD_TIME, HEADERS, REQUEST};
use crate::metrics::Metrics;

/// After a failed accept: there are no file descriptors left, and asking again at once brings none.
const BREATHER: Duration = Duration::from_millis(100);

/// Serves until `stop`; then what has begun may end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, place)) => {
                talk(
                    stream,
                    place,
                    router.clone(),
                    Arc::clone(&metrics),
                    &graceful,
                );
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(BREATHER).await;
            }
        }
    }
    drop(listener);
    if timeout(GOODBYE, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections that did not end are cut");
    }
}

/// Whoever finds no room waits to be accepted, and takes nothing meanwhile.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(room).acquire_owned().await;
    let place = place.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Only a connection that is gone by now refuses, and it ends by itself.
    let _ = stream.set_nodelay(true);
    Ok((stream, place))
}

/// Whether a client hung up before it was accepted, which must not make the others wait.
fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

fn talk(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    metrics: Arc<Metrics>,
    graceful: &GracefulShutdown,
) {
    let service = service_fn(move |request| {
        let (router, metrics) = (router.clone(), Arc::clone(&metrics));
        async move { Ok::<_, Infallible>(answer(router, request, &metrics).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(HEADERS)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

async fn answer(
    router: Router,
    request: hyper::Request<hyper::body::Incoming>,
    metrics: &Metrics,
) -> Response {
    let request: Request = request.map(axum::body::Body::new);
    let observed = Observed::new(request.method(), request.uri().path());
    let answered = timeout(REQUEST, router.oneshot(request)).await;
    let response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    observed.answered(response.status(), metrics);
    response
}
