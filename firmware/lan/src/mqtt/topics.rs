//! The printer's two topics, and which filters a client may have.
//!
//! A filter is granted for what it says, not for what it would match here: one that could match another printer's
//! topics is refused even though there is no other printer.

/// The topics of one serial number.
#[derive(Debug)]
pub(super) struct Topics {
    /// `device/<serial>/`
    prefix: String,
    report: String,
}

/// A filter that a client may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granted {
    /// Matches the report topic.
    Reports,
    /// Matches the request topic only, on which nothing is ever sent.
    Nothing,
}

const REPORT: &str = "report";
const REQUEST: &str = "request";

impl Topics {
    pub(super) fn new(serial: &str) -> Self {
        let prefix = format!("device/{serial}/");
        let report = format!("{prefix}{REPORT}");
        Self { prefix, report }
    }

    /// Where the printer reports.
    pub(super) fn report(&self) -> &str {
        &self.report
    }

    /// Whether clients may publish here.
    pub(super) fn is_request(&self, topic: &str) -> bool {
        topic.strip_prefix(&self.prefix) == Some(REQUEST)
    }

    /// What a subscription to this filter gives; `None` if it is refused.
    pub(super) fn grant(&self, filter: &str) -> Option<Granted> {
        match filter.strip_prefix(&self.prefix)? {
            REPORT | "+" | "#" => Some(Granted::Reports),
            REQUEST => Some(Granted::Nothing),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_granted_filter_names_this_printer_and_no_other(filter in "(device|\\+|#|x)?/?(01P00A|01P00B|\\+|#)?/?(report|request|\\+|#|x)?(/#)?") {
            if Topics::new("01P00A").grant(&filter).is_some() {
                let rest = filter.strip_prefix("device/01P00A/");
                prop_assert!(matches!(rest, Some("report" | "request" | "+" | "#")), "{filter}");
            }
        }
    }
}
