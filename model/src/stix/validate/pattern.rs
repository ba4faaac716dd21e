//! The pattern of an indicator: its grammar (STIX 2.1 §9) and the names in its object paths (§3.1).

use super::check::Check;
use super::place::Place;
use crate::pattern::{Comparison, Expression, Observation, Pattern, Step, parse};
use crate::stix::id::is_type_name;

/// Shortest name of a property (§3.1), but for `id`.
const NAME_BYTES_MIN: usize = 3;
/// Longest name of a property (§3.1).
const NAME_BYTES_MAX: usize = 250;

/// §4.7: a pattern of type `stix` follows the grammar, and names types and properties as §3.1 lets them be named.
pub(super) fn indicator(check: &mut Check<'_>) {
    let object = check.object;
    if object.text("pattern_type") != Some("stix") {
        return;
    }
    let Some(text) = object.text("pattern") else { return };
    let place = Place::ROOT.member("pattern");
    let pattern = match parse(text) {
        Ok(pattern) => pattern,
        Err(fault) => {
            let message = format!("{} (at byte {} of the pattern)", fault.message, fault.position);
            return check.error("pattern-syntax", &place, "STIX 2.1 §9", message);
        }
    };
    each_comparison(&pattern, |comparison| {
        if !is_type_name(&comparison.path.object_type) {
            let message = format!(
                "`{}` is no object type, which has 3 to 250 lower-case letters, digits and single hyphens: correct it",
                comparison.path.object_type
            );
            check.warning("pattern-name", &place, "STIX 2.1 §3.1", message);
        }
        // Names below the first may be keys of dictionaries, which are free.
        if let Some(Step::Key(name)) = comparison.path.steps.first()
            && name != "id"
            && !(NAME_BYTES_MIN..=NAME_BYTES_MAX).contains(&name.len())
        {
            let message = format!("`{name}` is no property name, which has 3 to 250 letters: correct it");
            check.warning("pattern-name", &place, "STIX 2.1 §3.1", message);
        }
    });
}

fn each_comparison<'p>(pattern: &'p Pattern, mut each: impl FnMut(&'p Comparison)) {
    let (mut observations, mut expressions) = (vec![&pattern.root], Vec::new());
    while let Some(observation) = observations.pop() {
        match observation {
            Observation::Single(expression) => expressions.push(expression),
            Observation::Joined(_, parts) => observations.extend(parts),
            Observation::Qualified(inner, _) => observations.push(inner),
        }
    }
    while let Some(expression) = expressions.pop() {
        match expression {
            Expression::Comparison(comparison) => each(comparison),
            Expression::And(parts) | Expression::Or(parts) => expressions.extend(parts),
        }
    }
}
