//! `cargo xtask enforce`.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand};
use firstlayer_policy::RuleName;
use jiff::Timestamp;
use xtask::enforce::{
    self, Budget, Emulated, Machine, Output, Place, Relax, Request, Source, Terms, Trial, plan_file,
};
use xtask::period::Period;
use xtask::release::Environment;
use xtask::repository::RealDisk;

use super::release::Places;
use super::{Exit, Published, Session};

/// Plans, signs and shows the rules by which the cloud withholds features from old firmware
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask enforce plan --census census.csv.zst --page plan.html
  cargo xtask enforce apply --census census.csv.zst
  cargo xtask enforce status")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Plan(Plan),
    Apply(Apply),
    Status(Status),
    Withdraw(Withdraw),
}

/// Says whom the rules in manifests/enforcement.toml would hit, and what speaks against them; signs nothing
#[derive(Debug, Args)]
#[command(after_help = "\
How many are rescued by the date follows from the share of printers in use that
lack a release, and its age: the same share of those behind updates each week.
Printers that are not in use count as not updating.

Every version that would be locked out is tried: its own firmware, out of its
bundle, runs under emulation and checks for updates over plain HTTP.

Exit code 3 if anything speaks against it.

Examples:
  cargo xtask enforce plan --census census.csv.zst
  cargo xtask enforce plan --census census.csv --page plan.html --max-lockout 0.5%
  cargo xtask enforce plan --census sqlite:/var/lib/gate/census.db --json")]
struct Plan {
    #[command(flatten)]
    input: Input,
    /// Write the plan here [default: .firstlayer/enforce/plan.json]
    #[arg(long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
    /// Write a page with plots here
    #[arg(long, value_name = "FILE")]
    page: Option<Utf8PathBuf>,
}

/// Computes a reviewed plan again, and signs and publishes what it comes to if nothing speaks against it
#[derive(Debug, Args)]
#[command(after_help = "\
Takes the options that the plan was made with, and nothing from its file: the
plan must come out the same, from the same census and repository.

Exit code 3 if anything speaks against it; nothing is signed then.

Examples:
  cargo xtask enforce apply --census census.csv.zst
  cargo xtask enforce apply reviewed.json --census census.csv --max-lockout 0.5%")]
struct Apply {
    /// The plan [default: .firstlayer/enforce/plan.json]
    #[arg(value_name = "PLAN")]
    plan: Option<Utf8PathBuf>,
    #[command(flatten)]
    input: Input,
}

/// Shows the rules in force: minimums, dates, and how long their signatures last
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask enforce status
  cargo xtask enforce status --json | jq '.rules[].minimums'")]
struct Status {
    #[command(flatten)]
    published: Published,
}

/// Takes a rule back, or puts its date off, and says why for all to read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo xtask enforce withdraw https-transfer --why 'release 1.4.0 fails on some routers'
  cargo xtask enforce withdraw https-transfer --postpone-to 2027-06-01T00:00:00Z --why 'the holidays'")]
struct Withdraw {
    /// The rule
    #[arg(value_name = "RULE")]
    rule: RuleName,
    /// Why, for operators
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Keep the rule, and enforce it from this time on
    #[arg(long, value_name = "TIME")]
    postpone_to: Option<Timestamp>,
    #[command(flatten)]
    signing: Keys,
}

/// What plan and apply are both told.
#[derive(Debug, Args)]
struct Input {
    /// The census: a CSV file, plain or zstd, or a gate's database (sqlite:PATH, postgres://…)
    #[arg(long, value_name = "CENSUS")]
    census: Source,
    /// How many printers in use may be refused on the date: a number, or a share such as 0.5%
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    max_lockout: Budget,
    /// How long printers have after the last wave of a release that they need
    #[arg(long, value_name = "TIME", default_value = "14d")]
    grace: Period,
    /// How long a rule warns before it is enforced
    #[arg(long, value_name = "TIME", default_value = "30d")]
    notice: Period,
    /// A printer that was not seen for so long is not in use
    #[arg(long, value_name = "TIME", default_value = "30d")]
    silent_after: Period,
    /// Lock out versions whose way back could not be tried
    #[arg(long)]
    accept_untried: bool,
    /// Let this rule demand less than it does now; each takes a --why
    #[arg(long, value_name = "RULE", requires = "why")]
    relax: Vec<RuleName>,
    /// Why it is relaxed, for operators
    #[arg(long, value_name = "TEXT", requires = "relax")]
    why: Vec<String>,
    #[command(flatten)]
    signing: Keys,
}

