//! Serves a repository's folder over plain HTTP: the signatures carry the trust, not the transport.
//!
//! Only `root.json` and the files right under `metadata/` and `targets/` can be asked for, by names of plain letters;
//! nothing else in the folder, and nothing outside of it, is ever opened. For trying out, not for the internet.

use std::fmt;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use camino::{Utf8Path, Utf8PathBuf};
use http_serve::ChunkedReadFile;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A server that is bound and does not answer yet.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    /// Heard from the start, so that a stop is in good order as soon as anybody knows the address.
    stops: [Signal; 2],
    folder: Utf8PathBuf,
}

/// Where the server is.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The address to give to clients, without a slash at its end.
    pub url: String,
    /// The folder that is served.
    pub repository: Utf8PathBuf,
}

impl Server {
    /// Takes the address; port 0 means any that is free.
    ///
    /// # Errors
    /// When the folder is no repository, or the address is not to be had.
    pub fn bind(folder: &Utf8Path, address: SocketAddr) -> Result<Self> {
        ensure!(
            folder.join("metadata/timestamp.json").is_file(),
            "nothing is published in {folder}; `cargo xtask release` does that"
        );
        let runtime = Runtime::new().context("cannot start the server's threads")?;
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .with_context(|| format!("cannot listen on {address}"))?;
        let stops = {
            let _inside = runtime.enter();
            let heard = |kind| signal(kind).context("cannot wait for Ctrl-C and termination");
            [
                heard(SignalKind::interrupt())?,
                heard(SignalKind::terminate())?,
            ]
        };
        Ok(Self {
            runtime,
            listener,
            stops,
            folder: folder.to_owned(),
        })
    }

    /// Where it is.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn report(&self) -> Result<Report> {
        let address = self
            .listener
            .local_addr()
            .context("the system tells no address")?;
        Ok(Report {
            url: format!("http://{address}"),
            repository: self.folder.clone(),
        })
    }

    /// Answers until the process is asked to stop, by Ctrl-C or a termination.
    ///
    /// # Errors
    /// When the listener fails.
    pub fn run(self) -> Result<()> {
        let router = Router::new().fallback(answer).with_state(self.folder);
        let [mut interrupted, mut terminated] = self.stops;
        self.runtime.block_on(async {
            // Connections that are open then are cut: a client resumes, and a stop is a stop.
            tokio::select! {
                served = axum::serve(self.listener, router) => served.context("the server failed"),
                _ = interrupted.recv() => Ok(()),
                _ = terminated.recv() => Ok(()),
            }
        })
    }
}

/// A server on a free port of this machine alone, that answers on threads of its own until it is dropped.
pub(crate) struct Background {
    runtime: Option<Runtime>,
    address: SocketAddr,
}

impl Background {
    /// Begins to answer.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub(crate) fn start(folder: &Utf8Path) -> Result<Self> {
        let runtime = Runtime::new().context("cannot start the server's threads")?;
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("cannot listen on a port of this machine")?;
        let address = listener
            .local_addr()
            .context("the system tells no address")?;
        let router = Router::new().fallback(answer).with_state(folder.to_owned());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            runtime: Some(runtime),
            address,
        })
    }

    /// Where it is, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn answer(State(folder): State<Utf8PathBuf>, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let Some(path) = servable(request.uri().path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match open(&folder.join(path), headers(path)) {
        Ok(entity) => http_serve::serve(entity, &request)
            .map(Body::new)
            .into_response(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            StatusCode::NOT_FOUND.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A link is not followed: nothing that publishing makes is one.
fn open(path: &Utf8Path, headers: HeaderMap) -> std::io::Result<ChunkedReadFile<Bytes, BoxError>> {
    tokio::task::block_in_place(|| {
        if !path.symlink_metadata()?.is_file() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        ChunkedReadFile::new(File::open(path)?, headers)
    })
}

/// The path in the folder, if it is one that may be asked for. Nothing is decoded: our names need no encoding.
fn servable(path: &str) -> Option<&str> {
    let path = path.strip_prefix('/')?;
    let name = ["metadata/", "targets/"]
        .iter()
        .find_map(|folder| path.strip_prefix(folder));
    let plain = |name: &str| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+~".contains(&b))
    };
    match name {
        Some(name) if plain(name) && !name.is_empty() && !name.starts_with('.') => Some(path),
        None if path == "root.json" => Some(path),
        _ => None,
    }
}

/// Only `timestamp.json` ever changes under its name, and a new root may appear: caches must ask.
fn headers(path: &str) -> HeaderMap {
    let kind = if path.ends_with(".json") {
        "application/json"
    } else {
        "application/octet-stream"
    };
    let kept = path != "metadata/timestamp.json" && path != "root.json";
    let cache = if kept {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
    ])
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "serving {} at {} until Ctrl-C",
            self.repository, self.url
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_publishing_makes_can_be_asked_for() {
        for path in [
            "/root.json",
            "/metadata/timestamp.json",
            "/metadata/12.root.json",
            "/targets/ab.stable-1.0.0-dev.1+x.bundle",
        ] {
            assert_eq!(servable(path), path.strip_prefix('/'), "{path}");
        }
    }

    #[test]
    fn nothing_else_can() {
        for path in [
            "",
            "/",
            "root.json",
            "//root.json",
            "/.lock",
            "/metadata",
            "/metadata/",
            "/metadata/../.lock",
            "/metadata/..",
            "/metadata/.hidden",
            "/targets/a/b",
            "/targets/%2e%2e/x",
            "/targets/..%2fx",
            "/targets/a\\b",
            "/keys/development-root-1.pem",
            "/metadata/../../keys/x",
            "/targets//etc/passwd",
            "/ROOT.JSON",
        ] {
            assert_eq!(servable(path), None, "{path}");
        }
    }
}
