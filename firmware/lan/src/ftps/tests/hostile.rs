use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::super::limits::{CHUNK_BYTES, DATA_CONNECTION, IDLE, STALLED, TRANSFERS};
use super::client::{Client, Close, Way, end};
use super::*;

/// What comes until the peer closes, or resets.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    bytes
}

/// Lets a deadline pass.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time + Duration::from_secs(1)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn plain_ftp_on_the_control_port_gets_no_word_of_ftp() {
    let printer = Printer::start().await;
    let mut stream = TcpStream::connect(printer.address).await.unwrap();
    stream
        .write_all(b"USER bblp\r\nPASS k2m4n6p8\r\nSTOR x\r\n")
        .await
        .unwrap();
    let answer = rest(&mut stream).await;
    // An alert at most.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}

#[tokio::test]
async fn data_before_prot_p_is_refused() {
    let printer = Printer::start().await;
    for way in [Way::Pasv, Way::Epsv] {
        let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
        assert_eq!(client.code("USER bblp").await, 331);
        assert_eq!(client.code(&format!("PASS {CODE}")).await, 230);
        for command in [
            "STOR /cache/x",
            "RETR /cache/x",
            "APPE /cache/x",
            "LIST",
            "NLST",
            "MLSD",
        ] {
            let mut data = client.dial(way).await;
            let _ = data.write_all(b"clear text").await;
            assert_eq!(client.code(command).await, 521, "{way:?} {command}");
            assert!(rest(&mut data).await.is_empty());
        }
    }
    assert!(printer.on_disk("cache").is_empty());
}

#[tokio::test]
async fn prot_c_is_refused_and_changes_nothing() {
    let printer = Printer::start().await;
    for way in [Way::Pasv, Way::Epsv] {
        let mut client = printer.client().await;
        for level in ["C", "S", "E", "c"] {
            assert_eq!(client.code(&format!("PROT {level}")).await, 536);
        }
        let mut data = client.dial(way).await;
        assert_eq!(client.code("STOR /cache/x").await, 150);
        data.write_all(b"clear text that is no hello")
            .await
            .unwrap();
        assert_eq!(client.reply().await.unwrap().0, 425);
        assert!(printer.on_disk("cache").is_empty());
        // An alert at most.
        let answer = rest(&mut data).await;
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
        assert_eq!(client.code("NOOP").await, 200);
    }
}

#[tokio::test]
async fn data_connections_from_elsewhere_are_turned_away() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let port = client.port(Way::Pasv).await;
    let mut stranger = Client::dial_from("127.0.0.2", port).await;
    let _ = stranger.write_all(b"bounce").await;
    assert!(rest(&mut stranger).await.is_empty());
    // The place is still the client's.
    let mine = TcpStream::connect(port).await.unwrap();
    assert_eq!(client.code("STOR /cache/x").await, 150);
    let mut data = client.encrypt(mine).await.unwrap();
    data.write_all(b"mine").await.unwrap();
    end(data, Close::Notify).await;
    assert_eq!(client.reply().await.unwrap().0, 226);
    assert_eq!(printer.bytes("cache/x").unwrap(), b"mine");
}

#[tokio::test]
async fn a_flood_of_silent_connections_does_not_reach_a_client_that_speaks() {
    let printer = Printer::start().await;
    let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(printer.address).await.unwrap());
    }
    // Connections are accepted in their order: when this one is greeted, all of the flood have been.
    let mut last = Client::connect(&printer, Client::config(&printer, &[])).await;
    client.log_in().await;
    last.log_in().await;
    // The places that both took are the flood's.
    assert!(rest(&mut silent[0]).await.is_empty());
}

#[tokio::test]
async fn the_server_connects_to_nobody() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    assert_eq!(client.code("PORT 127,0,0,1,0,25").await, 502);
    assert_eq!(client.code("EPRT |1|127.0.0.1|25|").await, 502);
}

