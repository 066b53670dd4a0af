//! The computer that the printer runs on.

use std::fs;

use firstlayer_agent::Reboot;

use crate::{printer::Host, update::SystemReboot};

/// A Linux machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinuxHost;

impl Host for LinuxHost {
    fn wifi_signal(&self) -> Option<i16> {
        signal(&fs::read_to_string("/proc/net/wireless").ok()?)
    }

    fn reboot(&self) -> Result<(), String> {
        SystemReboot
            .reboot()
            .map_err(|error| format!("`reboot` failed: {error}"))
    }
}

/// The level in dBm of the first interface in `/proc/net/wireless`: its fourth column, with a dot behind it.
fn signal(table: &str) -> Option<i16> {
    let interface = table.lines().nth(2)?;
    interface
        .split_whitespace()
        .nth(3)?
        .trim_end_matches('.')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_is_the_level_of_the_first_interface() {
        let table = "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n \
             face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n \
             wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0\n";
        assert_eq!(signal(table), Some(-56));
        assert_eq!(signal("Inter-| sta-|\n face | tus |\n"), None);
    }
}
