//! nginx in front of a folder: the server that the field uses, over HTTP or HTTPS.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::debian::Tool;
use crate::network::{Network, free_address};
use crate::process::{Process, run};
use crate::tls::Certificates;

const START: Duration = Duration::from_secs(30);

/// A running nginx; ends when dropped.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    scheme: &'static str,
    _process: Process,
    folder: tempfile::TempDir,
}

/// What a server gives out.
#[derive(Debug, Clone, Copy)]
pub enum Site<'a> {
    /// The files of a folder.
    Folder(&'a Path),
    /// The same, at two megabytes a second: so that there is time to break off.
    SlowFolder(&'a Path),
    /// Redirects there.
    Elsewhere(&'a str),
    /// What another server behind it gives out, asked by the same name.
    Behind(SocketAddr),
}

impl Nginx {
    /// Serves a folder, over HTTPS if certificates are given. `Err` says why this machine has no nginx.
    pub fn serve(root: &Path, tls: Option<&Certificates>) -> Result<Self, String> {
        Self::start(Site::Folder(root), tls, free_address(), |command| command)
    }

    /// Serves a site on this machine's loopback, over HTTPS. `Err` says why this machine has no nginx.
    pub fn serve_site(site: Site<'_>, tls: &Certificates) -> Result<Self, String> {
        Self::start(site, Some(tls), free_address(), |command| command)
    }

    /// Serves in a test's own network, on this port, over HTTPS.
    pub fn serve_in(
        network: &Network,
        port: u16,
        site: Site<'_>,
        tls: &Certificates,
    ) -> Result<Self, String> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self::start(site, Some(tls), address, |command| network.inside(&command))
    }

    fn start(
        site: Site<'_>,
        tls: Option<&Certificates>,
        address: SocketAddr,
        place: impl FnOnce(Command) -> Command,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let http = config(site, address, tls);
        let process = launch(folder.path(), &http, place)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self {
            address,
            scheme,
            _process: process,
            folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its access log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("access.log")).expect("reading the log")
    }

    /// Its base URL, with no slash at the end.
    pub fn url(&self) -> String {
        self.url_at(self.address)
    }

    /// The base URL of something in front of it.
    pub fn url_at(&self, address: SocketAddr) -> String {
        format!("{}://{address}", self.scheme)
    }
}

/// Runs nginx with this configuration, whose blocks are `events` and `http`; says so when it listens. What it keeps for the
/// moment and its log of errors, which is its standard error, are seen to. `Err` says why this machine has no nginx.
pub fn launch(
    folder: &Path,
    blocks: &str,
    place: impl FnOnce(Command) -> Command,
) -> Result<Process, String> {
    let program = program()?;
    let place_of = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {place_of}/{kind};\n"))
        .concat();
    let http = format!("http {{\n{temporary}");
    assert!(blocks.contains("http {\n"), "no http block: {blocks}");
    let blocks = blocks.replacen("http {\n", &http, 1);
    // Started by root, it would become somebody else, who may not read the folder.
    let config = format!(
        "daemon off;\nuser root root;\nerror_log stderr notice;\npid {place_of}/nginx.pid;\n{blocks}"
    );
    fs::write(folder.join("nginx.conf"), config).expect("writing nginx.conf");
    let mut command = program.command();
    command
        .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
        .arg(folder);
    let mut process = Process::spawn(&mut place(command));
    // It says so after it has bound its address.
    match process.wait_for_line(START, |line| line.contains("event method")) {
        Some(_) => Ok(process),
        None => panic!("nginx did not start: {}", process.finish(START)),
    }
}

/// nginx, if it runs here.
fn program() -> Result<Tool, String> {
    let program = Tool::find("nginx", "nginx")?;
    if run(program.command().arg("-v"), START).succeeded() {
        Ok(program)
    } else {
        Err(format!("{} does not run", program.program().display()))
    }
}

fn config(site: Site<'_>, address: SocketAddr, tls: Option<&Certificates>) -> String {
    let given = match site {
        Site::Folder(root) => format!("root {};", root.display()),
        Site::SlowFolder(root) => format!("root {}; limit_rate 2m;", root.display()),
        Site::Elsewhere(url) => format!("return 302 {url};"),
        Site::Behind(server) => format!(
            "location / {{ proxy_pass http://{server}; proxy_set_header Host $http_host; }}"
        ),
    };
    let ssl = tls.map(|tls| {
        format!(
            "ssl_certificate {}; ssl_certificate_key {};",
            tls.certificate.display(),
            tls.key.display()
        )
    });
    let listen = if ssl.is_some() { "ssl" } else { "" };
    format!(
        "events {{}}\nhttp {{\naccess_log access.log;\nserver {{ listen {address} {listen}; {} {given} }}\n}}\n",
        ssl.unwrap_or_default(),
    )
}
