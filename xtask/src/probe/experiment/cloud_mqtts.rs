//! `cloud-mqtts`: the cloud's broker is met over TLS alone, and told nothing before its certificate is believed.

use anyhow::Result;

use super::{Observations, told};
use crate::probe::bench::{BROKER_PORT, Bench, CLOUD_PASSWORD};
use crate::probe::peer::broker::{Broker, Login};
use crate::probe::peer::tls::Authority;
use crate::probe::printer::SERIAL;

pub(super) fn measure(bench: &mut Bench) -> Result<Observations> {
    bench.printer()?;
    let broker = Broker::open(BROKER_PORT)?;
    let mut seen = Observations::default();
    let stranger = Authority::new()?.server;
    let heard = broker.bytes_of_a_connection(&stranger);
    let heard = heard.map(|count| format!("{count} bytes")).or_else(told)?;
    seen.note(
        "a broker with another authority's certificate hears",
        "0 bytes",
        heard,
    );
    let (login, topic) = connection(bench, &broker)
        .or_else(|error| anyhow::Ok((told(error)?, "none".to_owned())))?;
    seen.note("login at the broker", "user and password", login);
    let reports = format!("device/{SERIAL}/report");
    seen.note("a report's topic", reports, topic);
    let settings = bench.settings("mqtt")?;
    let served = bench.another("clear-text-broker", &settings)?.serves()?;
    let clear = if served { "accepted" } else { "refused" };
    seen.note("a broker's URL in clear text", "refused", clear);
    Ok(seen)
}

/// How the printer logs in, and the topic of its first report. The first connection may only clear up an old session.
fn connection(bench: &Bench, broker: &Broker) -> Result<(String, String)> {
    let reports = format!("device/{SERIAL}/report");
    loop {
        let (mut guest, login) = broker.log_in(&bench.trusted.server)?;
        if let Some(topic) = guest.publication(&reports)? {
            return Ok((described(&login), topic));
        }
    }
}

fn described(login: &Login) -> String {
    match (login.user.as_str(), login.password.as_str()) {
        (SERIAL, CLOUD_PASSWORD) => "user and password".to_owned(),
        (SERIAL, _) => "another password".to_owned(),
        (user, _) => format!("the user {user:?}"),
    }
}
