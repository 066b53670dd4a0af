//! The printer's reports: all of it in one object, and what has changed since. The types of the fields are those of
//! `lan-protocol.md`: where clients parse a text, it is a text, and target temperatures are whole numbers.

use std::fmt;

use firstlayer_machine::{Light, Pause, Reading, Stage};
use semver::Version;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    command::{JobIds, Nozzle, Spool},
    decision::Decision,
    refusal::ErrorCode,
    version::FourPart,
};

/// Everything that a report tells.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The machine.
    pub reading: &'a Reading,
    /// What the printer is doing.
    pub state: PrinterState,
    /// The job that is, or was the last.
    pub job: Option<JobFacts<'a>>,
    /// What went wrong last and was not dismissed yet, with the sentence for it.
    pub error: Option<(ErrorCode, String)>,
    /// What the external spool holds.
    pub spool: &'a Spool,
    /// The nozzle that is fitted.
    pub nozzle: Nozzle,
    /// Strength of the Wi-Fi signal in dBm.
    pub wifi_signal: Option<i16>,
    /// Whether LAN mode is on.
    pub lan_mode: bool,
    /// What the cloud decided.
    pub decision: Option<&'a Decision>,
    /// The version that runs.
    pub version: &'a Version,
    /// How the update stands.
    pub upgrade: UpgradeFacts<'a>,
}

/// The job, as reports tell of it.
#[derive(Debug)]
pub struct JobFacts<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its file.
    pub file: &'a str,
    /// Whether the cloud sent it.
    pub from_cloud: bool,
    /// The sender's numbers for it.
    pub ids: &'a JobIds,
    /// How much of its file is there, in percent.
    pub prepared: u8,
}

/// The update, as reports tell of it.
#[derive(Debug)]
pub struct UpgradeFacts<'a> {
    /// The word for what is going on.
    pub status: &'static str,
    /// Progress in percent.
    pub percent: u8,
    /// A sentence, or nothing.
    pub message: &'a str,
    /// Whether the last one failed.
    pub failed: bool,
    /// The release to install, if there is one.
    pub newest: Option<&'a Version>,
}

/// What the printer is doing, in the words of `gcode_state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum PrinterState {
    /// Nothing.
    Idle,
    /// It brings or checks a file, or heats and homes.
    Prepare,
    /// It prints.
    Running,
    /// It holds a print.
    Pause,
    /// The print was carried out to its end.
    Finish,
    /// The print ended before.
    Failed,
}

impl PrinterState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "IDLE",
            Self::Prepare => "PREPARE",
            Self::Running => "RUNNING",
            Self::Pause => "PAUSE",
            Self::Finish => "FINISH",
            Self::Failed => "FAILED",
        }
    }
}

impl From<&Stage> for PrinterState {
    fn from(stage: &Stage) -> Self {
        match stage {
            Stage::Idle => Self::Idle,
            Stage::Prepare => Self::Prepare,
            Stage::Running => Self::Running,
            Stage::Paused(_) => Self::Pause,
            Stage::Finished => Self::Finish,
            Stage::Failed(_) => Self::Failed,
        }
    }
}

impl fmt::Display for PrinterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Makes messages of reports: numbers them, and knows what was said last.
#[derive(Debug, Default)]
pub struct Reporter {
    sequence: u64,
    told: Map<String, Value>,
    moved: bool,
}

/// Fields that a message repeats though they have not changed, so that it says something.
const PULSE: [&str; 3] = [STATE, "mc_percent", "wifi_signal"];
const STATE: &str = "gcode_state";

impl Reporter {
    /// Takes note of the state between two messages. One that was left and is back by the next is told all the same:
    /// whoever sends a job must hear that it failed at once, also where the one before had failed.
    pub fn note(&mut self, state: PrinterState) {
        let told = self.told.get(STATE).and_then(Value::as_str);
        self.moved |= told != Some(state.as_str());
    }

    /// Everything (`msg` 0). What others were told is as it was.
    pub fn full(&mut self, facts: &Facts<'_>) -> Value {
        self.message(0, fields(facts))
    }

    /// What has changed since the last one (`msg` 1); nothing if nothing has.
    pub fn changes(&mut self, facts: &Facts<'_>) -> Option<Value> {
        let now = fields(facts);
        let mut changed = now.clone();
        let moved = std::mem::take(&mut self.moved);
        changed.retain(|key, value| {
            self.told.get(key) != Some(value) || (moved && key.as_str() == STATE)
        });
        self.told = now;
        (!changed.is_empty()).then(|| self.message(1, changed))
    }

