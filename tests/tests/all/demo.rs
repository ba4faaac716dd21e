//! The demo as a visitor sees it: it ends by itself, says what happened, and its figures are those of the table.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tests::demo::{Demo, summary};
use tests::verdict::Verdict;
use tests::wait;

/// How long a run of the test lasts, seconds.
const SECONDS: u64 = 20;
/// From the start until a sighting stands on the other side's stream.
const FIRST_SIGHTING: Duration = Duration::from_secs(10);

fn number(summary: &Value, pointer: &str) -> Result<f64> {
    summary.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("no figure `{pointer}` in {summary}"))
}

#[test]
fn the_last_line_tells_what_happened() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let summary = summary(&folder.path().join("demo"), SECONDS, &[])?;
    println!("demo: {summary}");
    let mut verdict = Verdict::default();
    let at_least = |verdict: &mut Verdict, pointer: &str, least: f64| {
        if let Some(found) = verdict.hold(pointer, number(&summary, pointer)) {
            verdict.expect(found >= least, || format!("{pointer} is {found}, at least {least} was expected"));
        }
    };
    // 300 of the stream and what the table says.
    at_least(&mut verdict, "/centres/us/accepted", 310.0);
    at_least(&mut verdict, "/centres/us/quarantined", 2.0);
    at_least(&mut verdict, "/centres/us/refused", 1.0);
    at_least(&mut verdict, "/centres/us/withdrawn", 1.0);
    at_least(&mut verdict, "/centres/us/sent", 305.0);
    at_least(&mut verdict, "/centres/ca/received", 305.0);
    at_least(&mut verdict, "/centres/ca/accepted", 1.0);
    for reason in ["red", "releasable_to", "unmarked", "hidden_end"] {
        at_least(&mut verdict, &format!("/centres/us/withheld/{reason}"), 1.0);
    }
    at_least(&mut verdict, "/centres/ca/withheld/canadian_eyes_only", 1.0);
    for pointer in ["/centres/ca/sightings", "/centres/us/sightings"] {
        at_least(&mut verdict, pointer, 200.0);
    }
    at_least(&mut verdict, "/observations", 500.0);
    at_least(&mut verdict, "/matched", 200.0);
    at_least(&mut verdict, "/border_latency_ms/n", 300.0);
    at_least(&mut verdict, "/packet_to_other_screen_ms/n", 200.0);
    for (latency, bound) in [("border_latency_ms", 1_000.0), ("packet_to_other_screen_ms", 2_000.0)] {
        let (p50, p99) = (number(&summary, &format!("/{latency}/p50"))?, number(&summary, &format!("/{latency}/p99"))?);
        let sane = p50 > 0.0 && p50 <= p99 && p99 < bound;
        verdict.expect(sane, || {
            format!("{latency}: p50 {p50}, p99 {p99}; under {bound} ms was expected, also beside other work")
        });
    }
    let matched = number(&summary, "/matched")? <= number(&summary, "/observations")?;
    verdict.expect(matched, || "more observations matched than there were".to_owned());
    verdict.close()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sighting_stands_on_the_other_side_within_ten_seconds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let demo = Demo::start(&folder.path().join("demo"), &[]).await?;
    let live = demo.person("us", "alice")?.live().await?;
    let alice = demo.person("us", "alice")?;
    let first = wait::until("a sighting of ca at us", FIRST_SIGHTING, async || {
        let of_ca = |row: &Value| row.get("origin").and_then(Value::as_str) == Some("ca");
        let on_stream = live.events().iter().any(|event| event.kind == "sighting" && of_ca(&event.data));
        let listed = alice.list("sightings", "sightings", "").await?.iter().any(of_ca);
        Ok((on_stream && listed).then(|| began.elapsed()))
    })
    .await?;
    println!("demo: first sighting on the other side after {:.1} s", first.as_secs_f32());
    if first > FIRST_SIGHTING {
        bail!("the first sighting took {} s", first.as_secs_f32());
    }
    demo.stop()
}
