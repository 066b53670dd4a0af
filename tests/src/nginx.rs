//! nginx in front of a folder: the server that the field uses, over HTTP or HTTPS.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{Process, run};
use crate::tls::Certificates;
use crate::workshop::{debian_package, on_path};

const START: Duration = Duration::from_secs(30);

/// A running nginx; ends when dropped.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    scheme: &'static str,
    _process: Process,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Serves a folder, over HTTPS if certificates are given. `Err` says why this machine has no nginx.
    pub fn serve(root: &Path, tls: Option<&Certificates>) -> Result<Self, String> {
        let program = program()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        fs::write(
            folder.path().join("nginx.conf"),
            config(root, folder.path(), address, tls),
        )
        .expect("writing nginx.conf");
        let mut command = Command::new(program);
        command
            .args(["-e", "stderr", "-c", "nginx.conf", "-p"])
            .arg(folder.path());
        let mut process = Process::spawn(&mut command);
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
            _folder: folder,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
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

/// nginx from `PATH`, else Debian's package, unpacked and not installed.
fn program() -> Result<PathBuf, String> {
    let program = match on_path("nginx") {
        Some(installed) => installed,
        None => debian_package("nginx")?.join("usr/sbin/nginx"),
    };
    if run(Command::new(&program).arg("-v"), START).succeeded() {
        Ok(program)
    } else {
        Err(format!("{} does not run", program.display()))
    }
}

fn config(root: &Path, folder: &Path, address: SocketAddr, tls: Option<&Certificates>) -> String {
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
        "daemon off;\nmaster_process off;\nerror_log stderr notice;\npid {}/nginx.pid;\nevents {{}}\nhttp {{\n\
         access_log off;\n{temporary}server {{ listen {address} {listen}; {} root {}; }}\n}}\n",
        folder.display(),
        ssl.unwrap_or_default(),
        root.display(),
    )
}

/// nginx cannot choose a port itself.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket")
}
