//! What brings job files to the card: transfers over HTTPS, where the firmware was built with them.
//!
//! Without them it says that it cannot. It must never fall back to clear text.

use firstlayer_card::{Card, CardPath};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    printer::{Download, DownloadFailure, Downloads, Pending},
    redact,
};

/// Why firmware without transfers brings nothing.
const LACKING: &str = "this firmware cannot fetch files over HTTPS (it was built without https-transfer): update it, or \
    print a file that is on the card";

/// The transfers, set up as the configuration has it.
#[cfg(feature = "https-transfer")]
pub(super) fn set_up(
    config: &Config,
    card: Card,
    passed: Timestamp,
) -> anyhow::Result<crate::transfer::Transfer> {
    let patience = crate::transfer::Patience {
        stall: config.stall,
        attempts: config.retry.attempts,
        backoff: super::backoff(config),
        longest_on_request: config.retry.longest_on_request,
    };
    let roots = crate::http::authorities(config.extra_ca.as_deref())?;
    Ok(crate::transfer::Transfer::new(
        card, roots, patience, passed,
    )?)
}

/// Firmware without transfers has none to set up.
#[cfg(not(feature = "https-transfer"))]
pub(super) fn set_up(_: &Config, _: Card, _: Timestamp) -> anyhow::Result<NoDownloads> {
    tracing::warn!("{LACKING}");
    Ok(NoDownloads)
}

/// Firmware that cannot fetch files, and says so to whoever wants one printed.
#[derive(Debug, Clone, Copy)]
pub struct NoDownloads;

impl Downloads for NoDownloads {
    fn fetch(
        &self,
        download: Download,
        _progress: watch::Sender<u8>,
        _stop: CancellationToken,
    ) -> Pending<Result<CardPath, DownloadFailure>> {
        let url = redact::url(download.url.expose());
        tracing::warn!(%url, "a file was not fetched: {LACKING}");
        Box::pin(std::future::ready(Err(DownloadFailure(LACKING.to_owned()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn firmware_without_transfers_says_that_it_cannot_fetch_and_shows_no_secret() {
        let url = "https://files.example.org/cube.3mf?X-Amz-Signature=5ec2e7";
        let download = Download {
            url: url.parse().unwrap(),
            md5: None,
        };
        let (progress, _) = watch::channel(0);
        let fetched = NoDownloads.fetch(download, progress, CancellationToken::new());
        let told = fetched.await.unwrap_err().to_string();
        assert!(told.contains("cannot fetch files over HTTPS"), "{told}");
        assert!(!told.contains("5ec2e7"), "{told}");
    }
}
