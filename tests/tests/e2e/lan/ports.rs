//! Which ports are open when, as a port scanner sees it, and what they speak.

use std::process::Command;
use std::time::{Duration, Instant};

use firstlayer_tests::debian::Tool;
use firstlayer_tests::device::{Build, Device, OWNER};
use firstlayer_tests::owner::{Owner, USUAL};
use firstlayer_tests::process::Process;
use firstlayer_tests::{plate, skip};

use super::{on, on_every_build, on_host};

/// UDP's named ports: discovery's, and those of protocols that a printer might have.
const UDP: &str = "U:53,67,68,123,161,1883,1900,1990,2021,5353,8883";

/// The open ports of the printer's address: every TCP port, and the UDP ports named.
fn open_ports(device: &Device) -> Result<Vec<String>, String> {
    let nmap = Tool::find("nmap", "nmap")?;
    let mut scan = nmap.command();
    if let Some(data) = nmap.unpacked("usr/share/nmap") {
        scan.arg("--datadir").arg(data);
    }
    scan.args([
        "-n",
        "-Pn",
        "-sT",
        "-sU",
        "-T5",
        "--min-rate",
        "20000",
        "-oG",
        "-",
        "-p",
    ])
    .arg(format!("T:1-65535,{UDP}"))
    .arg(OWNER.to_string());
    let output = device.run(&scan);
    if !output.succeeded() {
        return Err(format!("nmap cannot scan here: {output}"));
    }
    // Host: 127.0.0.1 ()	Ports: 990/open/tcp//ftps///, 8883/open/tcp//secure-mqtt///
    let ports = output
        .stdout
        .lines()
        .filter_map(|line| line.split_once("Ports: "))
        .flat_map(|(_, ports)| {
            ports
                .split(['\t', ','])
                .map(|port| port.trim().to_owned())
                .collect::<Vec<_>>()
        });
    // An open UDP port that says nothing to a stranger looks like one that is filtered.
    let open = ports.filter_map(|port| {
        let mut fields = port.split('/');
        let (number, state, protocol) = (fields.next()?.to_owned(), fields.next()?, fields.next()?);
        state
            .starts_with("open")
            .then(|| format!("{number}/{protocol}"))
    });
    Ok(open.collect())
}

#[test]
fn lan_mode_decides_which_ports_are_open() {
    on_every_build(|device| {
        device.say(&["lan", "off"]);
        let scan = |state: &str| match open_ports(&device) {
            Ok(ports) => Some((state.to_owned(), ports)),
            Err(reason) => {
                firstlayer_tests::skip::report(&reason);
                None
            }
        };
        let Some((_, off)) = scan("off") else { return };
        assert_eq!(off, Vec::<String>::new(), "open while LAN mode is off");
        device.say(&["lan", "on"]);
        let (_, mut on) = scan("on").unwrap();
        on.sort();
        assert_eq!(
            on,
            ["2021/udp", "8883/tcp", "990/tcp"],
            "open while LAN mode is on"
        );
        device.say(&["lan", "off"]);
        let (_, off) = scan("off again").unwrap();
        assert_eq!(
            off,
            Vec::<String>::new(),
            "open after LAN mode was turned off"
        );
    });
}

#[test]
fn turning_lan_mode_off_ends_everything_within_a_second() {
    on_host(|device| {
        let owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let file = plate::file(device.folder(), "noise.bin", &plate::noise(6 << 20));
        let slow = [
            "--upload-file",
            file.to_str().unwrap(),
            "--limit-rate",
            "200k",
        ];
        let mut upload = Process::spawn(
            &mut device
                .network()
                .inside(&owner.curl(&[&slow[..], &["--verbose"]].concat(), "cache/noise.bin")),
        );
        let begun = upload.wait_for_line(Duration::from_secs(60), |line| line.contains("< 150"));
        assert!(begun.is_some(), "the upload did not begin");
        let before = Instant::now();
        let told = device.say(&["lan", "off"]);
        let took = before.elapsed();
        assert_eq!(told["lan_mode"], "off");
        // The promise is a second; the command's own start and end, and whatever else this machine does, are in it.
        firstlayer_tests::skip::note(&format!("LAN mode off in mid-upload took {took:?}"));
        assert!(took < Duration::from_secs(5), "it took {took:?}");
        let output = upload.finish(Duration::from_secs(20));
        assert!(!output.succeeded(), "the upload went on: {output}");
        let mut connections = Command::new("ss");
        connections.args(["--no-header", "--tcp", "--numeric", "state", "established"]);
        assert_eq!(
            device.run_ok(&connections).stdout,
            "",
            "connections of {owner:?} are left"
        );
        let left: Vec<_> = walk(&device.card());
        assert!(left.is_empty(), "left on the card: {left:?}");
    });
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn scanners_find_nothing_below_tls_1_2() {
    on_every_build(|device| {
        let sslscan = match Tool::find("sslscan", "sslscan") {
            Ok(sslscan) => sslscan,
            Err(reason) => skip!("{reason}"),
        };
        for port in [8883, 990] {
            let mut scan = sslscan.command();
            scan.args([
                "--no-colour",
                "--show-certificate",
                &format!("{OWNER}:{port}"),
            ]);
            let output = device.run_ok(&scan).stdout;
            for old in ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"] {
                assert!(
                    output
                        .lines()
                        .any(|line| line.starts_with(old) && line.ends_with("disabled")),
                    "{old}: {output}"
                );
            }
            for new in ["TLSv1.2", "TLSv1.3"] {
                assert!(
                    output
                        .lines()
                        .any(|line| line.starts_with(new) && line.ends_with("enabled")),
                    "{new}: {output}"
                );
            }
            let suites: Vec<&str> = output
                .lines()
                .filter(|line| line.starts_with("Preferred") || line.starts_with("Accepted"))
                .collect();
            assert!(suites.len() >= 6, "{output}");
            for suite in suites {
                assert!(
                    suite.contains(" TLS_") || suite.contains(" ECDHE-"),
                    "no forward secrecy: {suite}"
                );
                assert!(
                    suite.contains("GCM") || suite.contains("CHACHA20"),
                    "weak: {suite}"
                );
            }
            assert!(output.contains("not vulnerable to heartbleed"), "{output}");
            assert!(
                !output.contains("Insecure") && !output.contains("VULNERABLE"),
                "{output}"
            );
        }
    });
}

/// A TLS 1.1 client gets an alert, and nothing else.
#[test]
fn old_tls_is_refused() {
    on(Build::host(), &|device: Device| {
        for port in [8883, 990] {
            let mut client = Command::new("openssl");
            client.args([
                "s_client",
                "-connect",
                &format!("{OWNER}:{port}"),
                "-tls1_1",
                "-cipher",
                "ALL:@SECLEVEL=0",
            ]);
            let output = device.run(&client);
            assert!(!output.succeeded(), "{output}");
            assert!(output.stdout.contains("Cipher is (NONE)"), "{output}");
            assert!(output.stderr.contains("SSL alert number"), "{output}");
        }
    });
}
