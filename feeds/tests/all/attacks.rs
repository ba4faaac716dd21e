//! Attack 40: a partner that shows two histories. Every way halts the link, keeps what was proven before, takes nothing after.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use feeds::peer::State;
use feeds::peer::wire::Line;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sharing::link::LinkKind;

use crate::origin::{Answer, Following, Log, Memory, Origin, objects};

/// Serves `lines` to a follower that holds nothing: it must halt for a reason with `word` in it, holding `kept` rows.
async fn halts(lines: Vec<u8>, kept: u64, word: &str) {
    let origin = Origin::new(move |_, _, _| Answer::open(lines.clone())).await;
    let following = Following::new(&origin, Memory::default());
    let reason = following.becomes(State::Halted).await;
    assert!(reason.contains(word), "`{reason}` should say `{word}`");
    assert_eq!(following.sink.number(), kept, "what was proven is kept, nothing after it");
    let attempts = origin.attempts.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(origin.attempts.load(Ordering::SeqCst), attempts, "a halted link does not call");
    following.stop().await;
}

fn encoded(lines: &[Line]) -> Vec<u8> {
    lines.iter().flat_map(Line::encode).collect()
}

/// The fourth line of five, changed.
fn with_fourth(change: impl FnOnce(&mut Line)) -> Vec<u8> {
    let mut lines = Log::of(5).lines;
    change(&mut lines[3]);
    encoded(&lines)
}

#[tokio::test]
async fn attack_40_gap() {
    let mut lines = Log::of(5).lines;
    lines.remove(3);
    halts(encoded(&lines), 3, "number 5, 4 was expected").await;
}

#[tokio::test]
async fn attack_40_double() {
    let mut lines = Log::of(5).lines;
    lines.insert(3, lines[2].clone());
    halts(encoded(&lines), 3, "number 3, 4 was expected").await;
}

#[tokio::test]
async fn attack_40_replayed_old_line() {
    let mut lines = Log::of(5).lines;
    lines.insert(4, lines[0].clone());
    halts(encoded(&lines), 4, "number 1, 5 was expected").await;
}

#[tokio::test]
async fn attack_40_rewritten_chain() {
    let mut other = Log::of(2);
    other.release("{\"another\":\"history\"}");
    other.release("{}");
    let mut lines = Log::of(3).lines;
    lines.push(other.lines[3].clone());
    halts(encoded(&lines), 3, "something was rewritten").await;
}

#[tokio::test]
async fn attack_40_same_number_other_hash() {
    let mut lines = Log::of(3).lines;
    lines.push(Line::Idle { n: 3, chain: [7; 32] });
    halts(encoded(&lines), 3, "another chain").await;
    let log = Log::of(3);
    let behind = Line::Idle { n: 2, chain: log.root(2).unwrap() };
    halts([log.bytes_after(0), behind.encode()].concat(), 3, "stands at number 2").await;
}

#[tokio::test]
async fn attack_40_shrinking_log_is_answered_409() {
    let (whole, shrunk) = (Log::of(5), Log::of(3));
    let origin = Origin::new(move |attempt, after, root| match attempt {
        1 => Answer::closed(vec![whole.bytes_after(0).into()]),
        _ => shrunk.answer(after, root),
    })
    .await;
    let following = Following::new(&origin, Memory::default());
    let reason = following.becomes(State::Halted).await;
    assert!(reason.contains("shrank or was rewritten"), "{reason}");
    assert_eq!(following.sink.number(), 5);
    following.stop().await;
}

#[tokio::test]
async fn attack_40_rewritten_below_the_cursor_is_answered_409() {
    let mut other = Log::of(2);
    for _ in 0..5 {
        other.release("{\"another\":\"history\"}");
    }
    let whole = Log::of(5);
    let origin = Origin::new(move |attempt, after, root| match attempt {
        1 => Answer::closed(vec![whole.bytes_after(0).into()]),
        _ => other.answer(after, root),
    })
    .await;
    let following = Following::new(&origin, Memory::default());
    following.becomes(State::Halted).await;
    assert_eq!(following.sink.number(), 5);
    following.stop().await;
}

#[tokio::test]
async fn attack_40_changed_contents_halt() {
    let object = |line: &mut Line| {
        if let Line::Release { object, .. } = line {
            object.push(' ');
        }
    };
    halts(with_fourth(object), 3, "digest").await;
    let row = |line: &mut Line| {
        if let Line::Release { record, .. } = line {
            record.row = record.row.replace("CLEAR", "GREEN");
        }
    };
    halts(with_fourth(row), 3, "does not follow from its salt and row").await;
    let kind = |line: &mut Line| {
        if let Line::Release { record, .. } = line {
            *line = Line::Withdrawal(record.clone());
        }
    };
    halts(with_fourth(kind), 3, "another number or kind").await;
}

