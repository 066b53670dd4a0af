//! A web server of a folder that does what it is told to do wrong.
//!
//! It knows ranges, entity tags and TLS, and asks its rule what to answer to each request. It must never be used where a
//! real server would do: it is for the faults that a real server cannot be asked for.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Instant, UNIX_EPOCH};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// One request, as far as tests ask about it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The path without its leading slash.
    pub path: String,
    /// How many requests for the same path came before.
    pub earlier: usize,
    /// First byte asked for, where a range was asked for.
    pub from: Option<u64>,
    /// When it came.
    pub at: Instant,
    if_range: Option<String>,
    last: Option<u64>,
}

/// What to do with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Serve the file, or 404.
    File,
    /// Serve the file, and drop the connection after this many bytes of its body.
    CutAfter(usize),
    /// Serve these bytes in the file's place, under an entity tag of their own.
    Bytes(Vec<u8>),
    /// Answer with a status and extra header lines, and an empty body.
    Status(u16, &'static [(&'static str, &'static str)]),
}

type Rule = dyn Fn(&Request) -> Reply + Send + Sync;

/// A running server; stops when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    stopping: Arc<AtomicBool>,
}

struct Site {
    folder: PathBuf,
    rule: Box<Rule>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Serves a folder over plain HTTP, without faults.
    pub fn of(folder: &Path) -> Self {
        Self::with_rule(folder, None, |_| Reply::File)
    }

    /// Serves a folder over HTTPS, without faults.
    pub fn tls(folder: &Path, config: &Arc<ServerConfig>) -> Self {
        Self::with_rule(folder, Some(config.clone()), |_| Reply::File)
    }

    /// Serves a folder by a rule.
    pub fn with_rule(
        folder: &Path,
        tls: Option<Arc<ServerConfig>>,
        rule: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            address: listener.local_addr().expect("a bound socket"),
            scheme: if tls.is_some() { "https" } else { "http" },
            requests: requests.clone(),
            stopping: Arc::new(AtomicBool::new(false)),
        };
        let site = Arc::new(Site {
            folder: folder.to_owned(),
            rule: Box::new(rule),
            requests,
        });
        let stopping = server.stopping.clone();
        thread::spawn(move || accept(&listener, &site, tls.as_ref(), &stopping));
        server
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, with no slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no panic in a handler").clone()
    }

    /// The requests so far for paths that end so.
    pub fn requests_for(&self, end: &str) -> Vec<Request> {
        self.requests()
            .into_iter()
            .filter(|request| request.path.ends_with(end))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // The listener notices at its next connection, which is this one.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(
    listener: &TcpListener,
    site: &Arc<Site>,
    tls: Option<&Arc<ServerConfig>>,
    stopping: &AtomicBool,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        if stopping.load(Ordering::SeqCst) {
            return;
        }
        let (site, tls) = (site.clone(), tls.cloned());
        // A client that hangs up is its own business.
        thread::spawn(move || drop(site.converse(&stream, tls)));
    }
}

