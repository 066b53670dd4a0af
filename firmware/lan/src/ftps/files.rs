//! What a client that has logged in may ask for.

use std::net::IpAddr;

use firstlayer_card::{CardError, CardPath, Kind, PathError, Start};

use super::command::{Command, Extended};
use super::listing::{Form, stamp};
use super::passive::Passive;
use super::reply::Reply;
use super::session::{End, Session};
use super::transfer::{Job, long_form};

impl Session {
    /// Obeys a command, with all its replies.
    pub(crate) async fn execute(&mut self, command: Command) -> Result<(), End> {
        let from = self.rename.take();
        match self.job(&command) {
            Some(Ok(job)) => {
                self.offset = 0;
                return self.transfer(job).await;
            }
            Some(Err(error)) => {
                self.offset = 0;
                return self.control.reply(&error.into()).await;
            }
            None => {}
        }
        let reply = match command {
            Command::Rnto(to) => self.rename(from, &to).await,
            command => self.answer(command).await,
        };
        self.control
            .reply(&reply.unwrap_or_else(|refusal| refusal))
            .await
    }

    fn path(&self, text: &str) -> Result<CardPath, PathError> {
        CardPath::parse(text, &self.folder)
    }

    /// The transfer that a command asks for; none if it asks for something else.
    fn job(&self, command: &Command) -> Option<Result<Job, PathError>> {
        let start = if self.offset == 0 {
            Start::Fresh
        } else {
            Start::At(self.offset)
        };
        Some(match command {
            Command::Stor(path) => self.path(path).map(|path| Job::Store { path, start }),
            Command::Appe(path) => self.path(path).map(|path| Job::Append { path }),
            Command::Retr(path) => self.path(path).map(|path| Job::Retrieve {
                path,
                offset: self.offset,
            }),
            Command::List(path) => self.listing(path.as_deref(), long_form()),
            Command::Nlst(path) => {
                self.listing(path.as_deref(), Form::Names(prefix(path.as_deref())))
            }
            Command::Mlsd(path) => self.listing(path.as_deref(), Form::Facts(self.facts)),
            _ => return None,
        })
    }

    fn listing(&self, path: Option<&str>, form: Form) -> Result<Job, PathError> {
        let path = path.map_or_else(|| Ok(self.folder.clone()), |path| self.path(path))?;
        Ok(Job::List { path, form })
    }

    async fn answer(&mut self, command: Command) -> Result<Reply, Reply> {
        let server = self.server.clone();
        match command {
            Command::Pwd => Ok(Reply::new(
                257,
                format!("{} is the current folder", quoted(&self.folder)),
            )),
            Command::Cwd(text) => self.change_folder(self.path(&text)?).await,
            Command::Cdup => self.change_folder(self.folder.parent()).await,
            Command::Mkd(text) => {
                let path = self.path(&text)?;
                let made = format!("{} was made", quoted(&path));
                server.on_card(move |card| card.make_folder(&path)).await?;
                Ok(Reply::new(257, made))
            }
            Command::Rmd(text) => {
                let path = self.path(&text)?;
                server
                    .on_card(move |card| card.remove_folder(&path))
                    .await?;
                Ok(Reply::new(250, "removed"))
            }
            Command::Dele(text) => {
                let path = self.path(&text)?;
                server.on_card(move |card| card.remove(&path)).await?;
                Ok(Reply::new(250, "removed"))
            }
            Command::Rnfr(text) => {
                let path = self.path(&text)?;
                let asked = path.clone();
                server.on_card(move |card| card.metadata(&asked)).await?;
                self.rename = Some(path);
                Ok(Reply::new(350, "RNTO next"))
            }
            Command::Allo(size) => {
                server.on_card(move |card| room(card, size)).await?;
                Ok(Reply::new(200, "there is room"))
            }
            Command::Size(text) => self.size(self.path(&text)?).await,
            Command::Mdtm(text) => {
                let path = self.path(&text)?;
                let entry = server.on_card(move |card| card.metadata(&path)).await?;
                Ok(Reply::new(213, stamp(entry.modified)))
            }
            Command::Mfmt(time, text) => {
                let path = self.path(&text)?;
                let done = format!("Modify={}; {path}", stamp(time));
                server
                    .on_card(move |card| card.set_modified(&path, time))
                    .await?;
                Ok(Reply::new(213, done))
            }
            Command::Mlst(text) => self.facts(text.as_deref()).await,
            Command::Pasv => self.open_port(),
            Command::Epsv(argument) => self.open_extended(argument),
            Command::Rest(offset) => {
                self.offset = offset;
                Ok(Reply::new(
                    350,
                    format!("the next transfer starts at {offset}"),
                ))
            }
            Command::Stat => Ok(Reply::with_body(
                211,
                "Status:",
                vec!["logged in, no transfer".to_owned()],
            )),
            Command::Abor => {
                self.passive = Passive::Closed;
                Ok(Reply::new(226, "there is no transfer"))
            }
            Command::User(_) | Command::Pass(_) => Err(Reply::new(503, "logged in already")),
            _ => Err(Reply::new(502, "this command is not offered")),
        }
    }

