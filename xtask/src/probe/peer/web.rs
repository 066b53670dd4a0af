//! A web server with pages in memory, over plain HTTP or HTTPS, that remembers what it was asked for.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::tls::patient;

/// What is answered at a path.
#[derive(Debug, Clone)]
pub(crate) enum Page {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Look elsewhere.
    Redirect(String),
}

/// Pages by their path without its first slash.
pub(crate) type Pages = BTreeMap<String, Page>;

/// A running server; it runs for as long as the process does.
#[derive(Debug, Clone)]
pub(crate) struct Web(Arc<Mutex<Site>>);

#[derive(Debug, Default)]
struct Site {
    pages: Pages,
    asked: Vec<String>,
}

impl Web {
    /// Serves on a port of 127.0.0.1.
    pub(crate) fn serve(port: u16, tls: Option<Arc<ServerConfig>>, pages: Pages) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("port {port} cannot be had for a server of the probe"))?;
        let asked = Vec::new();
        let web = Self(Arc::new(Mutex::new(Site { pages, asked })));
        let accepted = web.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (web, tls) = (accepted.clone(), tls.clone());
                // A client that hangs up is its own business.
                thread::spawn(move || drop(web.converse(stream, tls)));
            }
        });
        Ok(web)
    }

    /// Other pages from now on; what was asked for is forgotten.
    pub(crate) fn replace(&self, pages: Pages) {
        let asked = Vec::new();
        *self.site() = Site { pages, asked };
    }

    /// How often a path was asked for.
    pub(crate) fn asked_for(&self, path: &str) -> usize {
        let site = self.site();
        site.asked.iter().filter(|asked| *asked == path).count()
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.site().asked.len()
    }

    fn site(&self) -> std::sync::MutexGuard<'_, Site> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn converse(&self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Result<()> {
        patient(&stream)?;
        let Some(config) = tls else {
            return self.answer(stream);
        };
        let mut stream = StreamOwned::new(ServerConnection::new(config)?, stream);
        self.answer(&mut stream)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        Ok(())
    }

    /// One request, one answer, and the end.
    fn answer(&self, stream: impl Read + Write) -> Result<()> {
        let mut stream = BufReader::new(stream);
        let mut first = String::new();
        stream.read_line(&mut first)?;
        let mut line = String::from("headers");
        while !line.trim_end().is_empty() {
            line.clear();
            stream.read_line(&mut line)?;
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        let path = path.trim_start_matches('/').to_owned();
        let page = self.site().pages.get(&path).cloned();
        self.site().asked.push(path);
        let (status, header, body) = match page {
            Some(Page::Bytes(bytes)) => ("200 OK", String::new(), bytes),
            Some(Page::Redirect(to)) => ("302 Found", format!("Location: {to}\r\n"), Vec::new()),
            None => ("404 Not Found", String::new(), Vec::new()),
        };
        let length = body.len();
        let stream = stream.get_mut();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{header}Connection: close\r\n\r\n"
        )?;
        stream.write_all(&body)?;
        stream.flush()?;
        Ok(())
    }
}
