//! For the operator: the census as `cargo xtask enforce plan` takes it, and how versions spread.

use std::fs::File;
use std::io::{BufWriter, Seek};

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use firstlayer_census::{Day, Store};
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio_util::io::ReaderStream;

use super::Shared;
use super::answer::{Problem, json, set};

/// How far back the history goes where nothing else is asked for.
const DAYS: i64 = 90;

/// `GET /v1/census`: CSV.
pub(super) async fn census(State(gate): State<Shared>, headers: HeaderMap) -> Response {
    if !gate.is_operator(&headers) {
        return Problem::unknown_caller("this is for the operator's token").into_response();
    }
    let store = gate.parts.store.clone();
    let runtime = Handle::current();
    // Into a file first: a slow reader must not keep a transaction of the database open.
    let exported = tokio::task::spawn_blocking(move || runtime.block_on(export(&store))).await;
    match exported {
        Ok(Ok(file)) => {
            let stream = ReaderStream::new(tokio::fs::File::from_std(file));
            let mut response = Response::new(Body::from_stream(stream));
            set(&mut response, CONTENT_TYPE, "text/csv");
            response
        }
        Ok(Err(error)) => {
            tracing::error!(why = format!("{error:#}"), "the census was not exported");
            Problem::unavailable("no-census", "the census cannot be read now").into_response()
        }
        Err(_) => Problem::internal("the export ended early").into_response(),
    }
}

async fn export(store: &Store) -> anyhow::Result<File> {
    let mut file = tempfile::tempfile()?;
    store.export(BufWriter::new(&mut file)).await?;
    file.rewind()?;
    Ok(file)
}

/// `GET /v1/history?since=2026-11-01`: how many printers had which version on which day.
pub(super) async fn history(State(gate): State<Shared>, uri: Uri) -> Response {
    let since = match uri.query() {
        None => Timestamp::now()
            .checked_sub(SignedDuration::from_hours(24 * DAYS))
            .map(Day::of)
            .ok(),
        Some(query) => query
            .strip_prefix("since=")
            .and_then(|day| day.parse().ok()),
    };
    let Some(since) = since else {
        return Problem::bad("the query is not since=YYYY-MM-DD").into_response();
    };
    match gate.parts.store.history(since).await {
        Ok(points) => json(StatusCode::OK, &points),
        Err(error) => {
            let why = crate::with_causes(&error);
            tracing::error!(%why, "the history cannot be read");
            Problem::unavailable("no-census", "the census cannot be read now").into_response()
        }
    }
}
