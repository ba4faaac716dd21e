//! Clients that we did not write against a centre: taxii2-client, stix2, raw requests; and readers beside writers.

use anyhow::Result;
use tests::centre::{Centre, Listener};
use tests::{place, program};

async fn centre() -> Result<(tempfile::TempDir, Centre)> {
    let root = tempfile::tempdir()?;
    let mut centre = Centre::init(root.path(), "us")?;
    centre.enrol("alice", &["analyst", "publisher"])?;
    centre.enrol("bob", &["analyst"])?;
    centre.start()?;
    centre.ready().await?;
    Ok((root, centre))
}

/// Base address and authority, as the scripts take them.
fn address(centre: &Centre) -> (String, String) {
    let port = centre.address(Listener::Machines).port();
    (format!("https://localhost:{port}"), centre.tls("authority.pem").display().to_string())
}

#[tokio::test]
async fn foreign_clients_discover_filter_page_and_push() -> Result<()> {
    let (_root, mut centre) = centre().await?;
    let (base, authority) = address(&centre);
    let (alice, bob) = (centre.person("alice")?.token, centre.person("bob")?.token);
    let arguments: [&str; 7] = [&base, &authority, "alice", &alice, "bob", &bob, "10000"];
    let finished = program::python("taxii.py", &arguments)?;
    println!("{}{}", finished.stdout, finished.stderr);
    finished.good()?;
    centre.stop()
}

#[tokio::test]
async fn readers_beside_writers_miss_and_double_nothing() -> Result<()> {
    let (_root, mut centre) = centre().await?;
    let (base, authority) = address(&centre);
    let (alice, bob) = (centre.person("alice")?.token, centre.person("bob")?.token);
    let count = place::number("BRIDGEWATCH_OBJECTS", 10_000).to_string();
    let arguments: [&str; 5] = [&base, &authority, &alice, &bob, &count];
    let finished = program::python("readers.py", &arguments)?;
    println!("{}{}", finished.stdout, finished.stderr);
    finished.good()?;
    centre.stop()
}
