//! `lan-ftps`: files go over the LAN in TLS from the first byte, and their contents too.

use std::fs;

use anyhow::Result;
use camino::Utf8Path;
use firstlayer_bundle::Sha256;

use super::{Observations, told};
use crate::probe::bench::Bench;
use crate::probe::peer::ftps::Control;
use crate::probe::peer::owner::{FTPS_PORT, Owner};
use crate::probe::peer::tls;

/// More than a buffer holds, and not a whole number of records.
const LENGTH: u32 = 300_001;
const FILE: &str = "probe.bin";

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    let owner = bench.owner()?;
    let card = bench.printer()?.card();
    let mut seen = Observations::default();
    let (greeting, login) =
        log_in(&owner).or_else(|error| anyhow::Ok((told(error)?, "none".to_owned())))?;
    seen.note("greeting inside TLS", "220", greeting);
    seen.note("login with the access code", "230", login);
    seen.note("STOR before PROT P", "refused", unprotected(&owner, &[])?);
    let clear = unprotected(&owner, &["PBSZ 0", "PROT C"])?;
    seen.note("STOR under PROT C", "refused", clear);
    seen.note("on the card after that", "nothing", stored(&card));
    let bytes: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
    let answer = upload(&owner, &bytes).or_else(told)?;
    seen.note("STOR under PROT P", "226", answer);
    let expected = format!("sha256 {}", Sha256::of(&bytes));
    seen.note("on the card after that", expected, stored(&card));
    let answer = tls::answer_to(FTPS_PORT, b"USER bblp\r\n")?;
    let greeted = match answer.first() {
        Some(first) if first.is_ascii_digit() => "an FTP answer",
        _ => "no FTP answer",
    };
    seen.note("FTP in clear text", "no FTP answer", greeted);
    Ok(seen)
}

fn log_in(owner: &Owner) -> Result<(String, String)> {
    let mut control = Control::open(owner)?;
    let login = control.log_in(&owner.code)?;
    Ok((control.greeting.to_string(), login.to_string()))
}

/// What becomes of an upload whose bytes would go in clear text.
fn unprotected(owner: &Owner, before: &[&str]) -> Result<String> {
    let answer = Control::open(owner).and_then(|mut control| {
        control.log_in(&owner.code)?;
        for command in before {
            control.say(command)?;
        }
        control.say("EPSV")?;
        control.say(&format!("STOR {FILE}"))
    });
    match answer {
        Ok(400..) => Ok("refused".to_owned()),
        Ok(code) => Ok(format!("answered with {code}")),
        Err(error) => told(error),
    }
}

fn upload(owner: &Owner, bytes: &[u8]) -> Result<String> {
    let mut control = Control::open(owner)?;
    control.log_in(&owner.code)?;
    for command in ["PBSZ 0", "PROT P", "TYPE I"] {
        control.say(command)?;
    }
    Ok(control.upload(FILE, bytes)?.to_string())
}

fn stored(card: &Utf8Path) -> String {
    match fs::read(card.join(FILE)) {
        Ok(bytes) => format!("sha256 {}", Sha256::of(&bytes)),
        Err(_) => "nothing".to_owned(),
    }
}
