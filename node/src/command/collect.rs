//! `bridgewatch collect`: one sensor, until its inputs end and its centre has everything, or until it is asked to end.

use std::time::Duration;

use anyhow::{Context, Result};
use collector::replay::{Input, replay};
use collector::sensor::{Credentials, Sensor};

use super::arguments::CollectArguments;
use super::{Status, runtime};
use crate::clock::SystemClock;
use crate::sensor::SensorConfig;
use crate::shutdown::Shutdown;

/// How often it is asked whether the centre has everything.
const DELIVERED_EVERY: Duration = Duration::from_millis(50);

pub(super) fn run(arguments: &CollectArguments) -> Result<Status> {
    let config = SensorConfig::read(&arguments.config)?;
    crate::telemetry::start()?;
    runtime()?.block_on(collect(config))
}

async fn collect(config: SensorConfig) -> Result<Status> {
    let mut shutdown = Shutdown::hear()?;
    let credentials = Credentials::read(&config.authority, &config.certificate, &config.key)?;
    let sensor = Sensor::start(&config.centre, &credentials, &config.spool, config.sensor)?;
    let name = config.name.clone();
    tracing::info!(sensor = %name, centre = config.centre, inputs = config.inputs.len(), "the sensor hears");
    let outcome = tokio::select! {
        () = shutdown.asked() => Ok(()),
        error = sensor.failed() => Err(error),
        () = hear(&sensor, config) => Ok(()),
    };
    let counters = sensor.counters();
    let stopped = sensor.stop().await;
    let figures = counters.figures();
    tracing::info!(
        sensor = %name, heard = figures.heard, matched = figures.matched, hits = figures.hits,
        late = figures.late, evicted = figures.evicted, exhausted = figures.exhausted, restarted = figures.restarted,
        undelivered = figures.last.saturating_sub(figures.acknowledged), "the sensor has ended"
    );
    outcome.and(stopped).context("the sensor cannot go on hearing")?;
    Ok(Status::Done)
}

/// Replays the inputs, then waits until the centre has what was heard.
async fn hear(sensor: &Sensor, config: SensorConfig) {
    let source = sensor.source().await;
    let replayed = tokio::task::spawn_blocking(move || {
        replay(&Input::named(&config.inputs), &config.reading, &config.replay, &SystemClock, &source)
    });
    let mut handed = 0_u64;
    match replayed.await {
        Ok(outcomes) => {
            for (input, outcome) in outcomes {
                match outcome {
                    Ok(summary) => handed = handed.saturating_add(summary.observations),
                    Err(error) => tracing::error!(input = &*input.name, %error, "an input cannot be read"),
                }
            }
        }
        Err(error) => tracing::error!(%error, "the replay ended in disorder"),
    }
    let counters = sensor.counters();
    loop {
        let figures = counters.figures();
        if figures.heard.saturating_add(figures.unspooled) >= handed && figures.acknowledged >= figures.last {
            return;
        }
        tokio::time::sleep(DELIVERED_EVERY).await;
    }
}
