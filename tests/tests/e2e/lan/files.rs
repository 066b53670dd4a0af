//! Files on the card: every mode of the clients, equal bytes both ways, and uploads that end badly.

use std::fs;
use std::process::Command;
use std::time::Duration;

use firstlayer_tests::clients::python_with;
use firstlayer_tests::debian::Tool;
use firstlayer_tests::device::{Device, LIMIT, OWNER, client_script};
use firstlayer_tests::owner::{Owner, USUAL};
use firstlayer_tests::process::{Process, run};
use firstlayer_tests::watch::Writes;
use firstlayer_tests::{plate, skip};

use super::{on_every_build, on_host};

const SIX_MEGABYTES: usize = 6 << 20;

/// Half a minute for a host build; several under emulation.
const HUNDRED_UPLOADS: Duration = Duration::from_secs(900);

/// curl's words for each way to open a data connection, each TLS version, and with and without session reuse.
const CURL_MODES: [&[&str]; 6] = [
    &["--tlsv1.3"],
    &["--tls-max", "1.2"],
    &["--tlsv1.3", "--no-sessionid"],
    &["--tls-max", "1.2", "--no-sessionid"],
    &["--disable-epsv", "--ftp-skip-pasv-ip"],
    &["--disable-epsv", "--tls-max", "1.2", "--no-sessionid"],
];

#[test]
fn curl_gets_back_what_it_brought() {
    on_every_build(|device| {
        let owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let bytes = plate::noise(SIX_MEGABYTES);
        let file = plate::file(device.folder(), "noise.bin", &bytes);
        let back = device.folder().join("back.bin");
        for mode in CURL_MODES {
            let brought = [mode, &["--upload-file", file.to_str().unwrap()]].concat();
            device.run_ok(&owner.curl(&brought, "model/noise.bin"));
            assert!(
                fs::read(device.card().join("model/noise.bin")).unwrap() == bytes,
                "{mode:?}: stored"
            );
            let list = device.run_ok(&owner.curl(mode, "model/")).stdout;
            assert!(
                list.contains(&format!(" {SIX_MEGABYTES} ")) && list.contains(" noise.bin"),
                "{mode:?}: {list}"
            );
            let fetched = [mode, &["--output", back.to_str().unwrap()]].concat();
            device.run_ok(&owner.curl(&fetched, "model/noise.bin"));
            assert!(fs::read(&back).unwrap() == bytes, "{mode:?}: fetched");
            device.run_ok(&owner.curl(&[mode, &["--quote", "DELE model/noise.bin"]].concat(), ""));
            assert!(
                !device.card().join("model/noise.bin").exists(),
                "{mode:?}: deleted"
            );
        }
    });
}

#[test]
fn lftp_gets_back_what_it_brought() {
    on_every_build(|device| {
        let lftp = match Tool::find("lftp", "lftp") {
            Ok(lftp) => lftp,
            Err(reason) => skip!("{reason}"),
        };
        let bytes = plate::noise(SIX_MEGABYTES);
        let file = plate::file(device.folder(), "noise.bin", &bytes);
        let back = device.folder().join("back.bin");
        for (epsv, reuse, versions) in [
            ("yes", "yes", "+VERS-TLS1.3"),
            ("no", "yes", "+VERS-TLS1.2"),
            ("yes", "no", "+VERS-TLS1.2"),
            ("no", "no", "+VERS-TLS1.3"),
        ] {
            let _ = fs::remove_file(&back);
            let script = format!(
                "set ssl:ca-file {ca}; set ssl:check-hostname no; set ftp:ssl-force yes; set ftp:prefer-epsv {epsv}; \
                 set ftp:ssl-copy-sid {reuse}; set ssl:priority NORMAL:-VERS-ALL:{versions}; set net:max-retries 1; \
                 set cmd:fail-exit yes; open -u bblp,{code} ftps://{OWNER}:990; put {file} -o image/noise.bin; \
                 cls -l image/; get image/noise.bin -o {back}; rm image/noise.bin; bye",
                ca = device.authority().display(),
                code = device.access_code(),
                file = file.display(),
                back = back.display(),
            );
            let mut client = lftp.command();
            // Not the settings of whoever runs the tests.
            client
                .args(["--norc", "-c", &script])
                .env("HOME", device.folder())
                .env("LFTP_HOME", device.folder());
            let output = device.run_ok(&client);
            let mode = format!("epsv {epsv}, reuse {reuse}, {versions}");
            assert!(
                output.stdout.contains(&SIX_MEGABYTES.to_string()),
                "{mode}: {output}"
            );
            assert!(fs::read(&back).unwrap() == bytes, "{mode}: fetched");
            assert!(
                !device.card().join("image/noise.bin").exists(),
                "{mode}: deleted"
            );
        }
    });
}