    /// A sign of life (`msg` 1).
    pub fn pulse(&mut self, facts: &Facts<'_>) -> Value {
        let mut fields = fields(facts);
        fields.retain(|key, _| PULSE.contains(&key.as_str()));
        self.message(1, fields)
    }

    fn message(&mut self, msg: u8, mut fields: Map<String, Value>) -> Value {
        self.sequence = self.sequence.wrapping_add(1);
        fields.insert("command".to_owned(), "push_status".into());
        fields.insert("msg".to_owned(), msg.into());
        fields.insert("sequence_id".to_owned(), self.sequence.to_string().into());
        json!({ "print": fields })
    }
}

fn fields(facts: &Facts<'_>) -> Map<String, Value> {
    let parts = [
        machine(facts),
        job(facts),
        materials(facts),
        upgrade(facts),
        constant(),
    ];
    let mut fields = Map::new();
    for part in parts {
        if let Value::Object(part) = part {
            fields.extend(part);
        }
    }
    fields
}

fn machine(facts: &Facts<'_>) -> Value {
    let Reading {
        nozzle,
        bed,
        chamber,
        fans,
        speed_level,
        ..
    } = facts.reading;
    json!({
        "bed_target_temper": bed.target,
        "bed_temper": tenths(bed.current),
        "nozzle_target_temper": nozzle.target,
        "nozzle_temper": tenths(nozzle.current),
        "chamber_temper": tenths(chamber.current),
        "cooling_fan_speed": gear(fans.part),
        "big_fan1_speed": gear(fans.auxiliary),
        "big_fan2_speed": gear(fans.chamber),
        "heatbreak_fan_speed": gear(if nozzle.current > 50.0 { 100 } else { 0 }),
        "fan_gear": of_255(fans.part) | of_255(fans.auxiliary) << 8 | of_255(fans.chamber) << 16,
        "lights_report": [{"node": "chamber_light", "mode": light(facts.reading.light)}],
        "nozzle_diameter": facts.nozzle.diameter,
        "nozzle_type": facts.nozzle.material,
        "spd_lvl": speed_level.number(),
        "spd_mag": speed_level.percent(),
        "wifi_signal": format!("{}dBm", facts.wifi_signal.unwrap_or(0)),
    })
}

fn job(facts: &Facts<'_>) -> Value {
    let reading = facts.reading;
    let job = facts.job.as_ref();
    let nothing = JobIds::default();
    let ids = job.map_or(&nothing, |job| job.ids);
    let error = facts.error.as_ref().map_or(0, |(code, _)| code.number());
    // Before the machine has the plate, its reading is of the job before.
    let preparing = facts.state == PrinterState::Prepare && !reading.stage.has_job();
    let printed = |value: u32| if preparing { 0 } else { value };
    json!({
        "gcode_state": facts.state.as_str(),
        "gcode_file": job.map_or("", |job| job.file),
        "gcode_file_prepare_percent": job.map_or(0, |job| job.prepared).to_string(),
        "subtask_name": job.map_or("", |job| job.name),
        "print_type": match job {
            None => "idle",
            Some(job) if job.from_cloud => "cloud",
            Some(_) => "local",
        },
        "project_id": ids.project,
        "profile_id": ids.profile,
        "task_id": ids.task,
        "subtask_id": ids.subtask,
        "layer_num": printed(reading.layer),
        "total_layer_num": printed(reading.layers),
        "mc_percent": printed(reading.percent.into()),
        "mc_remaining_time": printed(reading.remaining_minutes),
        "mc_print_line_number": if preparing { 0 } else { reading.line }.to_string(),
        "mc_print_stage": if reading.stage.has_job() { "2" } else { "1" },
        "mc_print_error_code": (error & 0xffff).to_string(),
        "print_error": error,
        "stg_cur": stage_number(&reading.stage),
    })
}

