//! The shorter commands: jobs under way, errors, restarts, updates.

use super::*;

impl State {
    /// What there is to be stopped, paused or resumed is the machine's print.
    pub(super) fn of_print(
        &mut self,
        change: impl FnOnce(&mut dyn Machine) -> Result<(), Refused>,
    ) -> Result<(), Refusal> {
        if self.preparing.is_some() {
            return Err(Refusal::new("the job does not print yet"));
        }
        change(self.machine()).map_err(Refusal::new)
    }

    /// Ends the print, or the preparation of one.
    pub(super) fn stop(&mut self) -> Result<(), Refusal> {
        if self.preparing.is_none() {
            return self.machine().stop().map_err(Refusal::new);
        }
        let cancelled = Refusal::new("the job was stopped before it began");
        let answers = self.give_up(cancelled.with_code(ErrorCode::Cancelled));
        self.unsent.extend(answers);
        Ok(())
    }

    pub(super) fn clear_error(&mut self) {
        self.trouble = None;
        // That there was none is what was asked for.
        let _ = self.machine().clear_fault();
    }

    pub(super) fn restart(&mut self) -> Result<(), Refusal> {
        self.check_no_job()?;
        self.upgrade.check_free()?;
        // The answer goes first.
        self.restart_at = Some(Instant::now() + limits::RESTART_DELAY);
        Ok(())
    }

    pub(super) fn modules(&self) -> Map<String, Value> {
        let About {
            serial,
            model,
            board,
            version,
            ..
        } = &self.parts.about;
        let module = json!([{
            "name": "ota",
            "project_name": model,
            "product_name": model,
            "sw_ver": FourPart(version).to_string(),
            "semver": version.to_string(),
            "hw_ver": board,
            "sn": serial,
        }]);
        Map::from_iter([("module".to_owned(), module)])
    }

    pub(super) fn firmware_history(&mut self, caller: &Caller) -> Result<Reply, Refusal> {
        if let Some(history) = self.upgrade.fresh_history(Instant::now()) {
            return Ok(Reply::Done(history));
        }
        self.ask(Question::History(caller.clone()))
    }

    pub(super) fn upgrade(
        &mut self,
        wanted: Option<Wanted>,
        caller: &Caller,
    ) -> Result<Reply, Refusal> {
        self.check_no_job()?;
        self.upgrade.check_free()?;
        self.ask(Question::Install(caller.clone(), wanted))
    }

    pub(super) fn switch_lan(&mut self, on: bool, caller: &Caller) -> Reply {
        let (switched, caller) = (self.parts.lan.set(on), caller.clone());
        self.tasks
            .spawn(async { Ended::Switched(caller, switched.await) });
        Reply::Later
    }

    pub(super) fn check_updates(&mut self) {
        let offer = self.parts.updates.check();
        self.tasks.spawn(async { Ended::Checked(offer.await) });
    }

    /// The repository has answered: so are those who waited for it.
    pub(super) fn checked(&mut self, offer: Result<Offer, UpdateFailure>, now: Instant) -> Answers {
        let (questions, outcome) = self.upgrade.checked(offer, now);
        let answer = |question| match question {
            Question::History(caller) => {
                let history = outcome.clone().map(|()| self.upgrade.history());
                (caller, history)
            }
            Question::Install(caller, wanted) => {
                let begun = outcome.clone().and_then(|()| self.install(wanted.as_ref()));
                (caller, begun.map(|()| Map::new()))
            }
        };
        questions.into_iter().map(answer).collect()
    }

    /// A task ended without a word: whoever waits for one is told.
    pub(super) fn lost(&mut self, now: Instant) -> Answers {
        let what = "something in the printer failed";
        let mut answers = self.give_up(Refusal::new(what).with_code(ErrorCode::Machine));
        if self.upgrade.is_at_work() {
            self.upgrade.installed(Err(UpdateFailure(what.to_owned())));
            answers.extend(self.checked(Err(UpdateFailure(what.to_owned())), now));
        }
        answers
    }

    fn ask(&mut self, question: Question) -> Result<Reply, Refusal> {
        if self.upgrade.keep(Some(question))? {
            self.check_updates();
        }
        Ok(Reply::Later)
    }

    /// A job may have begun since the question: it goes first.
    fn install(&mut self, wanted: Option<&Wanted>) -> Result<(), Refusal> {
        self.check_no_job()?;
        let version = self.upgrade.begin(wanted, &self.parts.about.version)?;
        let outcome = self.parts.updates.install(version);
        self.tasks.spawn(async { Ended::Installed(outcome.await) });
        Ok(())
    }
}