impl Site {
    fn converse(&self, socket: &TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<()> {
        let stream = socket.try_clone()?;
        match tls {
            None => self.answer_all(socket, BufReader::new(stream)),
            Some(config) => {
                let connection = ServerConnection::new(config).map_err(io::Error::other)?;
                self.answer_all(socket, BufReader::new(StreamOwned::new(connection, stream)))
            }
        }
    }

    fn answer_all<S: Read + Write>(
        &self,
        socket: &TcpStream,
        mut stream: BufReader<S>,
    ) -> io::Result<()> {
        while let Some(request) = self.next_request(&mut stream)? {
            if !self.answer(&request, stream.get_mut())? {
                return socket.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    fn next_request(&self, stream: &mut impl BufRead) -> io::Result<Option<Request>> {
        let mut first = String::new();
        if stream.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let path = first
            .split(' ')
            .nth(1)
            .unwrap_or("/")
            .trim_start_matches('/')
            .to_owned();
        let mut request = Request {
            path,
            earlier: 0,
            from: None,
            at: Instant::now(),
            if_range: None,
            last: None,
        };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line)? == 0 || line.trim_end().is_empty() {
                break;
            }
            request.take_header(&line);
        }
        let mut requests = self.requests.lock().expect("no panic in a handler");
        request.earlier = requests
            .iter()
            .filter(|earlier| earlier.path == request.path)
            .count();
        requests.push(request.clone());
        Ok(Some(request))
    }

    /// Answers one request; `false` if the connection is to be dropped.
    fn answer(&self, request: &Request, out: &mut impl Write) -> io::Result<bool> {
        match (self.rule)(request) {
            Reply::Status(code, headers) => respond(out, code, headers, &[], usize::MAX),
            Reply::Bytes(bytes) => request.respond(out, &bytes, "\"replaced\"", usize::MAX),
            Reply::File => self.respond_with_file(request, out, usize::MAX),
            Reply::CutAfter(count) => self.respond_with_file(request, out, count),
        }
    }

    fn respond_with_file(
        &self,
        request: &Request,
        out: &mut impl Write,
        cut: usize,
    ) -> io::Result<bool> {
        match self.read(&request.path) {
            Some((bytes, tag)) => request.respond(out, &bytes, &tag, cut),
            None => respond(out, 404, &[], &[], usize::MAX),
        }
    }

    fn read(&self, path: &str) -> Option<(Vec<u8>, String)> {
        let stays = Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let file = self.folder.join(path);
        let metadata = fs::metadata(&file)
            .ok()
            .filter(|metadata| stays && metadata.is_file())?;
        let age = metadata
            .modified()
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?
            .as_nanos();
        Some((
            fs::read(file).ok()?,
            format!("\"{age:x}-{:x}\"", metadata.len()),
        ))
    }
}

impl Request {
    fn take_header(&mut self, line: &str) {
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let (from, last) = value
                    .trim_start_matches("bytes=")
                    .split_once('-')
                    .unwrap_or_default();
                (self.from, self.last) = (from.parse().ok(), last.parse().ok());
            }
            "if-range" => self.if_range = Some(value.to_owned()),
            _ => {}
        }
    }

    fn respond(
        &self,
        out: &mut impl Write,
        bytes: &[u8],
        tag: &str,
        cut: usize,
    ) -> io::Result<bool> {
        let length = bytes.len();
        let tag_line = ("ETag", tag);
        let unchanged = self.if_range.as_deref().is_none_or(|wanted| wanted == tag);
        let Some(from) = self.from.filter(|_| unchanged) else {
            return respond(
                out,
                200,
                &[tag_line, ("Accept-Ranges", "bytes")],
                bytes,
                cut,
            );
        };
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        if from >= length {
            return respond(
                out,
                416,
                &[("Content-Range", &format!("bytes */{length}"))],
                &[],
                cut,
            );
        }
        let end = self
            .last
            .and_then(|last| usize::try_from(last).ok())
            .map_or(length, |last| length.min(last + 1));
        let range = format!("bytes {from}-{}/{length}", end - 1);
        respond(
            out,
            206,
            &[tag_line, ("Content-Range", &range)],
            &bytes[from..end],
            cut,
        )
    }
}

fn respond(
    out: &mut impl Write,
    code: u16,
    headers: &[(&str, &str)],
    body: &[u8],
    cut: usize,
) -> io::Result<bool> {
    write!(
        out,
        "HTTP/1.1 {code} because\r\nContent-Length: {}\r\n",
        body.len()
    )?;
    for (name, value) in headers {
        write!(out, "{name}: {value}\r\n")?;
    }
    out.write_all(b"\r\n")?;
    out.write_all(&body[..body.len().min(cut)])?;
    out.flush()?;
    Ok(cut >= body.len())
}
