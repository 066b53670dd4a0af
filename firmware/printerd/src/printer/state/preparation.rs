//! Jobs, from the command to the machine: their files are brought, opened and checked.

use super::*;

impl State {
    pub(super) fn project(
        &mut self,
        project: ProjectFile,
        from_cloud: bool,
        caller: &Caller,
    ) -> Result<Reply, Refusal> {
        if !project.skip.is_empty() {
            return Err(cannot_skip());
        }
        self.prepare(Order::project(project, from_cloud), caller)
    }

    /// Takes a job on: its file is brought and checked, and then the machine gets it. A job whose file must be
    /// fetched is answered at once, because that may take as long as it likes; what becomes of it shows in reports.
    pub(super) fn prepare(&mut self, order: Order, caller: &Caller) -> Result<Reply, Refusal> {
        self.check_no_job()?;
        self.upgrade.check_free()?;
        if self.restart_at.is_some() {
            return Err(Refusal::new("the printer is about to restart"));
        }
        self.jobs += 1;
        let number = self.jobs;
        let on_card = matches!(order.source, JobSource::Card(_));
        let (told, progress) = watch::channel(if on_card { 100 } else { 0 });
        let stop = CancellationToken::new();
        self.preparing = Some(Preparing {
            number,
            caller: on_card.then(|| caller.clone()),
            before: self.job.replace(order.job),
            content: order.content,
            progress,
            stop: stop.clone(),
        });
        self.trouble = None;
        match order.source {
            JobSource::Card(file) => {
                let card = self.parts.card.clone();
                let (content, md5) = (order.content, order.md5);
                self.tasks.spawn_blocking(move || {
                    Ended::Opened(number, Box::new(open(&card, &file, content, md5, stop)))
                });
                Ok(Reply::Later)
            }
            JobSource::Https(url) => {
                let download = Download {
                    url,
                    md5: order.md5,
                };
                let file = self.parts.downloads.fetch(download, told, stop);
                self.tasks
                    .spawn(async move { Ended::Fetched(number, file.await) });
                Ok(done())
            }
        }
    }

    pub(super) fn is_preparing(&self, number: u64) -> bool {
        let preparing = self.preparing.as_ref();
        preparing.is_some_and(|preparing| preparing.number == number)
    }

    pub(super) fn fetched(&mut self, file: Result<CardPath, DownloadFailure>) -> Answers {
        let Some(preparing) = &self.preparing else {
            return Answers::new();
        };
        match file {
            Ok(path) => {
                let (number, content) = (preparing.number, preparing.content);
                let (card, stop) = (self.parts.card.clone(), preparing.stop.clone());
                let file = CardFile { path, or: None };
                self.tasks.spawn_blocking(move || {
                    Ended::Opened(number, Box::new(open(&card, &file, content, None, stop)))
                });
                Answers::new()
            }
            Err(failure) => {
                let refusal = Refusal::new(format!("the file could not be fetched: {failure}"));
                self.give_up(refusal.with_code(ErrorCode::DownloadFailed))
            }
        }
    }

    pub(super) fn opened(&mut self, plate: Result<Plate, Refusal>) -> Answers {
        let started = plate.and_then(|plate| self.machine().start(plate).map_err(Refusal::new));
        match started {
            Ok(()) => {
                let caller = self.preparing.take().and_then(|preparing| preparing.caller);
                caller
                    .map(|caller| (caller, Ok(Map::new())))
                    .into_iter()
                    .collect()
            }
            Err(refusal) => self.give_up(refusal),
        }
    }

    /// The job that is being prepared does not begin. If nobody was told that it was taken on, it is as if it had
    /// not been asked for; but the error shows in either case.
    pub(super) fn give_up(&mut self, refusal: Refusal) -> Answers {
        let Some(preparing) = self.preparing.take() else {
            return Answers::new();
        };
        preparing.stop.cancel();
        let of_job = preparing.caller.is_none();
        if let Some(code) = refusal.code.or(of_job.then_some(ErrorCode::Machine)) {
            self.trouble = Some(Trouble {
                code,
                reason: refusal.reason.clone(),
                of_job,
            });
        }
        match preparing.caller {
            Some(caller) => {
                self.job = preparing.before;
                vec![(caller, Err(refusal))]
            }
            None => {
                tracing::warn!(reason = %refusal, "the job did not begin");
                Answers::new()
            }
        }
    }
}
