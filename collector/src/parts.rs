//! An input on several threads: whoever hears its observations does so in parts, which are taken in order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use model::observation::{Observation, Text};

use crate::input::{self, InputError, Kind, Reader};
use crate::suricata::{Block, Blocks};
use crate::{Listener, Settings, Summary, capture, suricata};

/// Observations of a capture that make a part.
const PART: usize = 1_024;
/// Parts that one may be ahead of the next before its thread waits, so that what was found does not pile up behind one that takes
/// long.
const AHEAD_MAX: u64 = 64;
/// How long it waits at most: a thread that ended before its time never brings the next.
const AHEAD_WAIT: Duration = Duration::from_secs(1);

/// Hears observations that follow one another in an input.
pub trait Part: Send {
    /// The next one.
    fn hear<T: Text>(&mut self, observation: Observation<T>);
}

/// Hears everything there is.
struct Hearing<P>(P);

impl<P: Part> Listener for Hearing<P> {
    fn hear(&mut self, observation: Observation) -> bool {
        self.0.hear(observation);
        true
    }

    fn hear_borrowed(&mut self, observation: Observation<Cow<'_, str>>) -> bool {
        self.0.hear(observation);
        true
    }
}

/// Reads one input as [`decode`](fn@crate::decode) does, on so many threads. The observations of a part are heard by one that `new` made,
/// beside other parts; `take` gets the parts in the order of the input, until it says no.
pub fn decode_in_parts<P: Part>(
    input: impl Read + Send + 'static,
    settings: &Settings,
    threads: usize,
    new: impl Fn() -> P + Sync,
    take: impl FnMut(P) -> bool + Send,
) -> Result<Summary, InputError> {
    let (kind, reader) = input::open(Box::new(input), settings)?;
    match kind {
        Kind::Capture => captured(reader, settings, &new, take),
        Kind::Eve => logged(reader, settings, threads.max(1), &new, take),
    }
}

/// Packets hang on those before them: one thread decodes, this one hears.
fn captured<P: Part>(
    reader: Reader,
    settings: &Settings,
    new: &(impl Fn() -> P + Sync),
    mut take: impl FnMut(P) -> bool,
) -> Result<Summary, InputError> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Vec<Observation>>(2);
        let decoder = scope.spawn(move || {
            let mut batch = Vec::with_capacity(PART);
            let summary = capture::read(reader, settings, &mut |observation| {
                batch.push(observation);
                batch.len() < PART || sender.send(std::mem::replace(&mut batch, Vec::with_capacity(PART))).is_ok()
            });
            // Without a receiver nobody wants the rest.
            let _ = sender.send(batch);
            summary
        });
        for batch in &receiver {
            let mut part = new();
            batch.into_iter().for_each(|observation| part.hear(observation));
            if !take(part) {
                break;
            }
        }
        drop(receiver);
        decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Lines stand for themselves: each thread fetches a block and reads it.
fn logged<P: Part>(
    reader: Reader,
    settings: &Settings,
    threads: usize,
    new: &(impl Fn() -> P + Sync),
    take: impl FnMut(P) -> bool + Send,
) -> Result<Summary, InputError> {
    let source = Mutex::new((Blocks::new(reader, settings), 0));
    let order = InOrder::new(take, AHEAD_WAIT);
    std::thread::scope(|scope| {
        let (source, order) = (&source, &order);
        let others: Vec<_> =
            (1..threads).map(|_| scope.spawn(move || read_blocks(source, settings, new, order))).collect();
        let read = read_blocks(source, settings, new, order);
        for other in others {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        read
    })?;
    Ok(order.total())
}

fn read_blocks<P: Part>(
    source: &Mutex<(Blocks, u64)>,
    settings: &Settings,
    new: &impl Fn() -> P,
    order: &InOrder<P, impl FnMut(P) -> bool>,
) -> Result<(), InputError> {
    let mut block = Block::default();
    loop {
        let number = {
            let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
            if !source.0.next(&mut block)? {
                return Ok(());
            }
            source.1 += 1;
            source.1 - 1
        };
        let (mut hearing, mut summary) = (Hearing(new()), Summary::default());
        suricata::lines(&mut block, settings, &mut summary, &mut hearing);
        if !order.add(settings, number, hearing.0, summary) {
            return Ok(());
        }
    }
}

/// Takes parts in the order of the input: whichever thread has the next one hands on what waits.
struct InOrder<P, F> {
    state: Mutex<Order<P, F>>,
    /// Another part is the next.
    moved: Condvar,
    /// How long a part that is far ahead waits at most.
    wait: Duration,
}

struct Order<P, F> {
    take: F,
    /// The place of the next part.
    next: u64,
    /// Parts that were read before it, and what else there was to say of each.
    early: BTreeMap<u64, (P, Summary)>,
    total: Summary,
    /// Nobody wants the rest.
    is_over: bool,
}

impl<P, F: FnMut(P) -> bool> InOrder<P, F> {
    fn new(take: F, wait: Duration) -> Self {
        let order = Order { take, next: 0, early: BTreeMap::new(), total: Summary::default(), is_over: false };
        Self { state: Mutex::new(order), moved: Condvar::new(), wait }
    }

    /// Adds the part of that place; waits a while if it is far ahead. False if nobody wants more.
    fn add(&self, settings: &Settings, number: u64, part: P, summary: Summary) -> bool {
        let order = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ahead = |order: &mut Order<P, F>| !order.is_over && number >= order.next + AHEAD_MAX;
        let waited = self.moved.wait_timeout_while(order, self.wait, is_ahead);
        let (mut order, _) = waited.unwrap_or_else(PoisonError::into_inner);
        order.early.insert(number, (part, summary));
        while let Some((part, summary)) = order.next_part() {
            order.total.add(settings, summary);
            order.is_over = !(order.take)(part);
        }
        self.moved.notify_all();
        !order.is_over
    }

    /// What there was to say of all parts.
    fn total(self) -> Summary {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).total
    }
}

