//! Why no telemetry shows an object path, in words that say what to write instead where there is something.

use model::field::fields_of;
use model::pattern::{Path, Step};

/// Object types of what happens on a host.
const OF_HOSTS: &[&str] = &["directory", "mutex", "process", "software", "user-account", "windows-registry-key"];

/// Why a path that no field has is not matched.
pub(crate) fn unseen(path: &Path) -> String {
    if let Some(instead) = instead(path) {
        return format!("no telemetry shows `{path}`: write `{instead}`");
    }
    let first = match path.steps.first() {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    match (path.object_type.as_str(), first) {
        (host, _) if OF_HOSTS.contains(&host) => {
            format!("no telemetry shows `{path}`: sensors see the network, not what is on a host")
        }
        ("file", "hashes") => format!("no telemetry shows `{path}`: files are seen with MD5, SHA-1 and SHA-256"),
        ("x509-certificate", _) => {
            format!("no telemetry shows `{path}`: of certificates subject, issuer and SHA-1 are seen")
        }
        ("email-message", _) => {
            format!("no telemetry shows `{path}`: of messages sender, recipients and subject are seen")
        }
        ("file", _) => format!("no telemetry shows `{path}`: of files name, size and hashes are seen"),
        _ => format!("no telemetry shows `{path}`"),
    }
}

/// A path that is shown, and that this one is likely to mean.
fn instead(path: &Path) -> Option<Path> {
    spelled(path).into_iter().flat_map(|path| listed(&path)).find(|path| fields_of(path).is_some())
}

/// The path, what it is if its type is one that STIX does not have, and both as a header of a request.
fn spelled(path: &Path) -> Vec<Path> {
    let below = |object_type: &str, before: &[&str]| {
        let before = before.iter().map(|key| Step::Key((*key).to_owned()));
        Path { object_type: object_type.to_owned(), steps: before.chain(path.steps.iter().cloned()).collect() }
    };
    let mut all = vec![path.clone()];
    match path.object_type.as_str() {
        "domain" | "hostname" => all.push(below("domain-name", &[])),
        "email" => all.push(below("email-message", &[])),
        "http-request-ext" => all.push(below("network-traffic", &["extensions", "http-request-ext"])),
        _ => {}
    }
    let headers = all.iter().filter_map(|path| {
        let (name, before) = path.steps.split_last()?;
        let steps = [before, &[Step::Key("request_header".to_owned()), name.clone()]].concat();
        Some(Path { object_type: path.object_type.clone(), steps })
    });
    let headers: Vec<Path> = headers.collect();
    all.extend(headers);
    all
}

/// The path with `[*]` for its indexes, since an observation has no order among the values of a field; and with one more, where a
/// list is named as if it were a value.
fn listed(path: &Path) -> Vec<Path> {
    let any = |step: &Step| if matches!(step, Step::Index(_)) { Step::Any } else { step.clone() };
    let steps: Vec<Step> = path.steps.iter().map(any).collect();
    let with_one_more = |place: usize| {
        let (before, behind) = steps.split_at_checked(place)?;
        Some([before, &[Step::Any], behind].concat())
    };
    let more = (1..=steps.len()).filter_map(with_one_more);
    let all = std::iter::once(steps.clone()).chain(more);
    all.map(|steps| Path { object_type: path.object_type.clone(), steps }).collect()
}

#[cfg(test)]
mod tests {
    use model::pattern::{Expression, Observation, parse};

    use super::*;

    #[test]
    fn what_to_write_instead_is_said() {
        for (text, expected) in [
            ("network-traffic:protocols", "write `network-traffic:protocols[*]`"),
            ("network-traffic:protocols[0]", "write `network-traffic:protocols[*]`"),
            ("email-message:to_refs[0].value", "write `email-message:to_refs[*].value`"),
            ("email:subject", "write `email-message:subject`"),
            ("email:to_refs.value", "write `email-message:to_refs[*].value`"),
            ("http-request-ext:request_method", "write `network-traffic:extensions.'http-request-ext'.request_method`"),
            ("process:name", "not what is on a host"),
            ("file:hashes.'SHA-512'", "MD5, SHA-1 and SHA-256"),
            ("file:path", "of files name, size and hashes are seen"),
            ("email-message:body", "of messages sender, recipients and subject are seen"),
            ("x509-certificate:hashes.MD5", "of certificates subject, issuer and SHA-1 are seen"),
            (
                "network-traffic:extensions.'http-request-ext'.'User-Agent'",
                "write `network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'`",
            ),
            ("mac-addr:value", "no telemetry shows `mac-addr:value`"),
        ] {
            let pattern = parse(&format!("[{text} = 'x']")).unwrap();
            let Observation::Single(Expression::Comparison(comparison)) = pattern.root else { panic!("{text}") };
            assert!(unseen(&comparison.path).ends_with(expected), "{}", unseen(&comparison.path));
        }
    }
}
