//! How fast a page leaves. Prints its figure; asserts only what even a debug build on a busy machine must reach.

use std::sync::atomic::Ordering;
use std::time::Instant;

use api::Listener;
use indexer::NewEntry;

use crate::harness::{GREEN, TestIntake, centre_with, indicator, token};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_reads_everything_once() {
    let set = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let number: u32 = set("SWEEP_OBJECTS", 3_000);
    let pages_ahead_max = set("SWEEP_AHEAD", 4) as usize;
    let running = centre_with(api::Settings { pages_ahead_max, ..api::Settings::default() }).await;
    running.disclosures.1.store(set("SWEEP_DISK_MICROS", 0).into(), Ordering::SeqCst);
    let (us, paul) = ("ca".parse().unwrap(), "paul@ca".parse().unwrap());
    for start in (0..number).step_by(1_000) {
        let batch: Vec<NewEntry> = (start..number.min(start + 1_000))
            .map(|n| {
                let mut object = indicator(n, 1, GREEN);
                object["description"] = "x".repeat(240).into();
                TestIntake::entry(&serde_json::to_vec(&object).unwrap(), &us, &paul).expect("valid").0
            })
            .collect();
        running.store.append(batch).await.unwrap();
    }
    let client = running.client();
    let base = running.url(
        Listener::Machines,
        &format!("/taxii2/root/collections/{}/objects/?limit=1000", api::taxii::collection_id(&us, "all")),
    );
    let started = Instant::now();
    let (mut seen, mut next, mut bytes) = (0, String::new(), 0);
    loop {
        let url = if next.is_empty() { base.clone() } else { format!("{base}&next={next}") };
        let body = client.get(url).bearer_auth(token("alice@ca")).send().await.unwrap().bytes().await.unwrap();
        bytes += body.len();
        seen += body.windows(17).filter(|window| window == b"\"type\":\"indicator").count();
        match body.windows(8).take(64).position(|window| window == b"\"next\":\"") {
            Some(at) => {
                let rest = &body[at + 8..];
                let end = rest.iter().position(|byte| *byte == b'"').unwrap();
                next = String::from_utf8(rest[..end].to_vec()).unwrap();
            }
            None => break,
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{seen} objects, {bytes} bytes in {seconds:.3} s: {:.0} objects/s", f64::from(number) / seconds);
    assert_eq!(seen, number as usize);
}
