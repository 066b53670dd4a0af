use super::client::{Client, Close, Way};
use super::*;

#[tokio::test]
async fn features_are_named_before_login_too() {
    let printer = Printer::start().await;
    let mut client = Client::connect(&printer, Client::config(&printer, &[])).await;
    let (code, text) = client.ask("FEAT").await;
    assert_eq!(code, 211);
    let wanted = "AUTH TLS,UTF8,MLST ,REST STREAM,SIZE,MDTM,PBSZ,PROT,EPSV,MFMT";
    for feature in wanted.split(',') {
        assert!(
            text.contains(&format!("\r\n {feature}")),
            "{feature} in {text}"
        );
    }
    assert_eq!(client.code("SYST").await, 215);
    assert_eq!(client.code("OPTS UTF8 ON").await, 200);
    assert_eq!(client.code("QUIT").await, 221);
    assert!(client.reply().await.is_none());
}

#[tokio::test]
async fn what_clients_ask_for_is_answered() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    for (line, code) in [
        ("PWD", 257),
        ("TYPE I", 200),
        ("TYPE A", 200),
        ("TYPE E", 504),
        ("STRU F", 200),
        ("MODE S", 200),
        ("MODE Z", 504),
        ("NOOP", 200),
        ("STAT", 211),
        ("HELP", 214),
        ("ALLO 5", 200),
        ("ALLO 99999999999999", 552),
        ("ABOR", 226),
        ("REST 5", 350),
        ("SITE CHMOD 777 x", 502),
        ("XYZZY", 502),
        ("STOR", 501),
        ("AUTH TLS", 534),
        ("USER bblp", 503),
        ("RNTO x", 503),
        ("RETR /cache/x", 425),
        ("EPSV 2", 522),
        ("EPSV ALL", 200),
        ("PASV", 503),
    ] {
        assert_eq!(client.code(line).await, code, "{line}");
    }
}

#[tokio::test]
async fn folders_are_walked() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    assert_eq!(client.code("CWD /sdcard/model").await, 250);
    assert_eq!(client.code("MKD a \"b\"").await, 257);
    assert_eq!(client.code("CWD a \"b\"").await, 250);
    assert!(client.ask("PWD").await.1.contains("\"/model/a \"\"b\"\"\""));
    assert_eq!(client.code("CDUP").await, 250);
    assert_eq!(client.code("CWD ..").await, 250);
    assert!(client.ask("PWD").await.1.contains("\"/\""));
    assert_eq!(client.code("CWD nowhere").await, 550);
    assert_eq!(client.code("RMD /model/a \"b\"").await, 250);
    assert_eq!(client.code("RMD /model").await, 550);
    assert!(printer.on_disk("model").is_empty());
}

#[tokio::test]
async fn listings_show_files() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    let code = client
        .upload(Way::Epsv, "STOR /cache/x y.3mf", b"12345", Close::Fin)
        .await;
    assert_eq!(code, 226);
    let (code, text) = client.ask("MFMT 20261102120000 /cache/x y.3mf").await;
    assert_eq!(
        (code, text.as_str()),
        (213, "213 Modify=20261102120000; /cache/x y.3mf\r\n")
    );
    assert_eq!(
        client.ask("MDTM /cache/x y.3mf").await.1,
        "213 20261102120000\r\n"
    );
    assert_eq!(client.ask("SIZE /cache/x y.3mf").await.1, "213 5\r\n");
    assert_eq!(client.code("SIZE /cache").await, 550);

    let line = client.text("LIST -al /sdcard/cache").await;
    assert!(
        line.starts_with("-rw-r--r-- 1 root root 5 Nov 02 "),
        "{line}"
    );
    assert!(line.ends_with(" x y.3mf\r\n"), "{line}");
    let folders = client.text("LIST").await;
    assert!(
        folders
            .lines()
            .all(|line| line.starts_with("drwxr-xr-x 1 root root 0 ")),
        "{folders}"
    );
    assert_eq!(client.text("NLST cache").await, "cache/x y.3mf\r\n");
    assert_eq!(client.text("NLST cache/x y.3mf").await, "cache/x y.3mf\r\n");
    assert_eq!(client.code("CWD cache").await, 250);
    assert_eq!(client.text("NLST").await, "x y.3mf\r\n");
    let facts = "type=file;size=5;modify=20261102120000;";
    assert_eq!(client.text("MLSD").await, format!("{facts} x y.3mf\r\n"));
    let (_, text) = client.ask("MLST x y.3mf").await;
    assert!(
        text.contains(&format!("\r\n {facts} /cache/x y.3mf\r\n")),
        "{text}"
    );
    assert_eq!(client.code("OPTS MLST size;").await, 200);
    assert_eq!(client.text("MLSD").await, "size=5; x y.3mf\r\n");
    client.dial(Way::Epsv).await;
    assert_eq!(client.code("MLSD x y.3mf").await, 550);
}

#[tokio::test]
async fn files_are_renamed_and_removed() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"x", Close::Fin)
            .await,
        226
    );
    assert_eq!(client.code("RNFR /cache/nothing").await, 550);
    assert_eq!(client.code("RNTO /cache/y").await, 503);
    assert_eq!(client.code("RNFR /cache/x").await, 350);
    assert_eq!(client.code("RNTO /model/y").await, 250);
    assert_eq!(printer.bytes("model/y").unwrap(), b"x");
    assert_eq!(client.code("DELE /model/y").await, 250);
    assert_eq!(client.code("DELE /model/y").await, 550);
}

#[tokio::test]
async fn lines_may_come_in_one_piece() {
    let printer = Printer::start().await;
    let mut client = printer.client().await;
    client.send_bytes(b"NOOP\r\nPWD\r\nSYST\r\n").await;
    for code in [200, 257, 215] {
        assert_eq!(client.reply().await.unwrap().0, code);
    }
}

#[tokio::test]
async fn over_ipv6_there_is_epsv_only() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        let may_skip = std::env::var_os("FIRSTLAYER_TESTS_SKIP_NOTHING").is_none();
        assert!(may_skip, "no IPv6 on this machine");
        println!("SKIPPED 1: no IPv6 on this machine");
        return;
    };
    let printer = Printer::on(listener);
    let mut client = printer.client().await;
    assert_eq!(client.code("PASV").await, 425);
    assert_eq!(client.code("EPSV 1").await, 522);
    assert_eq!(
        client
            .upload(Way::Epsv, "STOR /cache/x", b"x", Close::Fin)
            .await,
        226
    );
}
