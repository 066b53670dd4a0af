use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::super::limits::QUEUED;
use super::client::{Client, Close, Way, end};
use super::*;

/// An upload of which some has reached the card.
async fn begun(printer: &Printer, client: &mut Client) -> TlsStream<TcpStream> {
    let mut data = client.begin(Way::Epsv, "STOR /cache/x").await;
    data.write_all(&model(100_000)).await.unwrap();
    data.flush().await.unwrap();
    printer.until_some_of("/cache/x").await;
    data
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_arrive_in_every_way_that_clients_have() {
    let printer = Printer::start().await;
    let bytes = model(1_500_000);
    let ways = [Way::Pasv, Way::Epsv];
    for (version, way) in [&TLS12, &TLS13]
        .into_iter()
        .flat_map(|v| ways.map(|way| (v, way)))
    {
        for close in [Close::Notify, Close::Fin] {
            let mut client = Client::connect(&printer, Client::config(&printer, &[version])).await;
            client.log_in().await;
            let case = format!("{version:?} {way:?} {close:?}");
            let code = client
                .upload(way, "STOR /sdcard/cache/x.3mf", &bytes, close)
                .await;
            assert_eq!(code, 226, "{case}");
            assert!(printer.bytes("cache/x.3mf").unwrap() == bytes, "{case}");
            let (back, resumed) = client.download(way, "RETR /cache/x.3mf").await;
            assert!(back == bytes, "{case}");
            assert!(resumed, "{case}");
            assert_eq!(client.code("DELE /cache/x.3mf").await, 250, "{case}");
        }
    }
}

#[tokio::test]
async fn sessions_need_not_be_resumed() {
    let printer = Printer::start().await;
    let mut config = Client::config(&printer, &[]);
    config.resumption = rustls::client::Resumption::disabled();
    let mut client = Client::connect(&printer, config).await;
    client.log_in().await;
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR x", b"12345", Close::Fin)
            .await,
        226
    );
    assert_eq!(
        client.download(Way::Epsv, "RETR x").await,
        (b"12345".to_vec(), false)
    );
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    for close in [Close::Notify, Close::Fin] {
        assert_eq!(
            client.upload(Way::Epsv, "STOR /cache/x", b"", close).await,
            226
        );
        assert_eq!(client.download(Way::Epsv, "RETR /cache/x").await.0, b"");
    }
}

#[tokio::test]
async fn the_old_file_stays_until_the_new_one_is_whole() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"old", Close::Fin)
            .await,
        226
    );
    let data = begun(&printer, &mut client).await;
    assert_eq!(printer.bytes("cache/x").unwrap(), b"old");
    assert_eq!(client.code("NOOP").await, 200);
    assert_eq!(client.code("STAT").await, 213);
    end(data, Close::Fin).await;
    assert_eq!(client.reply().await.unwrap().0, 226);
    assert!(printer.bytes("cache/x").unwrap() == model(100_000));
}

#[tokio::test]
async fn an_upload_that_was_reset_is_resumed() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let bytes = model(200_000);
    let data = begun(&printer, &mut client).await;
    end(data, Close::Reset).await;
    assert_eq!(client.reply().await.unwrap().0, 426);
    assert!(printer.bytes("cache/x").is_none());
    assert_eq!(client.text("NLST /cache").await, "");

    let size = client.ask("SIZE /cache/x").await.1;
    let size: usize = size.trim_start_matches("213 ").trim().parse().unwrap();
    assert!((1..=100_000).contains(&size));
    assert_eq!(client.code(&format!("REST {size}")).await, 350);
    let code = client
        .upload(Way::Pasv, "STOR /cache/x", &bytes[size..], Close::Notify)
        .await;
    assert_eq!(code, 226);
    assert!(printer.bytes("cache/x").unwrap() == bytes);
    assert_eq!(printer.on_disk("cache"), ["x"]);
}

#[tokio::test]
async fn resuming_behind_what_there_is_is_refused() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    client.dial(Way::Epsv).await;
    assert_eq!(client.code("REST 5").await, 350);
    assert_eq!(client.code("STOR /cache/x").await, 554);
    // The offset counted for that transfer alone.
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"12345", Close::Fin)
            .await,
        226
    );
    client.dial(Way::Epsv).await;
    assert_eq!(client.code("REST 6").await, 350);
    assert_eq!(client.code("RETR /cache/x").await, 554);
}

