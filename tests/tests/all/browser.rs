//! A real browser at both consoles: an analyst signs in at each, publishes at `us`, and both watch the sighting arrive. The
//! screenshots lie in `target/browser` afterwards.

use anyhow::Result;
use tests::demo::Demo;
use tests::word::word;
use tests::{capture, place, program};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_consoles_show_what_one_published() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (name, value) = (word(), format!("{}.example", word()));
    let file = folder.path().join("traffic.pcap");
    let names = [format!("{}.example", word()), value.clone(), "quiet.example".to_owned()];
    std::fs::write(&file, capture::questions(&names, 50))?;
    let root = folder.path().join("demo");
    let demo = Demo::start(&root, &["--capture", &file.display().to_string()]).await?;
    let shots = place::binary().ancestors().nth(2).unwrap_or(folder.path()).join("browser");
    let (note, shots) = (root.join("demo/demo.json").display().to_string(), shots.display().to_string());
    let finished = program::node("consoles.mjs", &[&note, &shots, &name, &value])?;
    println!("{}{}", finished.stdout, finished.stderr);
    finished.good()?;
    demo.stop()
}
