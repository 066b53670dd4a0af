//! An FTP client over implicit TLS that says exactly what an experiment wants said.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rustls::{ALL_VERSIONS, ClientConfig};

use super::owner::{FTPS_PORT, Owner, USER};
use super::tls::{self, Secured};

/// A control connection.
pub(crate) struct Control {
    stream: BufReader<Secured>,
    config: Arc<ClientConfig>,
    /// What it was greeted with.
    pub(crate) greeting: u16,
}

impl Control {
    /// TLS from the first byte, then the greeting.
    pub(crate) fn open(owner: &Owner) -> Result<Self> {
        let config = owner.tls(ALL_VERSIONS)?;
        let stream = tls::secure(tls::plain(FTPS_PORT)?, &config)?;
        let mut control = Self {
            stream: BufReader::new(stream),
            config,
            greeting: 0,
        };
        control.greeting = control.answer()?.0;
        Ok(control)
    }

    /// Logs in; the code of the last answer.
    pub(crate) fn log_in(&mut self, code: &str) -> Result<u16> {
        self.say(&format!("USER {USER}"))?;
        self.say(&format!("PASS {code}"))
    }

    /// Sends a command; the code of its answer.
    pub(crate) fn say(&mut self, command: &str) -> Result<u16> {
        Ok(self.ask(command)?.0)
    }

    fn ask(&mut self, command: &str) -> Result<(u16, String)> {
        let line = format!("{command}\r\n");
        self.stream.get_mut().write_all(line.as_bytes())?;
        self.answer()
    }

    /// Code and text of an answer; of one with several lines, the last.
    fn answer(&mut self) -> Result<(u16, String)> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).context("no FTP answer")? == 0 {
                bail!("the connection was ended");
            }
            let (code, text) = line.split_at_checked(3).unwrap_or((&line, ""));
            if let Ok(code) = code.parse()
                && !text.starts_with('-')
            {
                return Ok((code, text.trim().to_owned()));
            }
        }
    }

    /// Uploads under `EPSV`; the code of the last answer.
    pub(crate) fn upload(&mut self, name: &str, bytes: &[u8]) -> Result<u16> {
        let (_, text) = self.ask("EPSV")?;
        let port = text
            .split('|')
            .nth(3)
            .and_then(|port| port.parse().ok())
            .with_context(|| format!("no port in the answer to EPSV: {text}"))?;
        let data = tls::plain(port)?;
        let code = self.say(&format!("STOR {name}"))?;
        if code != 150 {
            return Ok(code);
        }
        let mut data = tls::secure(data, &self.config)?;
        data.write_all(bytes)?;
        data.conn.send_close_notify();
        data.flush()?;
        drop(data);
        Ok(self.answer()?.0)
    }
}
