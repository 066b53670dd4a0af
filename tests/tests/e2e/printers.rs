//! Emulated printers of both boards: what they install, what stops them, and what they do about it.

mod life;
mod transfer;
mod trouble;

use std::path::Path;

use firstlayer_tests::fixture::{BOARDS, BoardUnderTest, Fixture};
use firstlayer_tests::printer::Printer;
use firstlayer_tests::server::{Reply, Request, Server};

/// A served fixture with the release 1.1.0, and a printer that follows it.
struct Scene {
    folder: tempfile::TempDir,
    fixture: Fixture,
    server: Server,
    printer: Printer,
}

impl Scene {
    fn new(board: BoardUnderTest) -> Self {
        Self::with_rule(board, |_| Reply::File)
    }

    /// With a server that has a rule of its own for bundles.
    fn with_rule(
        board: BoardUnderTest,
        rule: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let fixture = Fixture::new(board).release("1.1.0");
        let folder = tempfile::tempdir().unwrap();
        fixture.publish(folder.path());
        let server = Server::with_rule(folder.path(), None, rule);
        let printer = Printer::of_fixtures(board, &server.url());
        Self {
            folder,
            fixture,
            server,
            printer,
        }
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Runs a test on both boards.
fn on_both(test: impl Fn(BoardUnderTest)) {
    BOARDS.into_iter().for_each(test);
}
