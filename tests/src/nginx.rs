//! nginx in front of a folder: the server that the field uses, over HTTP or HTTPS.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::debian::Tool;
use crate::network::Network;
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
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(
            folder.path().join("nginx.conf"),
            config(site, folder.path(), address, tls),
        )
        .expect("writing nginx.conf");
        let mut command = program.command();
        command
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path());
        let mut process = Process::spawn(&mut place(command));
        // It says so after it has bound its address.
        if process
            .wait_for_line(START, |line| line.contains("event method"))
            .is_none()
        {
            panic!("nginx did not start: {}", process.finish(START));
        }
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

/// nginx, if it runs here.
fn program() -> Result<Tool, String> {
    let program = Tool::find("nginx", "nginx")?;
    if run(program.command().arg("-v"), START).succeeded() {
        Ok(program)
    } else {
        Err(format!("{} does not run", program.program().display()))
    }
}

fn config(
    site: Site<'_>,
    folder: &Path,
    address: SocketAddr,
    tls: Option<&Certificates>,
) -> String {
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
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
        .concat();
    format!(
        "daemon off;\nuser root root;\nmaster_process off;\nerror_log stderr notice;\npid {}/nginx.pid;\nevents {{}}\nhttp {{\n\
         access_log {folder}/access.log;\n{temporary}server {{ listen {address} {listen}; {} {given} }}\n}}\n",
        folder.display(),
        ssl.unwrap_or_default(),
        folder = folder.display(),
    )
}

/// nginx cannot choose a port itself.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket")
}
