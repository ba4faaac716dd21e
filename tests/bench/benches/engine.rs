//! The engine alone, on one core, records in memory: `cargo bench -p bench --bench engine`. `BRIDGEWATCH_INDICATORS` says how many
//! plain indicators (10,000,000).
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench says what it measures, and may end")]

use std::hint::black_box;
use std::io::{BufReader, BufWriter, Seek};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bench::{indicators, observations, resident_bytes};
use divan::Bencher;
use divan::counter::ItemsCount;
use matching::{Match, RuleSet, RuleSource, Settings, Tracker};
use model::observation::Observation;

const OBSERVATIONS: u64 = 200_000;
const WINDOWED: u64 = 1_000;
const ADDED: u64 = 10_000;
const ROUNDS: usize = 41;
/// A thread beside is at work by then.
const STARTED: Duration = Duration::from_millis(5);
/// The allocator keeps what is free for a second.
const GIVEN_BACK: Duration = Duration::from_secs(4);

static SEEN: LazyLock<Vec<Observation>> = LazyLock::new(|| observations::made(OBSERVATIONS));

static PLAIN: LazyLock<RuleSet> = LazyLock::new(|| {
    let count = tests::place::number("BRIDGEWATCH_INDICATORS", 10_000_000);
    let (began, before) = (Instant::now(), resident_bytes());
    let sources = (0..count).filter_map(|number| indicators::source(&indicators::plain(number), number));
    let set = RuleSet::compile(sources, Settings::default());
    let seconds = began.elapsed().as_secs_f64();
    std::thread::sleep(GIVEN_BACK); // what was needed to build it only
    let megabytes = resident_bytes().saturating_sub(before) >> 20;
    println!("{} plain indicators compiled in {:.2} s, {megabytes} MB", set.len(), seconds);
    set
});

static REAL: LazyLock<RuleSet> = LazyLock::new(|| {
    let Some(patterns) = indicators::real() else {
        println!("skipped: no corpora");
        return PLAIN.clone();
    };
    let sources = (1 << 40..).zip(&patterns).filter_map(|(number, pattern)| indicators::source(pattern, number));
    let (began, before) = (Instant::now(), PLAIN.len());
    let set = PLAIN.with_changes(sources, &[]);
    println!("{} real patterns beside them in {:.2} s", set.len() - before, began.elapsed().as_secs_f64());
    set
});

static WINDOWS: LazyLock<RuleSet> = LazyLock::new(|| {
    let numbers = 1 << 41..(1 << 41) + WINDOWED;
    let sources = numbers.filter_map(|number| indicators::source(&indicators::windowed(number), number));
    REAL.with_changes(sources, &[])
});

fn main() {
    divan::main();
}

/// That are not there yet.
fn more() -> Vec<RuleSource> {
    let first = 1_u64 << 42;
    (first..first + ADDED).filter_map(|number| indicators::source(&indicators::plain(number), number)).collect()
}

fn scan(bencher: Bencher<'_, '_>, set: &RuleSet) {
    let mut found: Vec<Match> = Vec::new();
    bencher.counter(ItemsCount::new(SEEN.len())).bench_local(|| {
        for observation in SEEN.iter() {
            found.clear();
            set.scan(black_box(observation), &mut found);
            black_box(&found);
        }
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn plain_indicators(bencher: Bencher<'_, '_>) {
    scan(bencher, &PLAIN);
}

/// While another thread adds 10,000 to the set again and again: beside nothing, and beside a thread that only computes, since a
/// busy core slows its neighbour whatever it does. In turns, so that all three see the same machine.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn plain_indicators_while_more_come(bencher: Bencher<'_, '_>) {
    let (sources, set) = (more(), &*PLAIN);
    let add = || drop(black_box(set.with_changes(sources.iter().cloned(), &[])));
    let compute = || {
        black_box((0..1_000_u64).fold(0, |sum, number| black_box(sum ^ number)));
    };
    bencher.bench_local(|| {
        let mut rounds = [(); 3].map(|()| Vec::new());
        for _ in 0..ROUNDS {
            let [alone, computing, adding] = &mut rounds;
            alone.push(scan_once(set));
            computing.push(beside(compute, || scan_once(set)));
            adding.push(beside(add, || scan_once(set)));
        }
        let [alone, computing, adding] = rounds.map(median);
        println!(
            "scanning takes {:.1} % longer beside a thread that adds, {:.1} % longer beside one that only computes",
            100.0 * (adding / alone - 1.0),
            100.0 * (computing / alone - 1.0)
        );
    });
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or_default()
}

/// Does `each` while another thread does `work` again and again.
fn beside<T>(work: impl Fn() + Sync, each: impl FnOnce() -> T) -> T {
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                work();
            }
        });
        std::thread::sleep(STARTED);
        let done = each();
        ended.store(true, Ordering::Relaxed);
        done
    })
}

/// Seconds to scan all once.
fn scan_once(set: &RuleSet) -> f64 {
    let (mut found, began): (Vec<Match>, _) = (Vec::new(), Instant::now());
    for observation in SEEN.iter() {
        found.clear();
        set.scan(black_box(observation), &mut found);
        black_box(&found);
    }
    began.elapsed().as_secs_f64()
}

/// A saved set is read from a file and checked.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn a_saved_set_opens(bencher: Bencher<'_, '_>) {
    let mut file = tempfile::tempfile().unwrap();
    PLAIN.write(BufWriter::new(&file)).unwrap();
    let bytes = file.metadata().unwrap().len();
    bencher.bench_local(|| {
        file.rewind().unwrap();
        RuleSet::read(BufReader::with_capacity(1 << 20, &file), bytes, Settings::default()).unwrap()
    });
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn real_patterns_beside_them(bencher: Bencher<'_, '_>) {
    scan(bencher, &REAL);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn windowed_patterns_beside_them(bencher: Bencher<'_, '_>) {
    let (set, mut found) = (&*WINDOWS, Vec::new());
    println!("{} patterns of several observations", set.windowed_len());
    bencher.counter(ItemsCount::new(SEEN.len())).bench_local(|| {
        let mut tracker = Tracker::new(Settings::default());
        for observation in SEEN.iter() {
            found.clear();
            set.scan(black_box(observation), &mut found);
            tracker.observe(set, observation, &mut found);
            black_box(&found);
        }
    });
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn ten_thousand_more(bencher: Bencher<'_, '_>) {
    let sources = more();
    bencher.with_inputs(|| sources.clone()).bench_local_values(|sources| WINDOWS.with_changes(sources, &[]));
}
