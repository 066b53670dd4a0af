//! What brings job files: HTTPS, or in firmware without that nothing, which says so.

use std::sync::Arc;

use firstlayer_card::Card;
use jiff::Timestamp;

use crate::{config::Config, printer::Downloads};

/// Downloads to `card`; certificates are judged by no time before `passed`.
#[cfg(feature = "https-transfer")]
pub(super) fn downloads(
    config: &Config,
    card: Card,
    passed: Timestamp,
) -> anyhow::Result<Arc<dyn Downloads>> {
    use crate::{
        http,
        transfer::{Patience, Transfer},
    };

    let patience = Patience {
        stall: config.stall,
        attempts: config.retry.attempts,
        backoff: super::backoff(config),
        longest_on_request: config.retry.longest_on_request,
    };
    let roots = http::authorities(config.extra_ca.as_deref())?;
    Ok(Arc::new(Transfer::new(card, roots, patience, passed)?))
}

/// None: the feature `https-transfer` is not in this build.
#[cfg(not(feature = "https-transfer"))]
pub(super) fn downloads(
    _config: &Config,
    _card: Card,
    _passed: Timestamp,
) -> anyhow::Result<Arc<dyn Downloads>> {
    Ok(Arc::new(none::NoDownloads))
}

#[cfg(not(feature = "https-transfer"))]
mod none {
    use firstlayer_card::CardPath;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use crate::printer::{Download, DownloadFailure, Downloads, Pending};

    pub(super) struct NoDownloads;

    impl Downloads for NoDownloads {
        fn fetch(
            &self,
            _download: Download,
            _progress: watch::Sender<u8>,
            _stop: CancellationToken,
        ) -> Pending<Result<CardPath, DownloadFailure>> {
            let why = "this firmware does not fetch files over HTTPS; update the printer";
            Box::pin(async move { Err(DownloadFailure(why.to_owned())) })
        }
    }
}
