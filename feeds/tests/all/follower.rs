//! What a follower does while all is well, and while the network is not.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use feeds::peer::{Received, Settings, State};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::origin::{Answer, Following, Log, Memory, Origin, authority, objects, settings};

#[tokio::test]
async fn what_was_released_arrives_whole_and_in_order() {
    let mut log = Log::of(3);
    log.void();
    log.withdraw();
    let sent = log.clone();
    let origin = Origin::new(move |_, after, root| sent.answer(after, root)).await;
    let following = Following::new(&origin, Memory::default());
    following.reaches(5).await;
    assert_eq!(following.becomes(State::Up).await, "");
    let received = following.sink.received();
    assert_eq!(received.len(), 4, "a void is a place in the chain and nothing else");
    let expected = Log::of(3).lines.len();
    assert_eq!(objects(&received)[..expected], objects_of(&log)[..expected]);
    assert!(matches!(&received[3], Received::Withdrawal { id, .. } if id.as_str().ends_with("000000000005")));
    assert_eq!(Some(following.sink.held.lock().unwrap().1.chain), log.root(5));
    assert_eq!((following.status.releases(), following.status.withdrawals()), (3, 1));
    assert_eq!(following.status.latency().n, 4);
    following.stop().await;
}

fn objects_of(log: &Log) -> Vec<String> {
    use feeds::peer::wire::Line;
    let text = |line: &Line| match line {
        Line::Release { object, .. } => Some(object.clone()),
        _ => None,
    };
    log.lines.iter().filter_map(text).collect()
}

#[tokio::test]
async fn what_waits_is_one_append_and_one_line_waits_for_nobody() {
    let log = Log::of(2_000);
    let (sender, receiver) = mpsc::channel::<Bytes>(8);
    let receiver = Mutex::new(Some(receiver));
    let first = log.bytes_after(0);
    let origin = Origin::new(move |_, _, _| {
        let receiver = receiver.lock().unwrap().take().expect("one connection");
        let later =
            stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|bytes| (bytes, receiver)) });
        Answer::Body(stream::iter([Bytes::from(first.clone())]).chain(later).boxed())
    })
    .await;
    let following = Following::with(
        &origin,
        Memory::default(),
        Settings { batch_lines: 500, silence_ms: 60_000, ..settings() },
        &origin.tls,
    );
    following.reaches(2_000).await;
    let appends = following.sink.appends.load(Ordering::SeqCst);
    assert!((4..400).contains(&appends), "{appends} appends for 2,000 lines");

    let mut log = log;
    let mut took = Vec::new();
    for n in 2_001..2_021 {
        log.release("{}");
        let before = Instant::now();
        sender.send(log.bytes_after(n - 1).into()).await.unwrap();
        following.reaches(n).await;
        took.push(before.elapsed());
    }
    took.sort();
    assert!(took[10] < Duration::from_millis(50), "half of all single lines are there after {:?}", took[10]);
    following.stop().await;
}

/// Attack 41: away for long, then back, over connections that break anywhere and a disk that fails.
#[tokio::test]
async fn attack_41_a_partner_away_for_long_resumes_without_gap_or_double() {
    let log = Log::of(300);
    let sent = log.clone();
    let origin = Origin::new(move |attempt, after, root| {
        assert_eq!(sent.root(after), Some(root), "the follower stands where it says");
        let bytes = sent.bytes_after(after);
        if attempt % 7 == 3 {
            return Answer::Status(503);
        }
        let end = (attempt * 997).min(bytes.len());
        Answer::closed(bytes[..end].chunks(1 + attempt * 31).map(Bytes::copy_from_slice).collect())
    })
    .await;
    let sink = Memory { failures: 3.into(), ..Memory::default() };
    let following = Following::new(&origin, sink);
    following.reaches(300).await;
    assert!(origin.attempts.load(Ordering::SeqCst) > 10, "the stream broke often");
    let sink = following.stop().await;
    assert_eq!(objects(&sink.received()), objects_of(&log));
    assert_eq!(Some(sink.held.lock().unwrap().1.chain), log.root(300));
}

#[tokio::test]
async fn a_certificate_of_another_centre_or_authority_is_not_the_partner() {
    for name in ["ca.bridgewatch", "us.bridgewatch.example", "127.0.0.1"] {
        let origin = Origin::named(name, |_, after, root| Log::of(1).answer(after, root)).await;
        let following = Following::new(&origin, Memory::default());
        let mut changes = following.status.changes();
        let told =
            changes.wait_for(|standing| standing.reason.as_ref().is_some_and(|reason| reason.contains("certificate")));
        tokio::time::timeout(Duration::from_secs(10), told).await.expect("told of the certificate").unwrap();
        assert_eq!((following.sink.number(), origin.attempts.load(Ordering::SeqCst)), (0, 0));
        following.stop().await;
    }
    let origin = Origin::new(|_, after, root| Log::of(1).answer(after, root)).await;
    let mut tls = origin.tls.clone();
    tls.authority = authority().pem().into_bytes();
    let following = Following::with(&origin, Memory::default(), settings(), &tls);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((following.sink.number(), origin.attempts.load(Ordering::SeqCst)), (0, 0));
    assert_eq!(following.status.standing().state, State::Down);
    following.stop().await;
}

#[tokio::test]
async fn a_partner_that_falls_silent_is_called_again() {
    let log = Log::of(1);
    let origin = Origin::new(move |_, after, root| log.answer(after, root)).await;
    let following =
        Following::with(&origin, Memory::default(), Settings { silence_ms: 150, ..settings() }, &origin.tls);
    following.reaches(1).await;
    following.becomes(State::Down).await;
    following.becomes(State::Up).await;
    assert!(origin.attempts.load(Ordering::SeqCst) >= 2);
    following.stop().await;
}

#[tokio::test]
async fn refusals_are_no_halts_and_say_what_to_do() {
    for (status, word) in [(403, "enrolled"), (401, "enrolled"), (404, "404"), (503, "503"), (302, "302")] {
        let origin = Origin::new(move |_, _, _| Answer::Status(status)).await;
        let following = Following::new(&origin, Memory::default());
        let mut changes = following.status.changes();
        let told = changes.wait_for(|standing| standing.reason.as_ref().is_some_and(|reason| reason.contains(word)));
        tokio::time::timeout(Duration::from_secs(10), told).await.expect("told of the status").unwrap();
        assert_eq!(following.status.standing().state, State::Down);
        following.stop().await;
    }
}
