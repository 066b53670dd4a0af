use firstlayer_card::CardPath;
use firstlayer_machine::{Light, SpeedLevel};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::protocol::{
    CardFile, Command, Decision, ErrorCode, JobSource, Nozzle, Spool, Verdict, Wanted,
};

fn only(request: &Value) -> Call {
    let mut calls = read_request(request.to_string().as_bytes()).unwrap();
    assert_eq!(calls.len(), 1, "{request}");
    calls.remove(0)
}

fn command(request: Value) -> Command {
    only(&request).command.unwrap()
}

fn refusal(request: Value) -> String {
    only(&request).command.unwrap_err().reason
}

fn path(text: &str) -> CardPath {
    CardPath::parse(text, &CardPath::root()).unwrap()
}

fn url(url: &str) -> Result<JobSource, String> {
    let project = json!({"print": {
        "command": "project_file", "param": "Metadata/plate_1.gcode", "url": url,
    }});
    match only(&project).command {
        Ok(Command::Project(project)) => Ok(project.source),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal.reason),
    }
}

fn card(text: &str) -> Result<JobSource, String> {
    Ok(JobSource::Card(CardFile {
        path: path(text),
        or: None,
    }))
}

#[test]
fn one_message_may_carry_several_commands() {
    let request = br#"{"pushing":{"command":"pushall"},"info":{"command":"get_version"},
        "upgrade":{"command":"get_history"},"user_id":"1","header":{"sign_ver":"v1"}}"#;
    let calls = read_request(request).unwrap();
    let commands: Vec<_> = calls
        .into_iter()
        .map(|call| call.command.unwrap())
        .collect();
    assert_eq!(
        commands,
        [Command::Push, Command::Version, Command::FirmwareHistory]
    );
}

