//! The commands as types. What this kind of printer can never do is refused here, with the reason.

use std::{fmt, num::NonZeroU16, str::FromStr};

use firstlayer_machine::{Light, SpeedLevel};
use jiff::Timestamp;

use super::{
    decision::{Decision, Verdict},
    fields::Fields,
    limits,
    refusal::Refusal,
    source::{JobSource, Md5},
    version::Wanted,
};

/// A command, checked.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Send a full report.
    Push,
    /// Say what is installed.
    Version,
    /// Print a plate of an archive.
    Project(Box<ProjectFile>),
    /// Print a file.
    File(JobSource),
    /// Execute these lines.
    Gcode(Gcode),
    /// Pause the job.
    Pause,
    /// Go on with the job.
    Resume,
    /// End the job.
    Stop,
    /// Print at this speed.
    Speed(SpeedLevel),
    /// Leave these objects of the plate out.
    Skip(Vec<u32>),
    /// Forget the error that is shown.
    ClearError,
    /// What hangs on the external spool.
    Spool(Spool),
    /// How the chamber's light is to be.
    Light(Light),
    /// Which nozzle is fitted.
    Nozzle(Nozzle),
    /// Start the printer anew.
    Reboot,
    /// LAN mode on or off.
    LanMode(bool),
    /// Which releases may be installed.
    FirmwareHistory,
    /// Install this release, or the newest.
    Upgrade(Option<Wanted>),
    /// Make the modules' versions agree.
    Consistency,
    /// What the cloud decided.
    Decide(Decision),
}

/// A plate of an archive to print, and what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectFile {
    /// Where the archive is.
    pub source: JobSource,
    /// Which plate.
    pub plate: PlateMember,
    /// MD5 of the whole archive, if the command names it.
    pub md5: Option<Md5>,
    /// What the job is called; may be empty.
    pub name: String,
    /// The sender's numbers for it: project, profile, task, subtask. May be empty.
    pub ids: JobIds,
    /// Objects to leave out.
    pub skip: Vec<u32>,
}

/// The sender's numbers for a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobIds {
    /// Of the project.
    pub project: String,
    /// Of the print profile.
    pub profile: String,
    /// Of the task.
    pub task: String,
    /// Of the part of the task.
    pub subtask: String,
}

/// The member of an archive that holds a plate's G-code: `Metadata/plate_N.gcode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlateMember(NonZeroU16);

impl PlateMember {
    /// The first plate.
    pub const FIRST: Self = Self(NonZeroU16::MIN);
}

impl FromStr for PlateMember {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let number = text
            .strip_prefix("Metadata/plate_")
            .and_then(|rest| rest.strip_suffix(".gcode"))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        number
            .map(Self)
            .ok_or_else(|| Refusal::new("`param` is not of the form Metadata/plate_N.gcode"))
    }
}

impl fmt::Display for PlateMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata/plate_{}.gcode", self.0)
    }
}

/// Lines of G-code for at once, bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gcode(String);

impl Gcode {
    /// The lines, with line breaks between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        if text.len() > limits::GCODE {
            return Err(Refusal::new(format!(
                "`param` is longer than {} bytes: send a file",
                limits::GCODE
            )));
        }
        let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
        if text.contains(odd) {
            return Err(Refusal::new("`param` holds control characters"));
        }
        if text.trim().is_empty() {
            return Err(Refusal::new("`param` holds no line"));
        }
        Ok(Self(text.trim().to_owned()))
    }
}

/// What hangs on the external spool, as somebody told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spool {
    /// The filament's number in the maker's list.
    pub info: String,
    /// What it is made of.
    pub material: String,
    /// RRGGBBAA.
    pub colour: String,
    /// Lowest nozzle temperature.
    pub coldest: u16,
    /// Highest nozzle temperature.
    pub hottest: u16,
}

/// Which nozzle is fitted, as somebody told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nozzle {
    /// Its diameter as clients write it.
    pub diameter: &'static str,
    /// What it is made of, as clients write it.
    pub material: &'static str,
}

impl Default for Nozzle {
    fn default() -> Self {
        Self {
            diameter: "0.4",
            material: "stainless_steel",
        }
    }
}

const NO_CAMERA: &str = "no camera is fitted";
const NO_AMS: &str = "no AMS is fitted";