impl<P, F> Order<P, F> {
    fn next_part(&mut self) -> Option<(P, Summary)> {
        let next = self.early.remove(&self.next).filter(|_| !self.is_over)?;
        self.next += 1;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[derive(Default)]
    struct Heard(Vec<Observation>);

    impl Part for Heard {
        fn hear<T: Text>(&mut self, observation: Observation<T>) {
            self.0.push(observation.owned());
        }
    }

    /// Some blocks of lines, one in a thousand of them broken.
    fn log() -> Vec<u8> {
        let line = |number: u64| match number % 1_000 {
            7 => "{\"timestamp\":".to_owned(),
            _ => format!(
                "{{\"timestamp\":\"2026-09-21T14:13:20.{:06}+0000\",\"event_type\":\"dns\",\"src_ip\":\"10.0.0.1\",\
                 \"dns\":{{\"type\":\"query\",\"queries\":[{{\"rrname\":\"a{number}.example\"}},{{\"rrname\":\"b\"}}]}}}}",
                number % 1_000_000
            ),
        };
        (0..20_000).map(|number| line(number) + "\n").collect::<String>().into_bytes()
    }

    #[test]
    fn parts_are_the_whole_in_order() {
        let settings = Settings { faults: 5, ..Settings::default() };
        let mut whole = Vec::new();
        let summary = crate::decode(Cursor::new(log()), &settings, |observation| {
            whole.push(observation);
            true
        });
        let summary = summary.unwrap();
        assert_eq!((summary.records, summary.faults, summary.first_faults.len()), (20_000, 20, 5));
        for threads in [1, 2, 5] {
            let mut heard = Vec::new();
            let read = decode_in_parts(Cursor::new(log()), &settings, threads, Heard::default, |part| {
                heard.extend(part.0);
                true
            });
            assert_eq!(read.unwrap(), summary);
            assert!(heard == whole, "{threads} threads");
        }
        let mut parts = 0;
        let read = decode_in_parts(Cursor::new(log()), &settings, 3, Heard::default, |_| {
            parts += 1;
            parts < 2
        });
        assert!(read.unwrap().records < 20_000);
        assert_eq!(parts, 2, "whoever takes them may stop");
    }

    #[test]
    fn a_part_too_far_ahead_waits_for_those_before() {
        let taken = Mutex::new(Vec::new());
        let take = |part: u64| {
            taken.lock().unwrap().push(part);
            true
        };
        // Longer than any machine stalls: whoever waits here waits for the part before.
        let order = InOrder::new(take, 600 * AHEAD_WAIT);
        let add = |number| order.add(&Settings::default(), number, number, Summary::default());
        std::thread::scope(|scope| {
            (1..AHEAD_MAX).for_each(|number| assert!(add(number)));
            let ahead = scope.spawn(|| add(AHEAD_MAX));
            std::thread::sleep(AHEAD_WAIT / 10);
            assert_eq!(order.state.lock().unwrap().early.len() as u64, AHEAD_MAX - 1);
            assert!(add(0) && ahead.join().unwrap());
        });
        assert_eq!(taken.into_inner().unwrap(), (0..=AHEAD_MAX).collect::<Vec<u64>>());
    }

    #[test]
    fn a_part_too_far_ahead_does_not_wait_when_nobody_wants_more() {
        let order = InOrder::new(|_| false, 600 * AHEAD_WAIT);
        let add = |number| order.add(&Settings::default(), number, number, Summary::default());
        std::thread::scope(|scope| {
            let ahead = scope.spawn(|| add(AHEAD_MAX));
            std::thread::sleep(AHEAD_WAIT / 10);
            assert!(!ahead.is_finished() && !add(0));
            assert!(!ahead.join().unwrap());
        });
    }
}
