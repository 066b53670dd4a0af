//! A client in memory: the network is the repository's files, the store survives from one run to the next.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use firstlayer_metadata::{Client, ClientError, Error, Limits, Local, Remote, Target};

use crate::repository::Repository;

pub(crate) type TestClient = Client<Web, Memory>;
pub(crate) type TestError = ClientError<io::Error, io::Error>;

/// The repository's metadata folder as this client sees it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Web {
    pub(crate) files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    pub(crate) requests: Rc<RefCell<Vec<String>>>,
    pub(crate) fails_on: Rc<RefCell<Option<String>>>,
}

impl Remote for Web {
    type Error = io::Error;

    fn fetch(&mut self, file: &str, _limit: u64) -> io::Result<Option<Vec<u8>>> {
        self.requests.borrow_mut().push(file.to_owned());
        if self.fails_on.borrow().as_deref() == Some(file) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(self
            .files
            .borrow()
            .get(&format!("metadata/{file}"))
            .cloned())
    }
}

/// A store in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(pub(crate) Rc<RefCell<BTreeMap<String, Vec<u8>>>>);

impl Local for Memory {
    type Error = io::Error;

    fn load(&mut self, file: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.borrow().get(file).cloned())
    }

    fn store(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(file.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, file: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(file);
        Ok(())
    }
}

/// A printer that keeps its store between runs.
pub(crate) struct Printer {
    pub(crate) web: Web,
    pub(crate) memory: Memory,
    pub(crate) limits: Limits,
    pub(crate) anchor: Vec<u8>,
}

impl Printer {
    pub(crate) fn new(repository: &Repository) -> Self {
        let anchor = repository.trust_anchor();
        let (web, memory) = (Web::default(), Memory::default());
        Self {
            web,
            memory,
            limits: Limits::default(),
            anchor,
        }
    }

    /// A new run: a client that knows only what is stored.
    pub(crate) fn start(&self) -> TestClient {
        let (web, memory) = (self.web.clone(), self.memory.clone());
        Client::new(web, memory, &self.anchor, self.limits).unwrap()
    }

    /// A run that brings the metadata up to date.
    pub(crate) fn refresh(&self, repository: &Repository) -> Result<TestClient, Error> {
        self.refresh_at(repository, "2030-01-01T00:00:00Z")
    }

    pub(crate) fn refresh_at(
        &self,
        repository: &Repository,
        now: &str,
    ) -> Result<TestClient, Error> {
        self.web.files.replace(repository.files.clone());
        self.web.requests.borrow_mut().clear();
        let mut client = self.start();
        client
            .refresh(now.parse().unwrap())
            .map_err(metadata_error)?;
        Ok(client)
    }

    /// A run that looks for a target.
    pub(crate) fn find(
        &self,
        repository: &Repository,
        path: &str,
    ) -> Result<Option<Target>, Error> {
        let mut client = self.refresh(repository)?;
        client.find_target(&path.parse()?).map_err(metadata_error)
    }

    pub(crate) fn stored(&self, file: &str) -> Option<Vec<u8>> {
        self.memory.0.borrow().get(file).cloned()
    }

    /// The files fetched since the last run began.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.web.requests.borrow().clone()
    }
}

/// A refusal of metadata, for tests in which neither network nor store fail.
pub(crate) fn metadata_error(error: TestError) -> Error {
    match error {
        ClientError::Metadata(error) => error,
        other => panic!("not a refusal of metadata: {other}"),
    }
}
