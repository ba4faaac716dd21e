//! Waiting for what must come true, and saying what did not.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// Time between two looks.
const STEP: Duration = Duration::from_millis(25);

/// Looks again and again until `look` gives something; an error says `what` did not come within `patience`, with the last
/// thing that `look` failed with.
pub async fn until<T>(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + patience;
    let mut last = String::from("it was not there");
    loop {
        match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) => last = format!("{error:#}"),
        }
        if Instant::now() >= end {
            bail!("{what}: not within {} s ({last})", patience.as_secs_f32());
        }
        tokio::time::sleep(STEP).await;
    }
}