impl Command {
    /// Reads the command of a section.
    pub(super) fn read(section: &str, fields: &Fields<'_>) -> Result<Self, Refusal> {
        match section {
            "print" => print(fields),
            "pushing" => match fields.text("command")? {
                "pushall" | "start" => Ok(Self::Push),
                "stop" => Err(Refusal::new(
                    "reports go to every client: they do not end for one of them",
                )),
                _ => Err(unknown()),
            },
            "info" => match fields.text("command")? {
                "get_version" => Ok(Self::Version),
                _ => Err(unknown()),
            },
            "system" => system(fields),
            "upgrade" => upgrade(fields),
            "cloud" => match fields.text("command")? {
                "decision" => decision(fields).map(Self::Decide),
                _ => Err(unknown()),
            },
            "camera" | "xcam" => Err(Refusal::new(NO_CAMERA)),
            _ => Err(unknown()),
        }
    }
}

fn print(fields: &Fields<'_>) -> Result<Command, Refusal> {
    match fields.text("command")? {
        "project_file" => project(fields).map(Box::new).map(Command::Project),
        "gcode_file" => Ok(Command::File(source(fields, "param")?)),
        "gcode_line" => match fields.optional("param")? {
            Some(text) => Gcode::read(text).map(Command::Gcode),
            None if fields.0.contains_key("auto_recovery") => {
                Err(Refusal::new("this printer cannot recover from lost steps"))
            }
            None => Err(Refusal::new("`param` is missing")),
        },
        "push_status" => Ok(Command::Push),
        "pause" => Ok(Command::Pause),
        "resume" => Ok(Command::Resume),
        "stop" => Ok(Command::Stop),
        "print_speed" => speed(fields).map(Command::Speed),
        "skip_objects" => Ok(Command::Skip(fields.numbers("obj_list")?)),
        "clean_print_error" => Ok(Command::ClearError),
        "calibration" => Err(Refusal::new(
            "this printer calibrates in the G-code of a job, and not by command",
        )),
        "ams_filament_setting" => spool(fields).map(Command::Spool),
        "ams_change_filament" | "unload_filament" => Err(Refusal::new(
            "no AMS is fitted, and filament is loaded and unloaded by hand",
        )),
        name if name.starts_with("ams_") => Err(Refusal::new(NO_AMS)),
        name if name.starts_with("extrusion_cali") || name.starts_with("flowrate_") => {
            Err(Refusal::new("this printer cannot measure its extrusion"))
        }
        "print_option" => Err(Refusal::new("this printer has no such option")),
        _ => Err(unknown()),
    }
}

fn speed(fields: &Fields<'_>) -> Result<SpeedLevel, Refusal> {
    let level = u8::try_from(fields.number("param")?).ok();
    let level = level.and_then(SpeedLevel::from_number);
    level.ok_or_else(|| Refusal::new("`param` is not a speed level from 1 to 4"))
}

fn project(fields: &Fields<'_>) -> Result<ProjectFile, Refusal> {
    let md5 = fields.optional("md5")?.map(str::parse).transpose();
    Ok(ProjectFile {
        source: source(fields, "url")?,
        plate: fields.text("param")?.parse()?,
        md5: md5.map_err(Refusal::new)?,
        name: fields.words("subtask_name")?,
        ids: JobIds {
            project: fields.words("project_id")?,
            profile: fields.words("profile_id")?,
            task: fields.words("task_id")?,
            subtask: fields.words("subtask_id")?,
        },
        skip: fields.numbers("skip_objects")?,
    })
}

fn source(fields: &Fields<'_>, key: &str) -> Result<JobSource, Refusal> {
    fields.text(key)?.parse().map_err(Refusal::new)
}

/// Only the external spool is there to be told of: unit 255, tray 254.
fn spool(fields: &Fields<'_>) -> Result<Spool, Refusal> {
    if fields.number("ams_id")? != 255 || fields.number("tray_id")? != 254 {
        return Err(Refusal::new(NO_AMS));
    }
    let temperature = |key| {
        let degrees = fields.number(key)?;
        u16::try_from(degrees).map_err(|_| Refusal::new(format!("`{key}` is out of range")))
    };
    let colour = fields.text("tray_color")?;
    if colour.len() != 8 || !colour.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(Refusal::new("`tray_color` is not of the form RRGGBBAA"));
    }
    Ok(Spool {
        info: fields.words("tray_info_idx")?,
        material: fields.words("tray_type")?,
        colour: colour.to_owned(),
        coldest: temperature("nozzle_temp_min")?,
        hottest: temperature("nozzle_temp_max")?,
    })
}