fn materials(facts: &Facts<'_>) -> Value {
    let spool = facts.spool;
    json!({
        "ams": {
            "ams": [],
            "ams_exist_bits": "0",
            "tray_exist_bits": "0",
            "tray_is_bbl_bits": "0",
            "tray_read_done_bits": "0",
            "tray_now": "254",
            "tray_pre": "254",
            "tray_tar": "254",
            "version": 0,
        },
        "vt_tray": {
            "id": "254",
            "k": 0.02,
            "n": 1,
            "tag_uid": "0000000000000000",
            "tray_id_name": "",
            "tray_info_idx": spool.info,
            "tray_type": spool.material,
            "tray_sub_brands": "",
            "tray_color": if spool.colour.is_empty() { "00000000" } else { &spool.colour },
            "tray_weight": "0",
            "tray_diameter": "0.00",
            "tray_temp": "0",
            "tray_time": "0",
            "bed_temp_type": "0",
            "bed_temp": "0",
            "nozzle_temp_max": spool.hottest.to_string(),
            "nozzle_temp_min": spool.coldest.to_string(),
            "remain": 0,
            "xcam_info": "000000000000000000000000",
            "tray_uuid": "00000000000000000000000000000000",
        },
    })
}

/// `force_upgrade` stays false whatever the cloud decides: clients would refuse to print over the LAN.
fn upgrade(facts: &Facts<'_>) -> Value {
    let UpgradeFacts {
        status,
        percent,
        message,
        failed,
        newest,
    } = &facts.upgrade;
    let new_versions: Vec<Value> = newest
        .iter()
        .map(|newest| {
            json!({
                "name": "ota",
                "cur_ver": FourPart(facts.version).to_string(),
                "new_ver": FourPart(newest).to_string(),
            })
        })
        .collect();
    json!({
        "upgrade_state": {
            "consistency_request": false,
            "dis_state": u8::from(newest.is_some()),
            "err_code": u8::from(*failed),
            "force_upgrade": false,
            "message": message,
            "module": "ota",
            "new_ver_list": new_versions,
            "new_version_state": if newest.is_some() { 1 } else { 2 },
            "progress": percent.to_string(),
            "sequence_id": 0,
            "status": status,
        },
        "force_upgrade": false,
        "firstlayer": {
            "version": facts.version.to_string(),
            "new_version": newest.map(ToString::to_string),
            "lan_mode": facts.lan_mode,
            "cloud": facts.decision.map(cloud),
            "error": facts.error.as_ref().map(|(_, reason)| reason),
        },
    })
}

fn cloud(decision: &Decision) -> Value {
    json!({
        "decision": decision.verdict.as_str(),
        "reason": decision.reason,
        "deadline": decision.deadline.map(|deadline| deadline.to_string()),
        "version": decision.version.as_ref().map(ToString::to_string),
        "help": decision.help,
    })
}

/// What clients look for and this printer has not, or has always.
fn constant() -> Value {
    json!({
        "fail_reason": "0",
        "gcode_start_time": "0",
        "hms": [],
        // A card is in.
        "home_flag": 0x100,
        "ipcam": {"ipcam_dev": "0", "ipcam_record": "disable", "timelapse": "disable"},
        "lifecycle": "product",
        "mc_print_sub_stage": 0,
        "online": {"ahb": false, "rfid": false, "version": 0},
        "queue_number": 0,
        "s_obj": [],
        "sdcard": true,
        "stg": [],
    })
}

/// Steps of a tenth: less is noise that would make a report every second.
fn tenths(degrees: f32) -> f64 {
    (f64::from(degrees) * 10.0).round() / 10.0
}

/// A fan's speed in the 16 steps that clients read.
fn gear(percent: u8) -> String {
    ((u32::from(percent) * 15 + 50) / 100).to_string()
}

fn of_255(percent: u8) -> u32 {
    (u32::from(percent) * 255 + 50) / 100
}

fn light(light: Light) -> &'static str {
    match light {
        Light::On => "on",
        Light::Off => "off",
        Light::Flashing => "flashing",
    }
}

/// The numbers of stages that clients have a text for.
fn stage_number(stage: &Stage) -> u8 {
    use firstlayer_machine::Fault;
    match stage {
        Stage::Prepare => 2,
        Stage::Running => 0,
        Stage::Paused(Pause::Program) => 5,
        Stage::Paused(Pause::Fault(Fault::FilamentRunOut)) => 6,
        Stage::Paused(_) => 16,
        Stage::Idle | Stage::Finished | Stage::Failed(_) => 255,
    }
}
