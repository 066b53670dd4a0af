//! The service: parts are made of the settings, tasks begun and ended in good order. The only place that makes a runtime.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use firstlayer_census::Store;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::Audit;
use crate::census::{Reports, keep_keys, keep_retention};
use crate::config::Config;
use crate::exit::NotAccepted;
use crate::files::Files;
use crate::keyring::Keyring;
use crate::limits::GOODBYE;
use crate::metadata::{ACCEPTED, InForce, Keeper, METADATA, Standing, keep_fresh};
use crate::metrics::Metrics;
use crate::mqtt::Issuer;
use crate::mqtt::broker::{Broker, keep_swept};
use crate::{Gate, Mqtt, Parts, http};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// The configuration, or something that it names, cannot be used.
pub fn run(config: &Path) -> Result<()> {
    // Before the runtime: the HTTP client for the repository is a blocking one.
    let config = Config::load(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime can be made")?;
    let served = runtime.block_on(serve(config));
    // A repository that answers slowly must not hold the end up. What is on the disk is whole at every moment.
    runtime.shutdown_background();
    served
}

/// Fetches the rules once, and says what would be in force. What a running gate keeps stays as it is.
///
/// # Errors
/// [`NotAccepted`] with why the rules are not, or the configuration cannot be used.
pub fn check(config: &Path, out: &mut impl Write) -> Result<()> {
    let config = Config::load(config)?;
    if let Some(files) = &config.files {
        Files::new(files).context("the store of files cannot be signed for")?;
    }
    writeln!(out, "the configuration is in order")?;
    let scratch = tempfile::tempdir().context("no temporary folder can be made")?;
    copy_kept(&config.state, scratch.path())?;
    let now = Timestamp::now();
    let mut keeper = Keeper::open(config.origin, scratch.path(), Arc::default(), now);
    let refreshed = keeper.refresh(now);
    if let Some(in_force) = keeper.standing().in_force() {
        tell(out, &in_force)?;
    }
    refreshed
        .map_err(|error| anyhow::Error::new(NotAccepted).context(crate::with_causes(&error)))?;
    Ok(())
}

fn tell(out: &mut impl Write, in_force: &InForce) -> std::io::Result<()> {
    writeln!(
        out,
        "rules: revision {}, accepted {}, good until {}",
        in_force.revision(),
        in_force.accepted(),
        in_force.expires()
    )?;
    for channel in in_force.channels() {
        writeln!(out, "channel: {channel}")?;
    }
    for enforced in in_force.policy().enforcement().rules() {
        let rule = &enforced.rule;
        writeln!(
            out,
            "rule {}: {} is withheld without {} from {} on",
            rule.name, rule.withholds, rule.capability, rule.enforce_from
        )?;
        for minimum in &enforced.minimums {
            let (model, channel, version) = (&minimum.model, &minimum.channel, &minimum.version);
            writeln!(out, "  {model} on {channel}: {version}")?;
        }
    }
    Ok(())
}

/// So that a check refuses what a running gate would, and neither disturbs the other.
fn copy_kept(state: &Path, scratch: &Path) -> Result<()> {
    let copied = || -> std::io::Result<()> {
        if state.join(ACCEPTED).is_file() {
            std::fs::copy(state.join(ACCEPTED), scratch.join(ACCEPTED))?;
        }
        let Ok(entries) = std::fs::read_dir(state.join(METADATA)) else {
            return Ok(());
        };
        std::fs::create_dir_all(scratch.join(METADATA))?;
        for entry in entries {
            let entry = entry?;
            std::fs::copy(entry.path(), scratch.join(METADATA).join(entry.file_name()))?;
        }
        Ok(())
    };
    copied().with_context(|| format!("what is kept in {} cannot be read", state.display()))
}

async fn serve(config: Config) -> Result<()> {
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let metrics = Arc::new(Metrics::new().context("the metrics cannot be made")?);
    let store = Store::open(&config.database.0).await?;
    let (audit, writer) = Audit::open(&config.audit, Arc::clone(&metrics))
        .with_context(|| format!("the audit log {} cannot be opened", config.audit.display()))?;
    let standing = Arc::new(Standing::default());
    let (reports, writing) =
        Reports::new(store.clone(), Arc::clone(&standing), Arc::clone(&metrics));
    // Ends when every report has been written, not when the gate is to stop.
    let writing = tokio::spawn(writing);
    let keyring = Arc::new(Keyring::new(config.report_age));
    let keys = store.device_keys().await?;
    keyring.replace(keys.into_iter().collect());
    tasks.spawn(keep_keys(store.clone(), Arc::clone(&keyring), stop.clone()));
    tasks.spawn(keep_retention(
        store.clone(),
        config.retention_days,
        stop.clone(),
    ));
    let keeper = Keeper::open(
        config.origin,
        &config.state,
        Arc::clone(&standing),
        Timestamp::now(),
    );
    let freshness = keep_fresh(keeper, config.pace, Arc::clone(&metrics), stop.clone());
    tasks.spawn(freshness);
    let files = config
        .files
        .map(|settings| Files::new(&settings))
        .transpose();
    let mqtt = config.mqtt.map(|settings| Mqtt {
        issuer: Issuer::new(&settings.secret, settings.lifetime),
        broker: settings.broker.map(|broker| Arc::new(Broker::new(broker))),
    });
    if let Some(broker) = mqtt.as_ref().and_then(|mqtt| mqtt.broker.clone()) {
        tasks.spawn(keep_swept(broker, stop.clone()));
    }
    let gate = Gate::new(Parts {
        standing,
        keyring,
        reports,
        store: store.clone(),
        audit,
        metrics: Arc::clone(&metrics),
        tokens: config.tokens,
        repository: config.repository,
        files: files.context("the store of files cannot be signed for")?,
        mqtt,
    })?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    tracing::info!(address = %listener.local_addr()?, "the gate listens");
    tokio::spawn(stop_on_signal(stop.clone())?);
    http::serve(listener, http::router(Arc::new(gate)), metrics, stop).await;
    tasks.close();
    if timeout(GOODBYE, tasks.wait()).await.is_err() {
        tracing::warn!("the database or the broker does not answer, and is not waited for");
    }
    // The router is gone, and with it the last who could report or record.
    match timeout(GOODBYE, writing).await {
        Ok(written) => written.context("the census's writer panicked")?,
        Err(_) => {
            tracing::error!("the census does not answer: reports that nobody waits for are lost")
        }
    }
    tokio::task::spawn_blocking(|| writer.join()).await?;
    store.close().await;
    Ok(())
}

fn stop_on_signal(stop: CancellationToken) -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be heard")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
    })
}
