//! Which topics are a printer's own: those under `device/<serial>/`, and no others.

use firstlayer_census::Serial;
use serde::Deserialize;

/// What is to be done with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// To send to it.
    Publish,
    /// To hear what is sent to it.
    Subscribe,
}

/// Whether a printer may do this. A wildcard is taken behind its own prefix only: a serial number holds none.
pub fn may(serial: &Serial, action: Action, topic: &str) -> bool {
    let own = topic
        .strip_prefix("device/")
        .and_then(|rest| rest.strip_prefix(serial.as_str()))
        .and_then(|rest| rest.strip_prefix('/'));
    match (own, action) {
        (None | Some(""), _) => false,
        (Some(_), Action::Subscribe) => true,
        (Some(rest), Action::Publish) => !rest.contains(['+', '#']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_has_its_own_topics_and_no_others() {
        let serial: Serial = "FL-1".parse().unwrap();
        for topic in [
            "device/FL-1/report",
            "device/FL-1/request",
            "device/FL-1/a/b",
        ] {
            assert!(may(&serial, Action::Publish, topic), "{topic}");
            assert!(may(&serial, Action::Subscribe, topic), "{topic}");
        }
        assert!(may(&serial, Action::Subscribe, "device/FL-1/#"));
        assert!(!may(&serial, Action::Publish, "device/FL-1/#"));
        for topic in [
            "device/FL-10/report",
            "device/FL-2/report",
            "device/FL-1",
            "device/FL-1/",
            "device/+/report",
            "device/#",
            "#",
            "$share/group/device/FL-1/request",
            "$CONTROL/dynamic-security/v1",
            "Device/FL-1/report",
            "",
        ] {
            assert!(!may(&serial, Action::Publish, topic), "{topic}");
            assert!(!may(&serial, Action::Subscribe, topic), "{topic}");
        }
    }
}
