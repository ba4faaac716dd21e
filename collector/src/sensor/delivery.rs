//! Delivers what is spooled, in order, one batch at a time: what came while one was under way is the next.

use std::sync::Arc;

use super::centre::{Centre, CentreError};
use super::{Backoff, Shared};
use crate::wire::frame;

/// Delivers until the sensor ends.
pub(super) async fn run(shared: Arc<Shared>, centre: Arc<Centre>) {
    let mut backoff = Backoff::new(&shared.settings);
    loop {
        let Err(error) = session(&shared, &centre, &mut backoff).await else { return };
        shared.counters.failures.add(1);
        tracing::warn!(error = &error as &dyn std::error::Error, "delivery to the centre is tried again");
        backoff.wait().await;
    }
}

/// Delivers from the centre's cursor on until something fails.
async fn session(shared: &Arc<Shared>, centre: &Centre, backoff: &mut Backoff) -> Result<(), CentreError> {
    let cursor = centre.cursor().await?;
    let mut next = shared.spool_aside(move |spool| spool.settle(cursor).map(|()| spool.acknowledged() + 1)).await?;
    shared.ready.send_modify(|ready| ready.settled = true);
    let mut durable = shared.durable.subscribe();
    let most = shared.settings.wire.observations;
    // Fewer while the centre refuses a batch of which one observation may be the reason.
    let mut allowed = most;
    while durable.wait_for(|last| *last >= next).await.is_ok() {
        let Some(batch) = read(shared, next, allowed).await? else {
            // Nothing is left up to there.
            next = shared.spool_aside(move |spool| Ok(spool.last() + 1)).await?.max(next);
            continue;
        };
        match centre.deliver(batch.body).await {
            Ok(held) if held >= batch.first => {
                shared.spool_aside(move |spool| spool.acknowledge(held)).await?;
                shared.counters.batches.add(1);
                backoff.succeeded();
                next = held.min(batch.last) + 1;
                allowed = most;
            }
            Ok(held) => return Err(CentreError::Stuck { first: batch.first, held }),
            Err(error) if error.refuses() && batch.last > batch.first => {
                allowed = usize::try_from((batch.last - batch.first).div_ceil(2)).unwrap_or(1);
                tracing::warn!(first = batch.first, %error, "the centre refuses a batch: it is sent in smaller ones");
            }
            Err(error) if error.refuses() => {
                tracing::error!(sequence = batch.first, %error, "the centre refuses an observation: it is left out");
                shared.counters.refused.add(1);
                shared.spool_aside(move |spool| spool.acknowledge(batch.first)).await?;
                next = batch.first + 1;
                allowed = most;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Framed {
    first: u64,
    last: u64,
    body: Vec<u8>,
}

/// The next batch; none if nothing can be read up to the spool's end.
async fn read(shared: &Arc<Shared>, from: u64, most: usize) -> Result<Option<Framed>, CentreError> {
    let bytes = shared.settings.wire.bytes.saturating_sub(HEAD_BYTES);
    let run = shared
        .spool_aside(move |spool| {
            let mut run = spool.read(from, most, bytes)?;
            while run.records.is_empty() && run.next <= spool.last() {
                run = spool.read(run.next, most, bytes)?;
            }
            Ok(run)
        })
        .await?;
    if run.records.is_empty() {
        return Ok(None);
    }
    let last = run.first + (run.records.len() as u64) - 1;
    Ok(Some(Framed { first: run.first, last, body: frame(run.first, run.records.iter().map(Vec::as_slice))? }))
}

/// Room for a batch's head.
const HEAD_BYTES: usize = 32;