#[tokio::test]
async fn a_flood_of_pasv_leaves_one_port() {
    // An address of its own: on a shared one, another test may get the number of a closed port.
    let printer = Printer::at("127.0.0.7:0").await;
    let mut client = printer.client().await;
    let mut ports = Vec::new();
    for turn in 0..200 {
        let way = if turn % 2 == 0 { Way::Pasv } else { Way::Epsv };
        ports.push(client.port(way).await);
    }
    let last = ports.pop().unwrap();
    for port in ports {
        assert!(
            port == last || TcpStream::connect(port).await.is_err(),
            "{port} is open"
        );
    }
    assert_eq!(client.code("ABOR").await, 226);
    assert!(TcpStream::connect(last).await.is_err());
}

#[tokio::test]
async fn a_port_closes_when_its_client_has_come() {
    // An address of its own: on a shared one, another test may get the number of a closed port.
    let printer = Printer::at("127.0.0.8:0").await;
    let mut client = printer.client().await;
    let port = client.port(Way::Epsv).await;
    let _mine = TcpStream::connect(port).await.unwrap();
    // The system takes some into the queue of a port that is about to close.
    while TcpStream::connect(port).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_line_without_end_is_cut_off() {
    let printer = Printer::start().await;
    let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
    client.send_bytes(&vec![b'A'; 1281]).await;
    assert_eq!(client.reply().await.map(|(code, _)| code), Some(500));
    assert!(client.reply().await.is_none());
}

#[tokio::test]
async fn strangers_get_nothing() {
    let printer = Printer::start().await;
    let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
    let lines = "PASV,EPSV,LIST,STOR x,RETR x,PWD,CWD /,SIZE x,MLST,DELE x,STAT,REST 1";
    for line in lines.split(',') {
        assert_eq!(client.code(line).await, 530, "{line}");
    }
    assert_eq!(client.code("PASS k2m4n6p8").await, 503);
}

#[tokio::test]
async fn guessers_are_cut_off() {
    let printer = Printer::start().await;
    let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
    for (user, code, last) in [
        ("bblp", "wrong001", 530),
        ("root", CODE, 530),
        ("bblp", "", 421),
    ] {
        assert_eq!(client.code(&format!("USER {user}")).await, 331);
        assert_eq!(client.code(&format!("PASS {code}")).await, last);
    }
    assert!(client.reply().await.is_none());
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let printer = Printer::start().await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink(outside.path(), printer.folder.path().join("cache/link")).unwrap();
    let mut client = printer.client().await;
    let absolute = outside.path().join("secret");
    for path in [
        "../secret",
        "/../../etc/passwd",
        "/sdcard/../../etc/passwd",
        "cache/../../x",
        "/cache/link/secret",
        "/cache/link",
        absolute.to_str().unwrap(),
        "x\0y",
        "/cache/.upload-x",
        "/cache/.UPLOAD-x",
    ] {
        for verb in ["RETR", "STOR", "APPE", "NLST", "MLSD"] {
            client.dial(Way::Epsv).await;
            let code = client.code(&format!("{verb} {path}")).await;
            assert!((550..=553).contains(&code), "{code} {verb} {path:?}");
        }
        for verb in ["SIZE", "MDTM", "RNFR", "MKD", "RMD", "CWD", "MLST"] {
            let code = client.code(&format!("{verb} {path}")).await;
            assert!((550..=553).contains(&code), "{code} {verb} {path:?}");
        }
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(client.text("NLST /cache").await, "");
}

#[tokio::test]
async fn a_torn_or_forged_record_is_no_end_of_a_file() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let forged = [&[23, 3, 3, 0, 20][..], &[7; 20]].concat();
    for bytes in [&[23, 3, 3, 0x10, 0, 1, 2, 3][..], &[23, 3], &forged] {
        let mut data = client.begin(Way::Epsv, "STOR /cache/x").await;
        data.write_all(b"the start").await.unwrap();
        data.flush().await.unwrap();
        data.get_mut().0.write_all(bytes).await.unwrap();
        end(data, Close::Fin).await;
        // It may come while the handshake is still under way.
        assert!(matches!(client.reply().await.unwrap().0, 425 | 426));
        assert!(printer.bytes("cache/x").is_none());
    }
}

#[tokio::test]
async fn a_silent_upload_ends() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let mut data = client.begin(Way::Epsv, "STOR /cache/x").await;
    // One buffer: once it is on the card, the server waits for the next byte.
    data.write_all(&model(CHUNK_BYTES)).await.unwrap();
    data.flush().await.unwrap();
    printer.until_some_of("/cache/x").await;
    pass(STALLED).await;
    assert_eq!(client.reply().await.unwrap().0, 426);
    assert!(printer.bytes("cache/x").is_none());
}