#[tokio::test]
async fn attack_40_a_row_for_another_centre_halts() {
    let mut log = Log::of(3);
    let mut row = log.row(LinkKind::Release, "{}");
    row.partner = "uk".parse().unwrap();
    let record = log.record(&row);
    log.lines.push(Line::Release { record, publisher: None, object: "{}".to_owned() });
    halts(log.bytes_after(0), 3, "`uk`").await;

    let mut log = Log::of(3);
    let mut row = log.row(LinkKind::Release, "{}");
    row.number = 9;
    let mut record = log.record(&row);
    record.n = 4;
    log.lines.push(Line::Release { record, publisher: None, object: "{}".to_owned() });
    halts(log.bytes_after(0), 3, "another number or kind").await;
}

#[tokio::test]
async fn attack_40_a_line_that_cannot_be_read_halts() {
    let mut bytes = Log::of(3).bytes_after(0);
    bytes.extend_from_slice(b"{\"kind\":\"grant\",\"n\":4}\n");
    halts(bytes, 3, "cannot be read").await;
}

#[tokio::test]
async fn an_operator_resumes_what_was_healed() {
    let log = Log::of(5);
    let mut torn = log.lines.clone();
    torn.remove(3);
    let origin = Origin::new(move |attempt, after, root| match attempt {
        1 | 2 => Answer::open(torn.iter().skip(usize::try_from(after).unwrap()).flat_map(Line::encode).collect()),
        _ => log.answer(after, root),
    })
    .await;
    let following = Following::new(&origin, Memory::default());
    following.becomes(State::Halted).await;
    assert!(following.status.resume());
    let mut changes = following.status.changes();
    changes.wait_for(|standing| standing.state != State::Halted).await.unwrap();
    following.becomes(State::Halted).await;
    assert_eq!(following.sink.number(), 3, "what is still wrong halts again");
    assert!(following.status.resume());
    following.reaches(5).await;
    assert_eq!(following.becomes(State::Up).await, "");
    assert!(!following.status.resume(), "it is not halted any more");
    following.stop().await;
}

#[derive(Debug, Clone)]
enum Damage {
    Drop(usize),
    Double(usize),
    Swap(usize),
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Cut(usize),
}

impl Damage {
    fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            (0..6_usize).prop_map(Self::Drop),
            (0..6_usize).prop_map(Self::Double),
            (0..5_usize).prop_map(Self::Swap),
            (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Self::Flip(at, bit)),
            (any::<usize>(), proptest::collection::vec(any::<u8>(), 1..20))
                .prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            any::<usize>().prop_map(Self::Cut),
        ]
    }

    fn apply(self, log: &Log) -> Vec<u8> {
        let mut lines = log.lines.clone();
        let mut bytes = encoded(&lines);
        let length = bytes.len();
        match self {
            Self::Drop(at) => drop(lines.remove(at)),
            Self::Double(at) => lines.insert(at, lines[at].clone()),
            Self::Swap(at) => lines.swap(at, at + 1),
            Self::Flip(at, bit) => {
                bytes[at % length] ^= 1 << bit;
                return bytes;
            }
            Self::Insert(at, more) => {
                bytes.splice(at % length..at % length, more);
                return bytes;
            }
            Self::Cut(at) => {
                bytes.truncate(at % length);
                return bytes;
            }
        }
        encoded(&lines)
    }
}

/// Attack 40 as a property: however a stream is damaged and chunked, what is kept is a beginning of the true one.
#[test]
fn attack_40_a_damaged_stream_never_gives_another_history() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let served = std::sync::Arc::new(Mutex::new((Vec::new(), 1)));
    let script = served.clone();
    let origin = runtime.block_on(Origin::new(move |_, after, _| {
        let (bytes, chunk): (Vec<u8>, usize) = script.lock().unwrap().clone();
        // What is asked for a second time stands behind what was kept: nothing more comes.
        let bytes = if after == 0 { bytes } else { Vec::new() };
        Answer::closed(bytes.chunks(chunk).map(Bytes::copy_from_slice).collect())
    }));
    let log = Log::of(6);
    let truth = runtime.block_on(async {
        *served.lock().unwrap() = (log.bytes_after(0), 700);
        let following = Following::new(&origin, Memory::default());
        following.reaches(6).await;
        objects(&following.stop().await.received())
    });
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(Damage::any(), 1..3000_usize), |(damage, chunk)| {
        *served.lock().unwrap() = (damage.apply(&log), chunk);
        let before = origin.attempts.load(Ordering::SeqCst);
        let kept = runtime.block_on(async {
            let following = Following::new(&origin, Memory::default());
            // Halted, or back for more: then what came with the first answer has been kept.
            for _ in 0..5_000 {
                let again = origin.attempts.load(Ordering::SeqCst) >= before + 2;
                if again || following.status.standing().state == State::Halted {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            following.stop().await
        });
        let kept_objects = objects(&kept.received());
        prop_assert!(truth.starts_with(&kept_objects), "{kept_objects:?}");
        prop_assert_eq!(Some(kept.held.lock().unwrap().1.chain), log.root(kept.number()));
        Ok(())
    });
    outcome.unwrap();
}