    async fn change_folder(&mut self, path: CardPath) -> Result<Reply, Reply> {
        let asked = path.clone();
        let entry = self
            .server
            .on_card(move |card| card.metadata(&asked))
            .await?;
        if entry.kind != Kind::Folder {
            return Err(CardError::NotAFolder.into());
        }
        self.folder = path;
        Ok(Reply::new(
            250,
            format!("{} is the current folder", quoted(&self.folder)),
        ))
    }

    async fn rename(&self, from: Option<CardPath>, to: &str) -> Result<Reply, Reply> {
        let from = from.ok_or_else(|| Reply::new(503, "RNFR first"))?;
        let to = self.path(to)?;
        self.server
            .on_card(move |card| card.rename(&from, &to))
            .await?;
        Ok(Reply::new(250, "renamed"))
    }

    /// The size that an upload has to go on from: where one was cut off, that of its piece, even if an older file
    /// stands in its place.
    async fn size(&self, path: CardPath) -> Result<Reply, Reply> {
        let size = self
            .server
            .on_card(move |card| match card.partial_size(&path) {
                Some(size) => Ok(size),
                None => match card.metadata(&path)? {
                    entry if entry.kind == Kind::File => Ok(entry.size),
                    _ => Err(CardError::NotAFile),
                },
            });
        Ok(Reply::new(213, size.await?.to_string()))
    }

    async fn facts(&self, text: Option<&str>) -> Result<Reply, Reply> {
        let path = text.map_or_else(|| Ok(self.folder.clone()), |text| self.path(text))?;
        let asked = path.clone();
        let entry = self
            .server
            .on_card(move |card| card.metadata(&asked))
            .await?;
        Ok(Reply::with_body(
            250,
            "Listing:",
            vec![format!("{} {path}", self.facts.of(&entry))],
        ))
    }

    fn open_port(&mut self) -> Result<Reply, Reply> {
        self.passive = Passive::Closed;
        if self.extended_only {
            return Err(Reply::new(503, "EPSV ALL was said"));
        }
        let IpAddr::V4(address) = self.local.ip().to_canonical() else {
            return Err(Reply::new(425, "EPSV is for IPv6"));
        };
        let port = self.listen()?;
        let [a, b, c, d] = address.octets();
        let [high, low] = port.to_be_bytes();
        Ok(Reply::new(
            227,
            format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low})"),
        ))
    }

    fn open_extended(&mut self, argument: Extended) -> Result<Reply, Reply> {
        self.passive = Passive::Closed;
        let four = self.local.ip().to_canonical().is_ipv4();
        match argument {
            Extended::All => {
                self.extended_only = true;
                return Ok(Reply::new(200, "EPSV only, from now on"));
            }
            Extended::Four if !four => return Err(Reply::new(522, "use (2)")),
            Extended::Six if four => return Err(Reply::new(522, "use (1)")),
            _ => {}
        }
        let port = self.listen()?;
        Ok(Reply::new(
            229,
            format!("Entering Extended Passive Mode (|||{port}|)"),
        ))
    }

    fn listen(&mut self) -> Result<u16, Reply> {
        let opened = Passive::open(self.local, self.peer);
        let (passive, port) = opened.map_err(|_| Reply::new(425, "no port could be opened"))?;
        self.passive = passive;
        Ok(port)
    }
}

/// What NLST puts before each name: the folder as the client named it.
fn prefix(path: Option<&str>) -> String {
    match path {
        None | Some("." | "./") => String::new(),
        Some(path) if path.ends_with('/') => path.to_owned(),
        Some(path) => format!("{path}/"),
    }
}

fn room(card: &firstlayer_card::Card, size: u64) -> Result<(), CardError> {
    let limit = card.limits().largest_file;
    if size > limit {
        Err(CardError::TooLarge { limit })
    } else if size > card.space()? {
        Err(CardError::NoSpace)
    } else {
        Ok(())
    }
}

/// In quotes, those in the path doubled (RFC 959, appendix II).
fn quoted(path: &CardPath) -> String {
    format!("\"{}\"", path.to_string().replace('"', "\"\""))
}
