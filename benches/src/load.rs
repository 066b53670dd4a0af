//! A web server under load by wrk: requests a second, and the time that all but one in a hundred take at most.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use firstlayer_tests::debian::Tool;
use serde::Deserialize;

use crate::process::output;

/// Connections that ask at a time, each as soon as it was answered.
const CONNECTIONS: u32 = 64;
/// Printers that are asked about, in turns.
const PRINTERS: u32 = 1000;

/// What is asked of a server.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Names and values; `SERIAL` stands for a printer's serial number.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The same.
    pub(crate) body: &'a str,
}

/// How a server bore it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Borne {
    requests: f64,
    seconds: f64,
    /// Seconds that 99 of 100 requests took at most.
    pub(crate) p99: f64,
    failed: u64,
}

impl Borne {
    /// Requests a second.
    pub(crate) fn rate(self) -> f64 {
        self.requests / self.seconds
    }
}

/// Asks for so many seconds. Errors: an answer was no success, or there was none.
pub(crate) fn fire(
    wrk: &Tool,
    folder: &Path,
    server: SocketAddr,
    question: &Question<'_>,
    seconds: u32,
) -> anyhow::Result<Borne> {
    let script = folder.join("question.lua");
    fs::write(&script, lua(question)?).context("writing wrk's script")?;
    let mut command = wrk.command();
    command
        .args(["--threads", "1", "--connections"])
        .arg(CONNECTIONS.to_string())
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(&script)
        .arg(format!("http://{server}{}", question.path));
    let said = output(&mut command)?;
    let last = said.lines().next_back().unwrap_or_default();
    let borne: Borne = serde_json::from_str(last).with_context(|| format!("wrk said {said}"))?;
    ensure!(
        borne.failed == 0 && borne.requests > 0.0,
        "{} of {} requests failed: {said}",
        borne.failed,
        borne.requests
    );
    Ok(borne)
}

/// JSON's texts are Lua's too, as far as they are plain.
fn lua(question: &Question<'_>) -> anyhow::Result<String> {
    let text = |text: &str| -> anyhow::Result<String> {
        let text = serde_json::to_string(text)?;
        Ok(text.replace("SERIAL", "FL-\" .. number .. \""))
    };
    let headers = question.headers.iter();
    let headers = headers
        .map(|(name, value)| Ok(format!("[{}] = {}", text(name)?, text(value)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(format!(
        r#"local prepared, at = {{}}, 0
init = function()
    for number = 1, {PRINTERS} do
        prepared[number] = wrk.format({}, nil, {{ {} }}, {})
    end
end
request = function()
    at = at % {PRINTERS} + 1
    return prepared[at]
end
done = function(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    io.write(string.format('{{"requests": %d, "seconds": %f, "p99": %f, "failed": %d}}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e6, failed))
end
"#,
        text(question.method)?,
        headers.join(", "),
        text(question.body)?,
    ))
}
