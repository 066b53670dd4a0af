//! Clients of other people download what was published here, over plain HTTP, from the published root.

use firstlayer_tests::clients::{self, Order};
use firstlayer_tests::fixture::BOARDS;
use firstlayer_tests::process::Output;
use firstlayer_tests::release::published;
use firstlayer_tests::server::Server;
use firstlayer_tests::skip;

#[test]
fn python_tuf_downloads_every_bundle() {
    if let Err(reason) = downloads_every_bundle(clients::python_tuf) {
        skip!("{reason}");
    }
}

#[test]
fn tuf_js_downloads_every_bundle() {
    if let Err(reason) = downloads_every_bundle(clients::tuf_js) {
        skip!("{reason}");
    }
}

#[test]
fn tough_downloads_every_bundle() {
    downloads_every_bundle(|order| Ok(clients::tough(order))).unwrap();
}

/// `Err` if the client cannot be had on this machine.
fn downloads_every_bundle(
    download: impl Fn(Order<'_>) -> Result<Output, String>,
) -> Result<(), String> {
    let published = published();
    let server = Server::of(&published.folder);
    for target in BOARDS
        .map(|board| published.bundle(board))
        .into_iter()
        .chain(["stable.json".to_owned()])
    {
        let folder = tempfile::tempdir().unwrap();
        let root = published.root();
        let order = Order {
            root: &root,
            repository: &server.url(),
            target: &target,
            folder: folder.path(),
        };
        download(order)?.expect_success(&format!("downloading {target}"));
        let downloaded = std::fs::read(order.out()).unwrap();
        assert!(
            downloaded == published.target(&target),
            "{target} differs from what was published"
        );
    }
    Ok(())
}
