//! `bridgewatch demo`: two sovereign centres, a sensor, and analysts who publish; each part a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::{Client, Event};
use crate::command::{DemoArguments, Status};

mod install;
mod latency;
mod process;
mod report;
mod script;
mod traffic;

use install::Installation;
use latency::Border;
use process::Process;
use script::{Case, Cast, Script};

/// How many CLEAR indicators are published one by one over a run.
const STREAM: usize = 300;
/// How long a run lasts in which nobody says how long: until Ctrl-C; the stream of indicators is spread over this, seconds.
const UNBOUNDED_PACE_S: u64 = 300;
/// The traffic that the generator writes is repeated after this long at the most, seconds.
const TRAFFIC_SECONDS_MAX: u64 = 120;

/// What the demo saw from outside while it ran.
#[derive(Debug, Default)]
struct Seen {
    /// Objects published at `us`, on `ca`'s stream.
    border: Border,
    /// Sightings on `us`'s stream, from the packet.
    packet_us: Vec<i64>,
}

type Shared = Arc<Mutex<Seen>>;

pub(crate) fn run(arguments: &DemoArguments) -> Result<Status> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(play(arguments))
}

async fn play(arguments: &DemoArguments) -> Result<Status> {
    let root = arguments.dir.clone().unwrap_or_else(default_folder);
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
    let seen = Shared::default();
    let mut running = Running::start(&installation).await?;
    let watchers = watch(&installation, &seen)?;
    if !arguments.json {
        installation.explain()?;
    }
    let end = arguments.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let outcome = tokio::select! {
        outcome = publish(&installation, &script, arguments, pace_s, &seen) => outcome,
        () = until(end) => Ok(()),
        () = crate::shutdown::asked() => Ok(()),
    };
    for watcher in watchers {
        watcher.abort();
    }
    running.stop().await?;
    outcome?;
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let summary = report::from_logs(&installation, &seen.border, seen.packet_us)?;
    report::print(&summary, arguments.json)?;
    Ok(Status::Done)
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
    std::fs::create_dir_all(root).with_context(|| format!("cannot create `{}`", root.display()))?;
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

    /// Sensor first, so that what it heard is delivered; then the centres.
    async fn stop(&mut self) -> Result<()> {
        self.sensor.stop().await?;
        // What was delivered crosses before the link is taken down.
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.ca.stop().await?;
        self.us.stop().await
    }
}

/// Follows both live streams and notes when what arrived.
fn watch(installation: &Installation, seen: &Shared) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut tasks = Vec::new();
    let ca = installation.ca.client("claude")?;
    let us = installation.us.client("alice")?;
    let border = Arc::clone(seen);
    tasks.push(tokio::spawn(follow(ca, move |event| {
        if event.kind == "object"
            && text(&event.data, "origin") == "us"
        {
            let mut seen = border.lock().unwrap_or_else(PoisonError::into_inner);
            seen.border.arrived(&text(&event.data, "id"), now_us());
        }
    })));
    let packets = Arc::clone(seen);
    let mut known = std::collections::HashSet::new();
    tasks.push(tokio::spawn(follow(us, move |event| {
        if event.kind == "sighting" && text(&event.data, "origin") == "ca" && known.insert(text(&event.data, "id")) {
            let heard = text(&event.data, "first_seen").parse::<model::time::Timestamp>();
            if let Ok(heard) = heard {
                let took = now_us().saturating_sub(heard.micros()).max(0);
                packets.lock().unwrap_or_else(PoisonError::into_inner).packet_us.push(took);
            }
        }
    })));
    Ok(tasks)
}

async fn follow(client: Client, mut note: impl FnMut(Event) + Send + 'static) {
    loop {
        let result = client
            .live(|event| {
                note(event);
                true
            })
            .await;
        if let Err(error) = result {
            tracing::debug!(%error, "the live stream is read again");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn text(data: &Value, key: &str) -> String {
    data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn now_us() -> i64 {
    crate::clock::SystemClock.now().micros()
}

/// The analysts' part, spread over the run.
async fn publish(
    installation: &Installation,
    script: &Script,
    arguments: &DemoArguments,
    pace_s: u64,
    seen: &Shared,
) -> Result<()> {
    let us = installation.us.client("alice")?;
    let ca = installation.ca.client("charlotte")?;
    for file in &arguments.indicators {
        installation.import(file).await.with_context(|| format!("cannot import `{}`", file.display()))?;
    }
    us.post("/objects", bundle(script.markings.iter())).await?;
    ca.post("/objects", bundle(script.markings.iter().filter(|m| is_canadian(m)))).await?;
    send(&us, &script.opening, seen).await?;
    send(&ca, &script.canadian, &Shared::default()).await?;
    let began = Instant::now();
    let step = Duration::from_millis(pace_s.saturating_mul(800) / STREAM as u64);
    for (place, case) in script.stream.iter().enumerate() {
        if place == STREAM / 2 {
            send(&us, &script.half_way, &Shared::default()).await?;
        }
        send(&us, std::slice::from_ref(case), seen).await?;
        tokio::time::sleep_until(began + step * u32::try_from(place + 1).unwrap_or(u32::MAX)).await;
    }
    std::future::pending().await
}

fn is_canadian(marking: &Value) -> bool {
    marking.to_string().contains("CANADIAN EYES ONLY")
}

async fn send(client: &Client, cases: &[Case], seen: &Shared) -> Result<()> {
    let outcome = client.post("/objects", bundle(cases.iter().map(|case| &case.object))).await?;
    let acknowledged = now_us();
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    for accepted in outcome.get("accepted").and_then(Value::as_array).into_iter().flatten() {
        seen.border.left(&text(accepted, "id"), acknowledged);
    }
    Ok(())
}

fn bundle<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<u8> {
    let objects: Vec<&Value> = objects.collect();
    json!({"type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": objects}).to_string().into_bytes()
}

/// A port that nobody uses just now.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
