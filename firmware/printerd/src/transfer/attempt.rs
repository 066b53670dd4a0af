//! One download, over as many requests as it takes.

use std::{
    io::{self, Read},
    pin::pin,
};

use firstlayer_card::{Card, CardError, CardPath, Kind, Start, Upload};
use md5::{Digest, Md5 as Hasher};
use reqwest::{
    Client, Response,
    header::{IF_RANGE, RANGE},
};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    answer::{Answer, Asked, Whole, judge},
    error::TransferError,
    limits::{Patience, SLOWEST},
    pace::Pace,
    place::place,
    room::make_room,
};
use crate::{printer::Download, protocol::Md5, redact};

const NO_BEGINNING: TransferError = TransferError::Protocol("it has no beginning");
const BUFFER: usize = 16 << 10;

/// A download under way.
pub(super) struct Attempt {
    pub(super) client: Client,
    pub(super) card: Card,
    pub(super) patience: Patience,
    pub(super) download: Download,
    pub(super) progress: watch::Sender<u8>,
    pub(super) stop: CancellationToken,
    /// What came so far.
    pub(super) kept: Option<Kept>,
    /// Bytes that came since the last failure and that can be gone on behind.
    pub(super) gained: u64,
    /// Bodies that were taken from the first byte.
    pub(super) beginnings: u32,
    /// What an earlier download left was tried already.
    pub(super) tried_earlier: bool,
}

/// The beginning of a file, on its way to the card.
pub(super) struct Kept {
    path: CardPath,
    upload: Upload,
    etag: Option<String>,
    size: Option<u64>,
    /// Of all bytes so far; none where the first came with an earlier download.
    hasher: Option<Hasher>,
}

/// What became of a file that was offered whole.
enum Begun {
    /// It is on the card.
    Cached(CardPath),
    /// It is taken from the first byte.
    Fresh(Response),
    /// Its beginning is on the card, and the rest has to be asked for.
    Earlier,
}

impl Attempt {
    /// Brings the file, or says why not. Leaves no part of it under its name, and none at all but what a later
    /// download can go on with.
    pub(super) async fn run(mut self) -> Result<CardPath, TransferError> {
        let mut failures = 0_u32;
        loop {
            self.gained = 0;
            let error = match self.request().await {
                Ok(path) => return Ok(path),
                Err(error) => error,
            };
            failures = if self.gained >= SLOWEST {
                1
            } else {
                failures + 1
            };
            let most = failures.max(self.beginnings);
            if !error.is_transient() || most >= self.patience.attempts {
                self.give_up(&error);
                return Err(error);
            }
            if let Err(error) = self.wait(failures, &error).await {
                self.give_up(&error);
                return Err(error);
            }
        }
    }

    async fn wait(&self, failures: u32, error: &TransferError) -> Result<(), TransferError> {
        let own = self.patience.backoff.delay(failures);
        let asked = error.retry_after().unwrap_or_default();
        let wait = own.max(asked.min(self.patience.longest_on_request));
        let url = redact::url(self.download.url.expose());
        tracing::info!(%url, %error, wait_ms = wait.as_millis(), "a download is tried again");
        tokio::select! {
            () = sleep(wait) => Ok(()),
            () = self.stop.cancelled() => Err(TransferError::Stopped),
        }
    }

    /// Whoever cut the line may let the rest through later; whoever refused the file will not.
    fn give_up(&mut self, error: &TransferError) {
        if let Some(kept) = self.kept.take() {
            let useful = kept.etag.is_some() && self.download.md5.is_none();
            if !useful || !error.is_transient() {
                kept.upload.discard();
            }
        }
    }

    /// Requests until the file is whole, or one fails.
    async fn request(&mut self) -> Result<CardPath, TransferError> {
        loop {
            match self.ask().await? {
                Answer::Whole(whole) => match self.begin(whole).await? {
                    Begun::Cached(path) => return Ok(path),
                    Begun::Fresh(response) => return self.store(response).await,
                    Begun::Earlier => {}
                },
                Answer::Rest(response) => return self.store(response).await,
                Answer::Nothing => return self.finish().await,
            }
        }
    }

    async fn ask(&mut self) -> Result<Answer, TransferError> {
        let mut request = self.client.get(self.download.url.expose().clone());
        // Without an entity tag, nothing says that the rest is of the same file.
        let asked = self.kept.as_ref().and_then(|kept| {
            let (start, etag) = (kept.upload.written(), kept.etag.as_deref()?);
            (start > 0).then_some(Asked { start, etag })
        });
        if let Some(asked) = asked {
            request = request
                .header(RANGE, format!("bytes={}-", asked.start))
                .header(IF_RANGE, asked.etag);
        }
        let answer = async { judge(request.send().await?, asked).await };
        // To connect and to be answered.
        let answer = timeout(self.patience.stall.saturating_mul(2), answer);
        tokio::select! {
            answer = answer => answer.map_err(|_| TransferError::Stalled)?,
            () = self.stop.cancelled() => Err(TransferError::Stopped),
        }
    }