/// Whose keys sign which repository.
#[derive(Debug, Args)]
struct Keys {
    /// Sign with development or production keys
    #[arg(long, value_name = "ENVIRONMENT", default_value = "development")]
    environment: Environment,
    #[command(flatten)]
    places: Places,
}

impl Arguments {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<Exit> {
        match self.verb {
            Verb::Plan(arguments) => arguments.run(session),
            Verb::Apply(arguments) => arguments.run(session),
            Verb::Status(arguments) => arguments.run(session),
            Verb::Withdraw(arguments) => arguments.run(session),
        }
    }
}

impl Plan {
    fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let (checkout, trial) = (session.checkout(), emulated(session));
        let output = Output {
            plan: self.output.unwrap_or_else(|| plan_file(checkout)),
            page: self.page,
        };
        let request = self.input.request(session)?;
        let report = enforce::plan(checkout, &request, &output, &machine(session, &trial))?;
        session.print(&report)?;
        Ok(match report.plan.refusals.is_empty() {
            true => Exit::Success,
            false => Exit::NotReady,
        })
    }
}

impl Apply {
    fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let (checkout, trial) = (session.checkout(), emulated(session));
        let file = self.plan.unwrap_or_else(|| plan_file(checkout));
        let request = self.input.request(session)?;
        let report = enforce::apply(checkout, &request, &file, &machine(session, &trial))?;
        session.print(&report)?;
        Ok(Exit::Success)
    }
}

impl Status {
    fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let report = enforce::status(
            session.checkout(),
            &self.published.repository(session),
            self.published.anchor(),
            Timestamp::now(),
        )?;
        session.print(&report)?;
        Ok(match report.expired() {
            true => Exit::NotReady,
            false => Exit::Success,
        })
    }
}

impl Withdraw {
    fn run(self, session: &Session) -> anyhow::Result<Exit> {
        let (checkout, trial) = (session.checkout(), emulated(session));
        let place = self.signing.place(session);
        let machine = machine(session, &trial);
        let until = self.postpone_to;
        let report = enforce::withdraw(checkout, &place, &self.rule, &self.why, until, &machine)?;
        session.print(&report)?;
        Ok(Exit::Success)
    }
}

impl Input {
    fn request(self, session: &Session) -> anyhow::Result<Request> {
        anyhow::ensure!(
            self.relax.len() == self.why.len(),
            "each --relax takes a --why of its own"
        );
        let relaxed = self.relax.into_iter().zip(self.why);
        Ok(Request {
            census: self.census,
            place: self.signing.place(session),
            terms: Terms {
                max_lockout: self.max_lockout,
                grace: self.grace,
                notice: self.notice,
                silent_after: self.silent_after,
                accept_untried: self.accept_untried,
                relax: relaxed.map(|(rule, why)| Relax { rule, why }).collect(),
            },
        })
    }
}

impl Keys {
    fn place(self, session: &Session) -> Place {
        let Places { repository, keys } = self.places;
        Place::new(session.checkout(), self.environment, repository, keys)
    }
}

fn emulated(session: &Session) -> Emulated<'_> {
    Emulated::new(session.checkout(), session.progress())
}

fn machine<'a>(session: &'a Session, trial: &'a dyn Trial) -> Machine<'a> {
    Machine {
        now: Timestamp::now(),
        trial,
        disk: &RealDisk,
        progress: session.progress(),
    }
}