fn system(fields: &Fields<'_>) -> Result<Command, Refusal> {
    match fields.optional("command")? {
        Some("ledctrl") => match fields.optional("led_node")? {
            None | Some("chamber_light") => light(fields),
            Some(_) => Err(Refusal::new("no light but chamber_light is fitted")),
        },
        // Known clients forget the command's name.
        None if fields.0.contains_key("led_mode") => light(fields),
        Some("get_access_code") => Err(Refusal::new(
            "the access code is never sent: the printer shows it on the spot",
        )),
        Some("set_lan_mode") => Ok(Command::LanMode(fields.flag("enable")?)),
        Some("set_accessories") => nozzle(fields).map(Command::Nozzle),
        Some("reboot") => Ok(Command::Reboot),
        Some(_) => Err(unknown()),
        None => Err(Refusal::new("`command` is missing")),
    }
}

fn light(fields: &Fields<'_>) -> Result<Command, Refusal> {
    match fields.text("led_mode")? {
        "on" => Ok(Command::Light(Light::On)),
        "off" => Ok(Command::Light(Light::Off)),
        "flashing" => Ok(Command::Light(Light::Flashing)),
        _ => Err(Refusal::new("`led_mode` is none of on, off and flashing")),
    }
}

fn nozzle(fields: &Fields<'_>) -> Result<Nozzle, Refusal> {
    if fields.text("accessory_type")? != "nozzle" {
        return Err(Refusal::new("`accessory_type` is not nozzle"));
    }
    let diameter = fields.decimal("nozzle_diameter")?;
    let known = ["0.2", "0.4", "0.6", "0.8"];
    let same = |text: &&&str| {
        text.parse::<f64>()
            .is_ok_and(|known| (known - diameter).abs() < 0.01)
    };
    let diameter = known.iter().find(same);
    let wanted = fields.text("nozzle_type")?;
    let material = ["stainless_steel", "hardened_steel"]
        .into_iter()
        .find(|known| *known == wanted);
    match (diameter, material) {
        (Some(diameter), Some(material)) => Ok(Nozzle { diameter, material }),
        (None, _) => Err(Refusal::new(
            "`nozzle_diameter` is not 0.2, 0.4, 0.6 or 0.8",
        )),
        (_, None) => Err(Refusal::new(
            "`nozzle_type` is neither stainless_steel nor hardened_steel",
        )),
    }
}

/// Whatever URL is named is not read: only what the signed metadata names is installed.
fn upgrade(fields: &Fields<'_>) -> Result<Command, Refusal> {
    let command = fields.text("command")?;
    match command {
        "get_history" => return Ok(Command::FirmwareHistory),
        "consistency_confirm" => return Ok(Command::Consistency),
        "start" | "upgrade_confirm" | "upgrade_history" => {}
        _ => return Err(unknown()),
    }
    if !matches!(fields.optional("module")?, None | Some("ota")) {
        return Err(Refusal::new("there is no module but ota"));
    }
    let nested = fields.object("firmware_optional");
    let nested = nested.and_then(|optional| optional.object("firmware"));
    let version = match nested {
        Some(firmware) => firmware.optional("version")?,
        None => fields.optional("version")?,
    };
    let wanted = version.map(str::parse::<Wanted>).transpose();
    let wanted = wanted.map_err(Refusal::new)?;
    if wanted.is_none() && command == "upgrade_history" {
        return Err(Refusal::new("`version` is missing"));
    }
    Ok(Command::Upgrade(wanted))
}

fn decision(fields: &Fields<'_>) -> Result<Decision, Refusal> {
    let verdict = Verdict::parse(fields.text("decision")?);
    let verdict = verdict.ok_or_else(|| {
        Refusal::new("`decision` is none of ok, warn, update-required and stranded")
    })?;
    let deadline = fields
        .optional("deadline")?
        .map(str::parse::<Timestamp>)
        .transpose();
    let version = fields
        .optional("version")?
        .map(str::parse::<Wanted>)
        .transpose();
    let help = match fields.optional("help")? {
        None => None,
        Some(link) if link.starts_with("https://") => {
            Some(fields.short("help", link, limits::TEXT)?)
        }
        Some(_) => return Err(Refusal::new("`help` is not an https link")),
    };
    Ok(Decision {
        verdict,
        reason: fields.words("reason")?,
        deadline: deadline.map_err(|_| Refusal::new("`deadline` is not a time as in RFC 3339"))?,
        version: version.map_err(Refusal::new)?,
        help,
    })
}

fn unknown() -> Refusal {
    Refusal::new("this printer does not know the command")
}