    /// The whole file is offered: is it there already, or its beginning?
    async fn begin(&mut self, whole: Whole) -> Result<Begun, TransferError> {
        if let Some(kept) = self.kept.take() {
            // It changed, or the server gives no parts.
            kept.upload.discard();
        }
        let limit = self.card.limits().largest_file;
        if whole.size.is_some_and(|size| size > limit) {
            return Err(TransferError::TooLarge { limit });
        }
        let etag = whole.etag.as_deref();
        let path =
            place(self.download.url.expose(), etag).ok_or(TransferError::Card(CardError::Name))?;
        if etag.is_some() && self.is_cached(&path, whole.size).await? {
            self.progress.send_replace(100);
            return Ok(Begun::Cached(path));
        }
        let earlier = self.earlier(&path, &whole);
        self.tried_earlier = true;
        let start = earlier.map_or(Start::Fresh, Start::At);
        let missing = whole.size.unwrap_or(0).saturating_sub(earlier.unwrap_or(0));
        let (card, at) = (self.card.clone(), path.clone());
        let open = move || {
            make_room(&card, missing)?;
            card.upload(&at, start)
        };
        let upload = blocking(open).await?;
        self.kept = Some(Kept {
            path,
            upload,
            etag: whole.etag,
            size: whole.size,
            hasher: earlier.is_none().then(Hasher::new),
        });
        Ok(match earlier {
            Some(_) => Begun::Earlier,
            None => {
                self.beginnings += 1;
                Begun::Fresh(whole.response)
            }
        })
    }

    /// Bytes that an earlier download left of the same file. Where the command names an MD5, they are of no use: it is
    /// of the whole file, and what is not whole cannot be read.
    fn earlier(&self, path: &CardPath, whole: &Whole) -> Option<u64> {
        if self.tried_earlier || self.download.md5.is_some() || whole.etag.is_none() {
            return None;
        }
        let fits = |have: &u64| *have > 0 && whole.size.is_none_or(|size| *have <= size);
        self.card.partial_size(path).filter(fits)
    }

    async fn is_cached(&self, path: &CardPath, size: Option<u64>) -> Result<bool, TransferError> {
        let (card, path, md5) = (self.card.clone(), path.clone(), self.download.md5);
        let stop = self.stop.clone();
        let cached = move || {
            let there = card.metadata(&path).is_ok_and(|entry| {
                entry.kind == Kind::File && size.is_none_or(|size| size == entry.size)
            });
            let Some(md5) = md5.filter(|_| there) else {
                return Ok(there);
            };
            Ok(digest(card.read(&path)?, &stop)? == Some(md5))
        };
        blocking(cached).await
    }

    /// Puts a body behind what came so far.
    async fn store(&mut self, mut response: Response) -> Result<CardPath, TransferError> {
        let mut pace = Pace::new(self.patience.stall);
        let stop = self.stop.clone();
        let mut stopped = pin!(stop.cancelled());
        loop {
            let chunk = tokio::select! {
                chunk = timeout(self.patience.stall, response.chunk()) => chunk,
                () = &mut stopped => return Err(TransferError::Stopped),
            };
            let Some(chunk) = chunk.map_err(|_| TransferError::Stalled)?? else {
                return self.finish().await;
            };
            let kept = self.kept.as_mut().ok_or(NO_BEGINNING)?;
            kept.upload.write(&chunk)?;
            if let Some(hasher) = &mut kept.hasher {
                hasher.update(&chunk);
            }
            if kept.etag.is_some() {
                self.gained = self.gained.saturating_add(chunk.len() as u64);
            }
            self.progress.send_replace(kept.percent());
            pace.came(chunk.len() as u64)?;
        }
    }

    /// Everything came: the file takes its place, if it is the right one.
    async fn finish(&mut self) -> Result<CardPath, TransferError> {
        let kept = self.kept.take().ok_or(NO_BEGINNING)?;
        let have = kept.upload.written();
        if kept.size.is_some_and(|size| size != have) {
            let too_long = kept.size.is_some_and(|size| size < have);
            if too_long {
                kept.upload.discard();
            } else {
                self.kept = Some(kept);
            }
            return Err(TransferError::BrokeOff { have });
        }
        if let Some(md5) = self.download.md5 {
            let found = kept.hasher.map(|hasher| Md5::new(hasher.finalize().into()));
            if found != Some(md5) {
                kept.upload.discard();
                return Err(TransferError::Md5);
            }
        }
        let upload = kept.upload;
        blocking(move || upload.finish()).await?;
        self.progress.send_replace(100);
        Ok(kept.path)
    }
}

impl Kept {
    fn percent(&self) -> u8 {
        let (have, size) = (self.upload.written(), self.size.unwrap_or(0));
        // 100 is for what is whole.
        let percent = have.saturating_mul(100).checked_div(size).unwrap_or(0);
        u8::try_from(percent.min(99)).unwrap_or(99)
    }
}

/// None if it was stopped: no thread reads on for a job that is gone.
pub(super) fn digest(mut file: impl Read, stop: &CancellationToken) -> io::Result<Option<Md5>> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; BUFFER];
    while !stop.is_cancelled() {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(Md5::new(hasher.finalize().into()))),
            count => hasher.update(buffer.get(..count).unwrap_or_default()),
        }
    }
    Ok(None)
}

/// The card blocks while it syncs, and elsewhere.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CardError> + Send + 'static,
) -> Result<T, TransferError> {
    spawn_blocking(work)
        .await
        .map_err(|_| TransferError::Stopped)?
        .map_err(TransferError::from)
}