#[tokio::test]
async fn a_data_connection_that_never_comes_is_given_up() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    client.port(Way::Epsv).await;
    assert_eq!(client.code("STOR /cache/x").await, 150);
    pass(DATA_CONNECTION).await;
    assert_eq!(client.reply().await.unwrap().0, 425);
    assert!(printer.on_disk("cache").is_empty());
}

#[tokio::test]
async fn a_client_that_says_nothing_is_sent_away() {
    // An address of its own: on a shared one, another test may get the number of a closed port.
    let printer = Printer::at("127.0.0.9:0").await;
    let mut client = printer.client().await;
    let port = client.port(Way::Epsv).await;
    pass(IDLE).await;
    assert_eq!(client.reply().await.unwrap().0, 421);
    assert!(client.reply().await.is_none());
    assert!(TcpStream::connect(port).await.is_err());
}

#[tokio::test]
async fn an_upload_without_end_is_refused_and_leaves_nothing() {
    let printer = Printer::with_card(|limits| limits.largest_file = 50_000).await;
    let mut client = printer.client().await;
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"old", Close::Fin)
            .await,
        226
    );
    let mut data = client.begin(Way::Epsv, "STOR /cache/x").await;
    // The server closes when it has had enough.
    let _ = data.write_all(&model(100_000)).await;
    assert_eq!(client.reply().await.unwrap().0, 552);
    assert_eq!(printer.on_disk("cache"), ["x"]);
    assert_eq!(printer.bytes("cache/x").unwrap(), b"old");
}

#[tokio::test]
async fn a_full_card_takes_no_upload() {
    let printer = Printer::with_card(|limits| limits.keep_free = u64::MAX).await;
    let mut client = printer.client().await;
    client.dial(Way::Epsv).await;
    assert_eq!(client.code("STOR /cache/x").await, 452);
    assert_eq!(client.code("ALLO 1").await, 452);
}

#[tokio::test]
async fn transfers_that_hang_do_not_fill_the_memory() {
    let printer = Printer::start().await;
    let mut hanging = Vec::new();
    for number in 0..TRANSFERS {
        let mut client = printer.client().await;
        let data = client
            .begin(Way::Epsv, &format!("STOR /cache/{number}"))
            .await;
        hanging.push((client, data));
    }
    let mut client = printer.client().await;
    client.dial(Way::Epsv).await;
    assert_eq!(client.code("STOR /cache/x").await, 450);
    let (mut first, data) = hanging.pop().unwrap();
    end(data, Close::Notify).await;
    assert_eq!(first.reply().await.unwrap().0, 226);
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"x", Close::Fin)
            .await,
        226
    );
}

#[tokio::test]
async fn lan_mode_goes_off_whatever_peers_do() {
    let mut printer = Printer::at("127.0.0.10:0").await;
    let mut half_open = TcpStream::connect(printer.address).await.unwrap();
    let mut stranger = Client::connect(&printer, Client::config(&printer, &[])).await;
    let mut idle = printer.client().await;
    let mut listening = printer.client().await;
    let port = listening.port(Way::Epsv).await;
    let mut waiting = printer.client().await;
    let mut no_handshake = waiting.dial(Way::Pasv).await;
    assert_eq!(waiting.code("STOR /cache/x").await, 150);
    printer.off().await;
    assert!(rest(&mut half_open).await.is_empty());
    assert!(rest(&mut no_handshake).await.is_empty());
    assert!(stranger.reply().await.is_none());
    for client in [&mut idle, &mut listening, &mut waiting] {
        assert_eq!(client.reply().await.unwrap().0, 421);
        assert!(client.reply().await.is_none());
    }
    for address in [printer.address, port] {
        assert!(TcpStream::connect(address).await.is_err());
    }
    assert!(printer.on_disk("cache").is_empty());
}
