//! What is counted, for Prometheus. No label holds what a client chose: that would let it fill the memory.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// Every metric of the gate.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    decisions: IntCounterVec,
    refusals: IntCounterVec,
    refreshes: IntCounterVec,
    reports: IntCounterVec,
    audit_lost: IntCounter,
    revision: IntGauge,
    expires: IntGauge,
    degraded: IntGauge,
}

impl Metrics {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// A name that Prometheus does not take, or that is there twice: a mistake in this file.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registered(&registry, counters)
        };
        let gauge = |name: &str, help: &str| registered(&registry, IntGauge::new(name, help)?);
        let requests = HistogramOpts::new("gate_request_seconds", "Time of requests, by route")
            .buckets(vec![0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5]);
        Ok(Self {
            requests: registered(
                &registry,
                HistogramVec::new(requests, &["route", "status"])?,
            )?,
            decisions: counters(
                "gate_decisions_total",
                "Decisions, by verdict",
                &["verdict"],
            )?,
            refusals: counters("gate_refusals_total", "Refusals, by rule", &["rule"])?,
            refreshes: counters(
                "gate_refreshes_total",
                "Refreshes, by outcome",
                &["outcome"],
            )?,
            reports: counters(
                "gate_reports_total",
                "Reports, by what became of them",
                &["outcome"],
            )?,
            audit_lost: registered(
                &registry,
                IntCounter::new("gate_audit_lost_total", "Audit records not written")?,
            )?,
            revision: gauge(
                "gate_enforcement_revision",
                "Revision of the rules in force",
            )?,
            expires: gauge(
                "gate_metadata_expires_seconds",
                "When they expire, Unix time",
            )?,
            degraded: gauge(
                "gate_degraded",
                "1 while the rules are not fresh, or there are none",
            )?,
            registry,
        })
    }

    /// A request was answered.
    pub fn answered(&self, route: &str, status: &str, took: Duration) {
        self.requests
            .with_label_values(&[route, status])
            .observe(took.as_secs_f64());
    }

    /// A decision was made.
    pub fn decided(&self, verdict: &str) {
        self.decisions.with_label_values(&[verdict]).inc();
    }

    /// Something was refused by this rule.
    pub fn refused(&self, rule: &str) {
        self.refusals.with_label_values(&[rule]).inc();
    }

    /// A refresh ended so.
    pub fn refreshed(&self, outcome: &str) {
        self.refreshes.with_label_values(&[outcome]).inc();
    }

    /// So many reports ended so.
    pub fn reported(&self, outcome: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.reports.with_label_values(&[outcome]).inc_by(count);
    }

    /// So many audit records were not written, or not whole.
    pub fn audit_lost(&self, count: u64) {
        self.audit_lost.inc_by(count);
    }

    /// Whether the rules are fresh; they are not either where there are none.
    pub fn fresh(&self, fresh: bool) {
        self.degraded.set((!fresh).into());
    }

    /// The rules in force.
    pub fn stands(&self, revision: u64, expires: i64) {
        self.revision
            .set(i64::try_from(revision).unwrap_or(i64::MAX));
        self.expires.set(expires);
    }

    /// All of it, in Prometheus's text format.
    ///
    /// # Errors
    /// A metric that has no value.
    pub fn text(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

fn registered<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
