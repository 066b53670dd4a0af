//! `wifi-wpa2`: networks with WPA2 or WPA3 are joined, and weaker ones are not.

use std::fs;

use anyhow::{Context, Result};

use super::Observations;
use crate::probe::bench::Bench;

const NETWORKS: [(&str, &str); 5] = [
    ("wpa2", "configured"),
    ("wpa3", "configured"),
    ("open", "refused"),
    ("wep", "refused"),
    ("wpa", "refused"),
];

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let folder = bench.folder("networks")?;
    let mut seen = Observations::default();
    for (security, expected) in NETWORKS {
        let file = folder.join(format!("{security}.toml"));
        let network = format!(
            "ssid = \"Workshop\"\nsecurity = \"{security}\"\npassphrase = \"of the probe\"\n"
        );
        fs::write(&file, network).with_context(|| format!("cannot write {file}"))?;
        let printer = bench.another(&format!("wifi-{security}"), "")?;
        let said = printer.run(&["wifi", file.as_str()])?;
        let written = fs::exists(printer.state().join("secrets/wpa_supplicant.conf"))?;
        let found = match (said.code, written) {
            (Some(0), true) => "configured".to_owned(),
            (Some(1..), false) => "refused".to_owned(),
            (code, written) => format!("exit code {code:?}, configuration written: {written}"),
        };
        seen.note(format!("a network with {security}"), expected, found);
    }
    Ok(seen)
}
