//! Progress of long work: on a terminal only, and never between lines of data on the same terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a bar is drawn anew, times a second.
const DRAWS_PER_S: u8 = 5;

/// A bar over `bytes` of `what`; without a length it counts.
pub(super) fn of_bytes(what: &str, bytes: Option<u64>) -> ProgressBar {
    let known = "{prefix} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}";
    bar(what, bytes, known, "{prefix} {spinner} {bytes} {binary_bytes_per_sec}")
}

/// A count of objects of `what`, of which nobody knows how many there are.
pub(super) fn of_objects(what: &str) -> ProgressBar {
    bar(what, None, "", "{prefix} {spinner} {human_pos} objects, {per_sec}")
}

fn bar(what: &str, length: Option<u64>, known: &str, unknown: &str) -> ProgressBar {
    let quiet = !std::io::stderr().is_terminal() || std::io::stdout().is_terminal();
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(DRAWS_PER_S) };
    let bar = ProgressBar::with_draw_target(length, target);
    let template = if length.is_some() { known } else { unknown };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}
