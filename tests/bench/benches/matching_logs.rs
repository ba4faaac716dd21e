//! `bridgewatch match` over a large log, beside searching it for the same texts: `cargo bench -p bench --bench matching_logs`. Of a search
//! the hits are no matches: it finds `a.example` in `data.example`. `BRIDGEWATCH_BYTES` (1,000,000,000) and
//! `BRIDGEWATCH_INDICATORS` (1,000,000) say how much; the release binary must be built.
#![expect(clippy::print_stdout, reason = "a bench says what it measures")]

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use bench::eve;
use tests::place;

const RUNS: usize = 5;

fn main() -> io::Result<()> {
    let (bytes, values) =
        (place::number("BRIDGEWATCH_BYTES", 1_000_000_000), place::number("BRIDGEWATCH_INDICATORS", 1_000_000));
    let folder = tempfile::tempdir()?;
    let [log, list, rules] = ["eve.json", "list.txt", "list.rules"].map(|name| folder.path().join(name));
    eve::write(bytes, values, BufWriter::new(File::create(&log)?))?;
    let mut to = BufWriter::new(File::create(&list)?);
    (0..values).try_for_each(|number| writeln!(to, "{}", eve::value(number)))?;
    to.into_inner()?.sync_all()?;
    println!("{bytes} bytes of EVE, {values} indicators");
    let binary = place::binary();
    let indicators = ["--indicators".as_ref(), list.as_os_str()];
    let compiled = seconds(Command::new(&binary).arg("compile").args(indicators).arg("--output").arg(&rules))?;
    println!("bridgewatch compile: {compiled:.2} s");
    let own =
        |from: &Path| seconds(Command::new(&binary).args(["match", "--count", "--indicators"]).args([from, &log]));
    println!("bridgewatch match, from the list: {:.2} s", own(&list)?);
    let mut all = (0..RUNS).map(|_| own(&rules)).collect::<io::Result<Vec<f64>>>()?;
    all.sort_by(f64::total_cmp);
    let median = all.get(RUNS / 2).copied().unwrap_or(f64::NAN);
    println!("bridgewatch match, compiled before: {all:.2?} s, median {:.0} MB/s", bytes as f64 / 1e6 / median);
    for peer in ["grep", "rg"] {
        match seconds(Command::new(peer).args(["-c", "-F", "-f"]).args([&list, &log])) {
            Ok(taken) => println!("{peer} -F -f: {taken:.1} s, {:.0} times as long", taken / median),
            Err(error) => println!("{peer} -F -f: not run ({error})"),
        }
    }
    Ok(())
}

/// How long it takes; what it writes is shown.
fn seconds(command: &mut Command) -> io::Result<f64> {
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).status()?;
    match status.code() {
        Some(0 | 1) => Ok(began.elapsed().as_secs_f64()),
        _ => Err(io::Error::other(status.to_string())),
    }
}
