//! The job: what is printed, and how its file is brought and checked before the machine gets it.

use std::{fs::File, io, sync::Arc};

use firstlayer_card::{Card, CardError};
use firstlayer_machine::{Limits, Medium, Plate};
use md5::Digest;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::outbox::Caller;
use crate::protocol::{
    CardFile, ErrorCode, JobFacts, JobIds, JobSource, Md5, PlateMember, ProjectFile, Refusal,
};

/// A job that is under way, or was the last.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) from_cloud: bool,
    pub(super) ids: JobIds,
}

/// A job that somebody asks for.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) job: Job,
    pub(super) source: JobSource,
    pub(super) content: FileContent,
    pub(super) md5: Option<Md5>,
}

/// What a job's file must be.
#[derive(Debug, Clone, Copy)]
pub(super) enum FileContent {
    /// An archive with this plate.
    Archive(PlateMember),
    /// G-code and nothing else.
    Gcode,
}

/// A job whose file is being brought or checked.
#[derive(Debug)]
pub(super) struct Preparing {
    /// Tells the end of this one from the end of one that was stopped.
    pub(super) number: u64,
    /// Who waits for the answer; nobody if it was given.
    pub(super) caller: Option<Caller>,
    /// What was the job before, should this one never begin.
    pub(super) before: Option<Job>,
    pub(super) content: FileContent,
    pub(super) progress: watch::Receiver<u8>,
    pub(super) stop: CancellationToken,
}

impl Order {
    pub(super) fn project(project: ProjectFile, from_cloud: bool) -> Self {
        let file = file_name(&project.source);
        let stem = file.rsplit('/').next().unwrap_or(&file);
        let name = if project.name.is_empty() {
            stem.trim_end_matches(".3mf").trim_end_matches(".gcode")
        } else {
            &project.name
        };
        Self {
            job: Job {
                name: name.to_owned(),
                file: file.clone(),
                from_cloud,
                ids: project.ids,
            },
            source: project.source,
            content: FileContent::Archive(project.plate),
            md5: project.md5,
        }
    }

    pub(super) fn file(source: JobSource, from_cloud: bool) -> Self {
        let file = file_name(&source);
        let content = if file.to_ascii_lowercase().ends_with(".3mf") {
            FileContent::Archive(PlateMember::FIRST)
        } else {
            FileContent::Gcode
        };
        Self {
            job: Job {
                name: file.rsplit('/').next().unwrap_or(&file).to_owned(),
                file,
                from_cloud,
                ids: JobIds::default(),
            },
            source,
            content,
            md5: None,
        }
    }
}

impl Job {
    pub(super) fn facts(&self, prepared: u8) -> JobFacts<'_> {
        JobFacts {
            name: &self.name,
            file: &self.file,
            from_cloud: self.from_cloud,
            ids: &self.ids,
            prepared,
        }
    }
}

/// Opens the file on the card and checks all of it. Blocks for as long as it takes to read the plate, or until `stop`
/// is cancelled.
pub(super) fn open(
    card: &Card,
    file: &CardFile,
    content: FileContent,
    md5: Option<Md5>,
    stop: CancellationToken,
) -> Result<Plate, Refusal> {
    let opened = match (card.read(&file.path), &file.or) {
        (Err(CardError::NotFound), Some(or)) => card.read(or),
        (opened, _) => opened,
    };
    let opened = opened.map_err(|error| {
        let code = match error {
            CardError::Io(_) => ErrorCode::BadFile,
            _ => ErrorCode::FileNotFound,
        };
        Refusal::new(format!("{}: {error}", file.path)).with_code(code)
    })?;
    let bad = |reason: &dyn std::fmt::Display| {
        Refusal::new(format!("{}: {reason}", file.path)).with_code(ErrorCode::BadFile)
    };
    let opened = Stoppable { file: opened, stop };
    if let Some(md5) = md5 {
        let found = md5_of(&opened).map_err(|error| bad(&error))?;
        if found != md5 {
            return Err(bad(&format!(
                "its MD5 is {found}, and not {md5} as the command says"
            )));
        }
    }
    let (opened, limits) = (Arc::new(opened), Limits::default());
    let plate = match content {
        FileContent::Archive(plate) => Plate::in_archive(opened, &plate.to_string(), &limits),
        FileContent::Gcode => Plate::of_text(opened, &limits),
    };
    plate.map_err(|error| bad(&error))
}

/// A file that cannot be read any more once its job was stopped, so that nobody goes on with its check. That of a job
/// which prints is never stopped: what becomes of it is the machine's business.
struct Stoppable {
    file: File,
    stop: CancellationToken,
}

impl Medium for Stoppable {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if self.stop.is_cancelled() {
            return Err(io::Error::other("the job was stopped"));
        }
        Medium::read_at(&self.file, buffer, offset)
    }
}

fn md5_of(file: &Stoppable) -> io::Result<Md5> {
    let mut digest = md5::Md5::new();
    let mut buffer = vec![0; 16 << 10];
    let mut offset = 0;
    loop {
        match file.read_at(&mut buffer, offset)? {
            0 => return Ok(Md5::new(digest.finalize().into())),
            read => {
                digest.update(buffer.get(..read).unwrap_or_default());
                offset += read as u64;
            }
        }
    }
}

/// What reports call the file: its path on the card, or the end of its URL's path.
fn file_name(source: &JobSource) -> String {
    match source {
        JobSource::Card(file) => file.path.to_string().trim_start_matches('/').to_owned(),
        JobSource::Https(url) => url.file_name(),
    }
}
