//! Chromium without a window, as the browser of whoever looks at a page. It is driven over two pipes by the DevTools
//! protocol (<https://chromedevtools.github.io/devtools-protocol/>); no port is opened for that.

mod pipe;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::debian::Tool;
use crate::workshop::scratch;
use pipe::Pipe;

/// A running browser; ends when dropped.
#[derive(Debug)]
pub struct Browser {
    pipe: Pipe,
    _folder: tempfile::TempDir,
}

/// What a page is looked at with.
#[derive(Debug, Clone, Copy)]
pub enum Screen {
    /// A phone, 360 pixels wide.
    Phone,
    /// A desk's, 1280 pixels wide.
    Desk,
}

/// A page that has loaded.
#[derive(Debug)]
pub struct Page<'a> {
    pipe: &'a mut Pipe,
    session: String,
    /// The URLs that it asked for, its own first.
    pub requests: Vec<String>,
    /// What the browser had to say against it: errors, and what the page's own policy forbade.
    pub complaints: Vec<String>,
}

impl Browser {
    /// `Err` says why this machine has no Chromium.
    pub fn start() -> Result<Self, String> {
        let tool = Tool::find("chromium-headless-shell", "chromium-headless-shell")?;
        let folder = scratch();
        let mut pipe = Pipe::to(command(&tool, folder.path()), folder.path());
        pipe.call(None, "Browser.getVersion", json!({}));
        Ok(Self {
            pipe,
            _folder: folder,
        })
    }

    /// Opens a page, and waits until it has loaded.
    #[track_caller]
    pub fn open(&mut self, url: &str, screen: Screen) -> Page<'_> {
        let pipe = &mut self.pipe;
        let target = pipe.call(None, "Target.createTarget", json!({ "url": "about:blank" }));
        let attached = pipe.call(
            None,
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        let session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        let mut page = Page {
            pipe,
            session,
            requests: Vec::new(),
            complaints: Vec::new(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.call("Emulation.setDeviceMetricsOverride", screen.metrics());
        let navigated = page.call("Page.navigate", json!({ "url": url }));
        assert!(navigated["errorText"].is_null(), "{url}: {navigated}");
        while page.hear() != "Page.loadEventFired" {}
        page
    }
}

impl Page<'_> {
    /// What an expression comes to on the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked);
        let problem = &answer["exceptionDetails"];
        assert!(problem.is_null(), "{expression}: {problem}");
        answer["result"]["value"].clone()
    }

    /// Looks at it by night.
    pub fn darken(&mut self) {
        let dark = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": dark }));
    }

    /// A picture of the whole page, as PNG.
    pub fn screenshot(&mut self) -> Vec<u8> {
        let size = self.call("Page.getLayoutMetrics", json!({}))["cssContentSize"].clone();
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let asked = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.call("Page.captureScreenshot", asked);
        let text = picture["data"].as_str().expect("a picture");
        STANDARD.decode(text).expect("base64")
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let answer = self.pipe.call(Some(&self.session), method, parameters);
        for event in self.pipe.events() {
            self.note(&event);
        }
        answer
    }

    /// Waits for the next event, and gives its name.
    fn hear(&mut self) -> String {
        let event = self.pipe.hear();
        self.note(&event);
        event["method"].as_str().unwrap_or_default().to_owned()
    }

    fn note(&mut self, event: &Value) {
        // Another page that is still open goes on talking.
        if event["sessionId"] != self.session {
            return;
        }
        let said = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => {
                let url = said["request"]["url"].as_str().unwrap_or_default();
                self.requests.push(url.to_owned());
            }
            "Runtime.exceptionThrown" => self.complaints.push(said.to_string()),
            "Log.entryAdded" => self.complaints.push(said["entry"].to_string()),
            "Runtime.consoleAPICalled" if said["type"] == "error" => {
                self.complaints.push(said["args"].to_string());
            }
            _ => {}
        }
    }
}

impl Screen {
    fn metrics(self) -> Value {
        let (width, height, mobile) = match self {
            Self::Phone => (360, 800, true),
            Self::Desk => (1280, 900, false),
        };
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile })
    }
}

/// How many colours a picture has, up to many: one that is blank has one.
pub fn colours(picture: &[u8]) -> usize {
    let decoder = png::Decoder::new(std::io::Cursor::new(picture));
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![
        0;
        reader
            .output_buffer_size()
            .expect("a picture that memory holds")
    ];
    let frame = reader.next_frame(&mut bytes).expect("a whole picture");
    let pixel = frame.color_type.samples();
    let colours: BTreeSet<&[u8]> = bytes[..frame.buffer_size()].chunks(pixel).collect();
    colours.len()
}

fn command(tool: &Tool, folder: &Path) -> Command {
    // Debian's is a script that looks for the program where it would be installed.
    let program = tool.unpacked("usr/lib/chromium/chromium-headless-shell");
    let program = program.unwrap_or_else(|| tool.program().to_owned());
    let fonts = tool.unpacked("usr/share/fonts").unwrap_or_default();
    let config = format!(
        "<fontconfig><dir>/usr/share/fonts</dir><dir>{}</dir><cachedir>{}</cachedir></fontconfig>",
        fonts.display(),
        folder.join("fonts").display()
    );
    fs::write(folder.join("fonts.conf"), config).expect("writing a configuration");
    let mut command = tool.command();
    command
        .arg(program)
        // Its sandbox does not run as root, and the pages are ours.
        .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--remote-debugging-pipe", "--hide-scrollbars"])
        // It has no business but with the pages.
        .args(["--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync"])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .env("FONTCONFIG_FILE", folder.join("fonts.conf"))
        .env("HOME", folder);
    command
}