/// The client closes its data connection without close_notify, as Python's ssl and others do.
#[test]
fn a_hundred_uploads_by_an_abrupt_client_are_whole_or_told() {
    on_every_build(|device| {
        let python = match python_with("plain", &[]) {
            Ok(python) => python,
            Err(reason) => skip!("{reason}"),
        };
        let bytes = plate::noise(SIX_MEGABYTES);
        let file = plate::file(device.folder(), "noise.bin", &bytes);
        let mut client = Command::new(python);
        client
            .arg(client_script("abrupt.py"))
            .args([OWNER.to_string().as_str(), &device.access_code(), "100"])
            .arg(file)
            .arg(device.card());
        let client = &mut device.network().inside(&client);
        let told = run(client, HUNDRED_UPLOADS)
            .expect_success("the abrupt client")
            .stdout;
        let counts: Vec<u32> = told
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [whole, told_broken, silently_broken] = counts[..] else {
            panic!("{told}")
        };
        assert_eq!((whole + told_broken, silently_broken), (100, 0), "{told}");
        firstlayer_tests::skip::note(&format!(
            "abrupt uploads: {whole} whole, {told_broken} refused with an error"
        ));
    });
}

#[test]
fn an_interrupted_upload_is_resumed() {
    on_host(|mut device| {
        let bytes = plate::noise(SIX_MEGABYTES);
        let file = plate::file(device.folder(), "noise.bin", &bytes);
        let file = file.to_str().unwrap();
        let cache = device.card().join("cache");
        fs::create_dir_all(&cache).unwrap();
        let writes = Writes::into(&cache);
        let cut = match Owner::connect(&device, USUAL) {
            Ok(owner) => {
                let slow = ["--upload-file", file, "--limit-rate", "200k"];
                let upload = owner.curl(&slow, "cache/noise.bin");
                Process::spawn(&mut device.network().inside(&upload))
            }
            Err(reason) => skip!("{reason}"),
        };
        writes.wait_for(".upload-noise.bin", LIMIT);
        cut.kill();
        let told = device.hear(LIMIT, |line| line.contains("an upload was cut off"));
        assert!(told.is_some(), "the cut was not noticed");
        assert!(!cache.join("noise.bin").exists(), "a part has the name");
        let owner = Owner::connect(&device, USUAL).unwrap();
        let resumed = ["--upload-file", file, "--continue-at", "-", "--verbose"];
        let output = device.run_ok(&owner.curl(&resumed, "cache/noise.bin"));
        assert!(
            output.stderr.contains("SIZE noise.bin") && !output.stderr.contains("< 550"),
            "{output}"
        );
        assert!(fs::read(cache.join("noise.bin")).unwrap() == bytes);
    });
}

#[test]
fn a_job_from_a_broken_archive_does_not_start() {
    on_host(|device: Device| {
        let mut owner = match Owner::connect(&device, USUAL) {
            Ok(owner) => owner,
            Err(reason) => skip!("{reason}"),
        };
        let whole = plate::archive(plate::SHORT, 100_000);
        let broken = [
            ("truncated.3mf", whole[..whole.len() - 100].to_vec()),
            ("changed.3mf", changed(&whole)),
        ];
        for (name, bytes) in broken {
            let file = plate::file(device.folder(), name, &bytes);
            owner.upload(&file, name);
            let start = serde_json::json!({
                "command": "project_file", "url": format!("ftp:///{name}"), "param": "Metadata/plate_1.gcode",
            });
            let told = owner.command("print", start);
            assert_ne!(told["result"], "success", "{name}: {told}");
            assert!(
                !told["reason"].as_str().unwrap_or_default().is_empty(),
                "{name}: {told}"
            );
        }
    });
}

/// The digest beside the plate is another one's.
fn changed(archive: &[u8]) -> Vec<u8> {
    let other = plate::archive("G28\n", 0);
    let digest = |bytes: &[u8]| {
        let name = b"plate_1.gcode.md5";
        let at = bytes
            .windows(name.len())
            .position(|window| window == name)
            .unwrap()
            + name.len();
        at..at + 32
    };
    let mut changed = archive.to_vec();
    changed[digest(archive)].copy_from_slice(&other[digest(&other)]);
    changed
}