#[tokio::test]
async fn files_are_appended_to_and_read_from_an_offset() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    assert_eq!(
        client
            .upload(Way::Epsv, "APPE /cache/x", b"012", Close::Fin)
            .await,
        226
    );
    assert_eq!(
        client
            .upload(Way::Epsv, "APPE /cache/x", b"345", Close::Fin)
            .await,
        226
    );
    assert_eq!(client.code("REST 4").await, 350);
    assert_eq!(client.download(Way::Epsv, "RETR /cache/x").await.0, b"45");
    assert_eq!(
        client.download(Way::Epsv, "RETR /cache/x").await.0,
        b"012345"
    );
}

#[tokio::test]
async fn an_aborted_upload_leaves_a_piece() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let _data = begun(&printer, &mut client).await;
    assert_eq!(client.code("ABOR").await, 426);
    assert_eq!(client.reply().await.unwrap().0, 226);
    assert!(printer.bytes("cache/x").is_none());
    assert_eq!(client.code("SIZE /cache/x").await, 213);
    assert_eq!(client.code("DELE /cache/x").await, 250);
    assert!(printer.on_disk("cache").is_empty());
}

#[tokio::test]
async fn an_aborted_download_leaves_the_session() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    // More than the sockets' own buffers take.
    let file = fs::File::create(printer.folder.path().join("cache/x")).unwrap();
    file.set_len(100_000_000).unwrap();
    let mut data = client.begin(Way::Epsv, "RETR /cache/x").await;
    data.read_exact(&mut [0]).await.unwrap();
    assert_eq!(client.code("ABOR").await, 426);
    assert_eq!(client.reply().await.unwrap().0, 226);
    assert_eq!(client.code("NOOP").await, 200);
}

#[tokio::test]
async fn lines_that_come_in_a_transfer_wait_for_its_end() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let mut data = client.begin(Way::Epsv, "STOR /cache/x").await;
    for _ in 0..2 * QUEUED {
        client.send("SIZE /cache/x").await;
    }
    data.write_all(b"12345").await.unwrap();
    end(data, Close::Notify).await;
    assert_eq!(client.reply().await.unwrap().0, 226);
    for _ in 0..2 * QUEUED {
        assert_eq!(client.reply().await.unwrap().1, "213 5\r\n");
    }
}

#[tokio::test]
async fn a_client_that_goes_with_a_command_unanswered_takes_no_place() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let _data = begun(&printer, &mut client).await;
    client.send("SIZE /cache/x").await;
    drop(client);
    printer.until_left_alone("/cache/x").await;
    assert!(printer.bytes("cache/x").is_none());
}

#[tokio::test]
async fn two_uploads_of_one_file_do_not_mix() {
    let printer = Printer::start().await;
    let (mut first, mut second) = (printer.client().await, printer.client().await);
    let data = begun(&printer, &mut first).await;
    second.dial(Way::Epsv).await;
    assert_eq!(second.code("STOR /cache/x").await, 450);
    end(data, Close::Fin).await;
    assert_eq!(first.reply().await.unwrap().0, 226);
    assert!(printer.bytes("cache/x").unwrap() == model(100_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lan_mode_off_leaves_nothing_of_an_upload() {
    // An address of its own: on a shared one, another test may get the number of a closed port.
    let mut printer = Printer::at("127.0.0.11:0").await;
    let mut client = printer.client().await;
    let _data = begun(&printer, &mut client).await;
    printer.off().await;
    assert!(printer.on_disk("cache").is_empty());
    assert_eq!(client.reply().await.unwrap().0, 421);
    assert!(client.reply().await.is_none());
    assert!(TcpStream::connect(printer.address).await.is_err());
}

#[tokio::test]
async fn a_changed_code_ends_sessions_and_keeps_their_pieces() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let _data = begun(&printer, &mut client).await;
    printer
        .access
        .change(&AccessCode::parse("another8").unwrap());
    assert_eq!(client.reply().await.unwrap().0, 421);
    assert!(client.reply().await.is_none());
    assert!(printer.bytes("cache/x").is_none());
    assert_eq!(printer.on_disk("cache").len(), 1);
}

#[tokio::test]
async fn a_client_that_was_killed_leaves_no_file_that_looks_whole() {
    for data_first in [true, false] {
        let printer = Printer::start().await;
        let mut client = printer.client().await;
        let data = begun(&printer, &mut client).await;
        // Its system closes what it had open, in one order or the other.
        if data_first {
            tokio::time::pause();
            drop(data);
            // The clock stands still while the server sees the one end, and not yet the other.
            for _ in 0..10_000 {
                tokio::task::yield_now().await;
            }
            drop(client);
            tokio::time::resume();
        } else {
            drop(client);
            drop(data);
        }
        printer.until_left_alone("/cache/x").await;
        assert!(printer.bytes("cache/x").is_none());
        assert_eq!(printer.on_disk("cache").len(), 1);
    }
}