#[test]
fn a_message_of_too_many_or_no_commands_is_refused() {
    assert_eq!(read_request(b"{}"), Err(RequestError::Empty));
    assert_eq!(
        read_request(br#"{"user_id":"1"}"#),
        Err(RequestError::Empty)
    );
    let many: Map<String, Value> = (0..limits::COMMANDS + 1)
        .map(|number| (format!("s{number}"), json!({"command": "x"})))
        .collect();
    assert_eq!(
        read_request(Value::Object(many).to_string().as_bytes()),
        Err(RequestError::TooMany)
    );
}

#[test]
fn the_answer_has_the_same_sequence_number_in_the_same_type() {
    for number in [
        json!("10000000"),
        json!(7),
        json!(-1),
        json!(u64::MAX),
        json!(""),
    ] {
        let call = only(&json!({"print": {"command": "pause", "sequence_id": number}}));
        let answer = call.tag.answer(Ok(Map::new()));
        assert_eq!(
            answer,
            json!({"print": {
                "command": "pause", "sequence_id": number, "result": "success", "reason": "",
            }})
        );
    }
    for absent in [
        json!({"command": "pause"}),
        json!({"command": "pause", "sequence_id": null}),
    ] {
        let answer = only(&json!({"print": absent})).tag.answer(Ok(Map::new()));
        assert_eq!(answer["print"].get("sequence_id"), None);
    }
}

#[test]
fn a_sequence_number_that_is_none_is_refused() {
    for odd in [
        json!(1.5),
        json!([]),
        json!({"a": 1}),
        json!(true),
        json!("x".repeat(100)),
    ] {
        let call = only(&json!({"print": {"command": "stop", "sequence_id": odd}}));
        assert!(call.command.is_err(), "{odd}");
        assert_eq!(
            call.tag.answer(Ok(Map::new()))["print"].get("sequence_id"),
            None
        );
    }
    let huge = br#"{"print":{"command":"stop","sequence_id":123456789012345678901234567890}}"#;
    assert!(read_request(huge).unwrap()[0].command.is_err());
}

#[test]
fn a_failure_says_why() {
    let call = only(&json!({"print": {"command": "pause", "sequence_id": "1"}}));
    let refusal = Refusal::new("no").with_code(ErrorCode::FileNotFound);
    assert_eq!(
        call.tag.answer(Err(&refusal)),
        json!({"print": {
            "command": "pause", "sequence_id": "1",
            "result": "failed", "reason": "no", "print_error": 83935248,
        }})
    );
}

#[test]
fn no_url_is_repeated_to_other_clients() {
    let call = only(&json!({"print": {
        "command": "project_file", "param": "https://h/x?sig=secret", "sequence_id": "1",
        "url": "https://storage.example/x.3mf?X-Amz-Signature=secret",
    }}));
    assert!(
        !call
            .tag
            .answer(Ok(Map::new()))
            .to_string()
            .contains("secret")
    );
    assert!(!format!("{call:?}").contains("secret"));
}

#[test]
fn files_on_the_card_are_named_in_many_ways() {
    assert_eq!(url("ftp:///x.3mf"), card("x.3mf"));
    assert_eq!(url("ftp:///cache/x.3mf"), card("cache/x.3mf"));
    assert_eq!(url("ftp://x.3mf"), card("x.3mf"));
    assert_eq!(url("FTP://x.3mf"), card("x.3mf"));
    assert_eq!(url("file:///sdcard/x.3mf"), card("x.3mf"));
    assert_eq!(url("file:///x.3mf"), card("x.3mf"));
    assert_eq!(url("/sdcard/x.3mf"), card("x.3mf"));
    let both = |first, second| {
        Ok(JobSource::Card(CardFile {
            path: path(first),
            or: Some(path(second)),
        }))
    };
    assert_eq!(
        url("file:///sdcard/model/two%20words.3mf"),
        both("model/two words.3mf", "model/two%20words.3mf")
    );
    assert_eq!(
        url("ftp:///two%20words.3mf"),
        both("two%20words.3mf", "two words.3mf")
    );
    assert_eq!(url("ftp:///100%.3mf"), card("100%.3mf"));
}

#[test]
fn what_leads_out_of_the_card_is_refused() {
    for odd in [
        "ftp:///../x",
        "file:///sdcard/../../etc/passwd",
        "ftp:///a\u{0}b",
    ] {
        assert!(url(odd).is_err(), "{odd}");
    }
    // Read as it is, it is a name and no way out.
    assert_eq!(url("file:///%2e%2e/x"), card("%2e%2e/x"));
}

#[test]
fn clear_text_and_other_schemes_are_refused() {
    assert!(url("http://h/x.3mf").unwrap_err().contains("clear text"));
    assert!(url("HTTP://h/x.3mf").unwrap_err().contains("clear text"));
    for other in [
        "ftps://h/x",
        "javascript://x",
        "https://",
        "data://x",
        "brtc://x",
    ] {
        assert!(url(other).is_err(), "{other}");
    }
    assert!(url(&format!("https://h/{}", "x".repeat(5000))).is_err());
}

#[test]
fn an_https_url_hides_its_query_and_user() {
    let Ok(JobSource::Https(found)) = url("https://me:pass@h:8443/b/x.3mf?X-Amz-Signature=s#f")
    else {
        panic!("no https source");
    };
    assert_eq!(
        format!("{found} {found:?}"),
        "https://h:8443/b/x.3mf?… https://h:8443/b/x.3mf?…"
    );
    assert_eq!(found.expose().query(), Some("X-Amz-Signature=s"));
}

#[test]
fn a_project_file_needs_a_plate_and_a_url() {
    let with = |more: Value| {
        let mut fields = json!({
            "command": "project_file", "url": "ftp:///x.3mf", "param": "Metadata/plate_2.gcode",
            "bed_leveling": true, "bed_levelling": true, "ams_mapping": "", "skip_objects": null,
            "use_ams": false, "task_id": 5, "subtask_name": "cube", "md5": "",
        });
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        only(&json!({"print": fields})).command
    };
    let Ok(Command::Project(project)) = with(json!({})) else {
        panic!("refused");
    };
    assert_eq!(project.plate.to_string(), "Metadata/plate_2.gcode");
    assert_eq!(project.ids.task, "5");
    assert_eq!((project.name.as_str(), project.md5), ("cube", None));
    assert!(with(json!({"ams_mapping": [0, -1]})).is_ok());
    assert!(with(json!({"md5": "00112233445566778899AABBCCDDEEFF"})).is_ok());
    for odd in [
        json!({"param": "Metadata/plate_0.gcode"}),
        json!({"param": "Metadata/plate_99999.gcode"}),
        json!({"param": "Metadata/../plate_1.gcode"}),
        json!({"param": "x"}),
        json!({"param": null}),
        json!({"url": null}),
        json!({"url": 5}),
        json!({"md5": "0011"}),
        json!({"md5": "x".repeat(32)}),
        json!({"skip_objects": "all"}),
        json!({"skip_objects": vec![1; 1000]}),
        json!({"subtask_name": "x".repeat(1000)}),
    ] {
        assert!(with(odd.clone()).is_err(), "{odd}");
    }
}

#[test]
fn jobs_are_paused_resumed_stopped_and_hurried() {
    let print = |command| command_of("print", command);
    assert_eq!(print("pause"), Command::Pause);
    assert_eq!(print("resume"), Command::Resume);
    assert_eq!(print("stop"), Command::Stop);
    assert_eq!(print("clean_print_error"), Command::ClearError);
    assert_eq!(print("push_status"), Command::Push);
    let speed = |param| json!({"print": {"command": "print_speed", "param": param}});
    assert_eq!(
        command(speed(json!("3"))),
        Command::Speed(SpeedLevel::Sport)
    );
    assert_eq!(command(speed(json!(1))), Command::Speed(SpeedLevel::Silent));
    for odd in [
        json!("0"),
        json!(5),
        json!("260"),
        json!(null),
        json!(-1),
        json!(1.5),
    ] {
        refusal(speed(odd));
    }
    let skip = |list| json!({"print": {"command": "skip_objects", "obj_list": list}});
    assert_eq!(command(skip(json!([1, 2]))), Command::Skip(vec![1, 2]));
    refusal(skip(json!([-1])));
}

#[test]
fn gcode_is_bounded_text() {
    let line =
        |text: &str| only(&json!({"print": {"command": "gcode_line", "param": text}})).command;
    let Ok(Command::Gcode(gcode)) = line("G90\nG0 Z10\n") else {
        panic!("refused");
    };
    assert_eq!(gcode.as_str(), "G90\nG0 Z10");
    for odd in [
        "",
        "\n \n",
        "G28\u{0}",
        "G28\u{1b}[2J",
        &"G28\n".repeat(10_000),
    ] {
        assert!(line(odd).is_err(), "{odd:?}");
    }
    // A raw newline inside the string.
    let raw = b"{\"print\":{\"command\":\"gcode_line\",\"param\":\"M104 S200\nM140 S60\"}}";
    assert!(read_request(raw).unwrap()[0].command.is_ok());
    assert!(
        refusal(json!({"print": {"command": "gcode_line", "auto_recovery": true}}))
            .contains("lost steps")
    );
}

#[test]
fn gcode_files_are_named_by_path_or_url() {
    let file = |param| json!({"print": {"command": "gcode_file", "param": param}});
    assert_eq!(
        command(file("/sdcard/x.gcode")),
        Command::File(JobSource::Card(CardFile {
            path: path("x.gcode"),
            or: None
        }))
    );
    refusal(file("http://h/x.gcode"));
    refusal(file(""));
}

#[test]
fn light_and_nozzle_are_set() {
    let light = |fields: Value| only(&json!({"system": fields})).command;
    let off = json!({"command": "ledctrl", "led_node": "chamber_light", "led_mode": "off", "led_on_time": 500});
    assert_eq!(light(off), Ok(Command::Light(Light::Off)));
    assert_eq!(
        light(json!({"led_mode": "on"})),
        Ok(Command::Light(Light::On))
    );
    assert!(
        light(json!({"command": "ledctrl", "led_node": "work_light", "led_mode": "on"})).is_err()
    );
    assert!(light(json!({"led_mode": "bright"})).is_err());
    let nozzle = |diameter: Value, material: &str| {
        only(&json!({"system": {
            "accessory_type": "nozzle", "command": "set_accessories",
            "nozzle_diameter": diameter, "nozzle_type": material,
        }}))
        .command
    };
    assert_eq!(
        nozzle(json!(0.6), "hardened_steel"),
        Ok(Command::Nozzle(Nozzle {
            diameter: "0.6",
            material: "hardened_steel"
        }))
    );
    assert!(nozzle(json!("0.4"), "stainless_steel").is_ok());
    assert!(nozzle(json!(0.5), "stainless_steel").is_err());
    assert!(nozzle(json!(1e300), "gold").is_err());
}

#[test]
fn only_the_external_spool_can_be_told_of() {
    let spool = |ams: u32| {
        only(&json!({"print": {
            "command": "ams_filament_setting", "ams_id": ams, "tray_id": 254,
            "tray_info_idx": "GFL00", "tray_color": "FF00AAFF",
            "nozzle_temp_min": 190, "nozzle_temp_max": 250, "tray_type": "PLA",
        }}))
        .command
    };
    assert_eq!(
        spool(255),
        Ok(Command::Spool(Spool {
            info: "GFL00".into(),
            material: "PLA".into(),
            colour: "FF00AAFF".into(),
            coldest: 190,
            hottest: 250,
        }))
    );
    assert!(spool(0).unwrap_err().reason.contains("no AMS"));
}

#[test]
fn what_the_printer_has_not_is_refused_with_the_reason() {
    let cases = [
        ("print", "ams_control", "AMS"),
        ("print", "ams_user_setting", "AMS"),
        ("print", "ams_change_filament", "by hand"),
        ("print", "calibration", "calibrates"),
        ("print", "extrusion_cali_get", "extrusion"),
        ("print", "print_option", "option"),
        ("camera", "ipcam_record_set", "camera"),
        ("xcam", "xcam_control_set", "camera"),
        ("system", "get_access_code", "access code"),
        ("pushing", "stop", "every client"),
        ("print", "fly", "does not know"),
        ("info", "fly", "does not know"),
        ("system", "fly", "does not know"),
        ("upgrade", "fly", "does not know"),
        ("cloud", "fly", "does not know"),
        ("kitchen", "boil", "does not know"),
    ];
    for (section, command, reason) in cases {
        let call = only(&json!({section: {"command": command, "sequence_id": "9"}}));
        let refusal = call.command.clone().unwrap_err();
        assert!(
            refusal.reason.contains(reason),
            "{section}.{command}: {refusal}"
        );
        let answer = call.tag.answer(Err(&refusal));
        assert_eq!(answer[section]["result"], "failed");
        assert_eq!(answer[section]["sequence_id"], "9");
    }
    assert!(refusal(json!({"print": 5})).contains("not an object"));
    assert!(refusal(json!({"print": {}})).contains("missing"));
    assert!(refusal(json!({"print": {"command": 5}})).contains("not a text"));
}

#[test]
fn updates_are_named_by_version_and_never_by_url() {
    let upgrade = |fields: Value| only(&json!({"upgrade": fields})).command;
    let wanted = |text: &str| Ok(Command::Upgrade(Some(text.parse::<Wanted>().unwrap())));
    let start = json!({"command": "start", "src_id": 1, "url": "https://evil.example/x",
        "module": "ota", "version": "01.05.00.00"});
    assert_eq!(upgrade(start), wanted("01.05.00.00"));
    assert_eq!(
        upgrade(json!({"command": "upgrade_confirm", "src_id": 2})),
        Ok(Command::Upgrade(None))
    );
    let history = json!({"command": "upgrade_history", "src_id": 2,
        "firmware_optional": {"firmware": {"version": "1.4.0", "url": "http://evil.example/x"}}});
    assert_eq!(upgrade(history), wanted("1.4.0"));
    assert_eq!(
        upgrade(json!({"command": "consistency_confirm", "src_id": 1})),
        Ok(Command::Consistency)
    );
    assert!(upgrade(json!({"command": "upgrade_history", "src_id": 2})).is_err());
    assert!(upgrade(json!({"command": "start", "module": "ams", "version": "1.4.0"})).is_err());
    assert!(upgrade(json!({"command": "start", "version": "newest"})).is_err());
}

#[test]
fn decisions_are_checked() {
    let decision = |more: Value| {
        let mut fields = json!({
            "command": "decision", "decision": "update-required", "reason": "no https",
            "deadline": "2026-11-25T00:00:00Z", "version": "1.4.0", "help": "https://example.com/x",
        });
        fields
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        only(&json!({"cloud": fields})).command
    };
    let expected = Decision {
        verdict: Verdict::UpdateRequired,
        reason: "no https".into(),
        deadline: Some("2026-11-25T00:00:00Z".parse().unwrap()),
        version: Some("1.4.0".parse().unwrap()),
        help: Some("https://example.com/x".into()),
    };
    assert_eq!(decision(json!({})), Ok(Command::Decide(expected)));
    for odd in [
        json!({"decision": "explode"}),
        json!({"deadline": "soon"}),
        json!({"version": "new"}),
        json!({"help": "http://example.com"}),
        json!({"reason": "x".repeat(1000)}),
    ] {
        assert!(decision(odd.clone()).is_err(), "{odd}");
    }
    assert_eq!(
        command(json!({"system": {"command": "set_lan_mode", "enable": true}})),
        Command::LanMode(true)
    );
}

fn command_of(section: &str, name: &str) -> Command {
    command(json!({section: {"command": name}}))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop_oneof![
            Just("project_file"),
            Just("gcode_line"),
            Just("ledctrl"),
            Just("decision"),
            Just("start"),
            Just("ams_filament_setting"),
            Just("http://x"),
            Just("on"),
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let key = prop_oneof![
            Just("command"),
            Just("param"),
            Just("url"),
            Just("sequence_id"),
            Just("version"),
            Just("led_mode"),
            Just("firmware_optional"),
            Just("firmware"),
            Just("decision"),
        ]
        .prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_request(&bytes);
    }

    #[test]
    fn every_command_of_any_shape_has_an_answer(value in any_json(), section in 0..SECTIONS.len()) {
        let request = json!({ SECTIONS[section]: value });
        // What is nested too deep, or holds a number that JSON does not know, is no request.
        let calls = read_request(request.to_string().as_bytes()).unwrap_or_default();
        for call in calls {
            let outcome = call.command.as_ref().map(|_| Map::new());
            let answer = call.tag.answer(outcome);
            prop_assert!(answer.to_string().len() < 2048);
            prop_assert!(answer[SECTIONS[section]]["result"].is_string());
        }
    }
}
