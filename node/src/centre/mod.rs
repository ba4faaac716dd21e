//! A running centre: its parts opened in order, wired to each other, kept running, ended in order.

mod administration;
mod claims;
mod directory;
mod disclosures;
mod fold;
mod held;
mod identity;
mod intake;
mod link;
mod metrics;
mod order;
mod partner;
mod parts;
mod release;
mod rules;
mod sensors;
mod settle;
mod status;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::CentreConfig;
use crate::folder::{Folder, write_public};
use parts::Parts;

/// How long the parts get to end after they were asked to.
const END_TIMEOUT: Duration = Duration::from_secs(8);

/// Serves one centre until it is asked to end, or a part that it cannot do without fails.
pub(crate) async fn serve(config: CentreConfig, folder: Folder) -> Result<()> {
    let (ask, stop) = watch::channel(false);
    let parts = Parts::open(&config, &folder)?;
    parts.introduce_itself(&config).await?;
    let listeners = parts.bind(&config, &folder).await?;
    let running =
        serde_json::json!({"pid": std::process::id(), "centre": config.centre.code, "listen": listeners.addresses()?});
    let mut tasks = JoinSet::new();
    spawn(&mut tasks, "rules", Arc::clone(&parts.rules).follow(stop.clone()));
    spawn(&mut tasks, "sightings", Arc::clone(&parts.sensors).keep_folding(stop.clone()));
    if let Some(border) = &parts.border {
        spawn(&mut tasks, "release", Arc::clone(border).follow(stop.clone()));
    }
    if let Some(follower) = parts.follower(&folder, &config)? {
        let stop = stop.clone();
        spawn(&mut tasks, "link", async move {
            follower.run(stop).await;
            Ok(())
        });
    }
    let api = parts.api(&config, stop.clone())?;
    spawn(&mut tasks, "listeners", async move {
        api::serve(api, listeners.bound).await;
        Ok(())
    });
    write_public(&folder.running(), running.to_string().as_bytes())?;
    tracing::info!(centre = config.centre.code, "serving");

    let outcome = tokio::select! {
        () = crate::shutdown::asked() => Ok(()),
        ended = tasks.join_next() => Err(unexpected(ended)),
    };
    let _ = std::fs::remove_file(folder.running()); // a centre that ends is not running; without the file it is the same
    ask.send_replace(true);
    let ended = tokio::time::timeout(END_TIMEOUT, async { while tasks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!("some parts did not end in time");
        tasks.abort_all();
    }
    tokio::task::spawn_blocking(move || parts.close()).await.context("the log could not be closed")?;
    tracing::info!("ended");
    outcome
}

type Ended = (&'static str, Result<()>);

fn spawn(tasks: &mut JoinSet<Ended>, name: &'static str, part: impl Future<Output = Result<()>> + Send + 'static) {
    tasks.spawn(async move { (name, part.await) });
}

fn unexpected(ended: Option<Result<Ended, tokio::task::JoinError>>) -> anyhow::Error {
    match ended {
        Some(Ok((name, Err(error)))) => error.context(format!("the part `{name}` failed: the centre ends")),
        Some(Ok((name, Ok(())))) => anyhow::anyhow!("the part `{name}` ended by itself: the centre ends"),
        Some(Err(error)) => anyhow::Error::new(error).context("a part ended in disorder: the centre ends"),
        None => anyhow::anyhow!("nothing is left running: the centre ends"),
    }
}
