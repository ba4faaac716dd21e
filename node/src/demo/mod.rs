//! `bridgewatch demo`: two sovereign centres, a sensor, and analysts who publish; each part a process of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;

use crate::command::{DemoArguments, Status};
use crate::shutdown::Shutdown;

mod install;
mod latency;
mod live;
mod process;
mod publish;
mod report;
mod script;
mod traffic;
mod watch;

use install::Installation;
use process::Process;
use script::{Cast, Script};
use watch::Shared;

/// How many CLEAR indicators are published one by one over a run.
const STREAM: usize = 300;
/// How long the stream of indicators takes in a run of which nobody says how long it lasts, seconds.
const UNBOUNDED_PACE_S: u64 = 300;
/// The traffic that the generator writes is repeated after this long at the most, seconds.
const TRAFFIC_SECONDS_MAX: u64 = 120;
/// How long the centres get to find each other.
const LINKED_WITHIN: Duration = Duration::from_secs(10);
/// How long what the sensor delivered last gets to cross before the centres end.
const CROSSING: Duration = Duration::from_millis(500);

/// Plays the demo.
pub(crate) async fn play(arguments: &DemoArguments) -> Result<Status> {
    let mut shutdown = Shutdown::hear()?;
    let root = arguments.dir.clone().unwrap_or_else(default_folder);
    std::fs::create_dir_all(&root).with_context(|| format!("cannot create `{}`", root.display()))?;
    let root = root.canonicalize()?;
    let now = crate::clock::SystemClock.now();
    let cast = Cast { named_at_ca: "claude@ca".to_owned() };
    let script = Script::write(&cast, STREAM, &now.to_string(), &now.plus_micros(1_000).to_string());
    let pace_s = arguments.seconds.unwrap_or(UNBOUNDED_PACE_S);
    let captures = if arguments.capture.is_empty() {
        vec![traffic_file(&root, &script, pace_s.min(TRAFFIC_SECONDS_MAX))?]
    } else {
        arguments.capture.clone()
    };
    let installation = Installation::make(&root, &captures).await?;
    let written = serde_json::to_vec_pretty(&script)?;
    crate::folder::write_secret(&root.join("demo/script.json"), &written)?; // for whoever looks for its words
    let seen = Shared::default();
    let mut running = Running::start(&installation).await?;
    let outcome = tokio::select! {
        outcome = run(&installation, &script, arguments, pace_s, &seen) => outcome,
        error = running.ended() => Err(error),
        () = shutdown.asked() => Ok(()),
    };
    let stopped = running.stop().await;
    outcome.and(stopped)?;
    let (border, packets) = {
        let seen = seen.lock();
        (seen.border.durations_us(), seen.packets_us())
    };
    report::print(&report::from_logs(&installation, border, packets)?, arguments.json)?;
    Ok(Status::Done)
}

/// Watches both streams while the analysts publish, until the time is over.
async fn run(
    installation: &Installation,
    script: &Script,
    arguments: &DemoArguments,
    pace_s: u64,
    seen: &Shared,
) -> Result<()> {
    linked(installation).await?;
    let watchers = watch::watch(installation, seen).await?;
    if !arguments.json {
        installation.explain()?;
    }
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let outcome = tokio::select! {
        outcome = publish::publish(installation, script, &arguments.indicators, pace_s, seen) => outcome,
        () = until(end) => Ok(()),
    };
    for watcher in watchers {
        watcher.abort();
    }
    outcome
}

/// Waits until both centres follow each other: what crosses is to be measured, not how they met.
async fn linked(installation: &Installation) -> Result<()> {
    let end = Instant::now() + LINKED_WITHIN;
    for (centre, person) in [(&installation.us, "alice"), (&installation.ca, "claude")] {
        let client = centre.client(person)?;
        loop {
            let border = client.get("/api/v1/border", &[]).await?;
            if border.pointer("/link/state").and_then(serde_json::Value::as_str) == Some("up") {
                break;
            }
            anyhow::ensure!(
                Instant::now() < end,
                "the link of centre {} is not up: see its log",
                centre.config.centre.code
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}

fn default_folder() -> PathBuf {
    std::env::temp_dir().join(format!("bridgewatch-demo-{}", std::process::id()))
}

fn traffic_file(root: &Path, script: &Script, seconds: u64) -> Result<PathBuf> {
    let path = root.join("traffic.pcap");
    let mut file = std::io::BufWriter::new(
        std::fs::File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?,
    );
    traffic::generate(&traffic::Plan::natural(seconds, &script.values()), &mut file)?;
    Ok(path)
}

/// The three processes.
struct Running {
    us: Process,
    ca: Process,
    sensor: Process,
}

impl Running {
    async fn start(installation: &Installation) -> Result<Self> {
        let serve = |code: &str, folder: &crate::folder::Folder| {
            let config = folder.config().display().to_string();
            Process::start(&format!("centre {code}"), &["serve", "--config", &config], &folder.root().join("log.jsonl"))
        };
        let mut us = serve("us", &installation.us.folder)?;
        let mut ca = serve("ca", &installation.ca.folder)?;
        us.ready(&installation.us.folder.running()).await?;
        ca.ready(&installation.ca.folder.running()).await?;
        let config = installation.sensor_config.display().to_string();
        let log = installation.root.join("sensor/log.jsonl");
        let sensor = Process::start("sensor", &["collect", "--config", &config], &log)?;
        Ok(Self { us, ca, sensor })
    }

    /// Waits until one of them ends by itself.
    async fn ended(&mut self) -> anyhow::Error {
        tokio::select! {
            error = self.us.ended() => error,
            error = self.ca.ended() => error,
            error = self.sensor.ended() => error,
        }
    }

    /// Sensor first, so that what it heard is delivered and crosses; then the centres.
    async fn stop(&mut self) -> Result<()> {
        let sensor = self.sensor.stop().await;
        tokio::time::sleep(CROSSING).await;
        let ca = self.ca.stop().await;
        let us = self.us.stop().await;
        sensor.and(ca).and(us)
    }
}
