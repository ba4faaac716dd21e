//! The thread that hears: whatever waits is matched, spooled and made durable together; nothing waits for company.

use std::sync::Arc;

use matching::{Match, Tracker};
use model::observation::Observation;
use tokio::sync::mpsc;

use super::Shared;
use crate::spool::SpoolError;
use crate::wire::{Heard, RuleHit, Settings};

/// Where observations go into a sensor.
#[derive(Debug, Clone)]
pub struct Source(mpsc::Sender<Sound>);

/// What comes out of the queue.
#[derive(Debug)]
pub(crate) enum Sound {
    Heard(Box<Observation>, Option<Arc<str>>),
    /// Nothing more is to be heard.
    Stop,
}

impl Source {
    pub(crate) fn channel(queue: usize) -> (Self, mpsc::Receiver<Sound>) {
        let (sender, receiver) = mpsc::channel(queue.max(1));
        (Self(sender), receiver)
    }

    /// Hands over an observation, `input` the name of what its record counts in. Waits for room: not for async code. False if the
    /// sensor hears no more.
    pub fn hear(&self, observation: Observation, input: Option<Arc<str>>) -> bool {
        self.0.blocking_send(Sound::Heard(Box::new(observation), input)).is_ok()
    }

    /// Does the sensor still hear?
    pub fn is_open(&self) -> bool {
        !self.0.is_closed()
    }

    pub(super) async fn stop(&self) {
        // Who hears no more already needs no telling.
        let _ = self.0.send(Sound::Stop).await;
    }
}

/// Hears until told to stop, or until the spool fails.
pub(super) fn run(mut queue: mpsc::Receiver<Sound>, shared: &Shared) -> Result<(), SpoolError> {
    let bounds = shared.settings.wire;
    let (mut found, mut tracker) = (Vec::new(), Tracker::new(shared.settings.matching));
    while let Some(sound) = queue.blocking_recv() {
        let mut records: Vec<Vec<u8>> = Vec::new();
        let mut bytes = 0;
        let mut sound = Some(sound);
        while let Some(taken) = sound {
            match taken {
                Sound::Stop => queue.close(),
                Sound::Heard(observation, input) => {
                    if let Some(record) = record(*observation, input, shared, &mut tracker, &mut found) {
                        bytes += record.len();
                        records.push(record);
                    }
                }
            }
            let room = records.len() < bounds.observations && bytes < bounds.bytes;
            sound = if room { queue.try_recv().ok() } else { None };
        }
        shared.counters.tracker(tracker.counts());
        match shared.spool(|spool| spool.append(records.iter().map(Vec::as_slice))) {
            Ok(()) => {}
            Err(error @ SpoolError::Full(_)) => {
                tracing::error!(observations = records.len(), %error, "observations are lost");
                shared.counters.unspooled.add(records.len() as u64);
            }
            Err(error) => {
                tracing::error!(%error, "the sensor cannot go on hearing");
                return Err(error);
            }
        }
    }
    Ok(())
}

/// An observation with its hits, as the spool keeps it.
fn record(
    observation: Observation,
    input: Option<Arc<str>>,
    shared: &Shared,
    tracker: &mut Tracker,
    found: &mut Vec<Match>,
) -> Option<Vec<u8>> {
    let bounds = &shared.settings.wire;
    let counters = &shared.counters;
    let rules = shared.rules.load();
    rules.scan(&observation, found);
    tracker.observe(&rules, &observation, found);
    counters.heard.add(1);
    counters.hits.add(found.len() as u64);
    counters.matched.add(u64::from(!found.is_empty()));
    counters.hits_cut.add(found.len().saturating_sub(bounds.hits) as u64);
    found.truncate(bounds.hits);
    let hits = found.drain(..).map(|found| hit(found, bounds)).collect();
    match (Heard { observation, hits, input }).encode(bounds) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::error!(%error, "an observation is lost");
            counters.unspooled.add(1);
            None
        }
    }
}

fn hit(found: Match, bounds: &Settings) -> RuleHit {
    let mut value = found.value;
    value.truncate(value.floor_char_boundary(bounds.value_bytes));
    RuleHit { key: found.key.as_ref().to_owned(), field: found.field.ecs_name().to_owned(), value }
}

#[cfg(test)]
impl Sound {
    pub(crate) fn heard(self) -> Option<(Observation, Option<Arc<str>>)> {
        match self {
            Self::Heard(observation, input) => Some((*observation, input)),
            Self::Stop => None,
        }
    }
}
