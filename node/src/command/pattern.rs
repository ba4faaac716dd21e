//! `bridgewatch pattern`.

use std::path::Path;

use anyhow::{Context, Result};
use matching::{Explanation, Settings, explain};
use model::pattern::equivalence::are_equivalent;
use model::pattern::evaluate::{evaluate, observed};
use model::pattern::{Pattern, PatternFault, parse};
use serde_json::{Map, Value, json};

use super::Status;
use super::arguments::PatternArguments;
use super::output::Lines;
use super::validate::whole;

/// What is said of a pattern: members of one JSON object, or a line of words each.
struct Answer {
    members: Map<String, Value>,
    words: Vec<String>,
    status: Status,
}

pub(crate) fn run(arguments: &PatternArguments) -> Result<Status> {
    let answer = match parse(&arguments.pattern) {
        Ok(pattern) => answered(arguments, &pattern)?,
        Err(fault) => refused(&arguments.pattern, &fault),
    };
    let mut lines = Lines::new();
    if arguments.json {
        lines.json(&Value::Object(answer.members))?;
    } else {
        for line in &answer.words {
            lines.text(line)?;
        }
    }
    lines.finish()?;
    Ok(answer.status)
}

fn answered(arguments: &PatternArguments, pattern: &Pattern) -> Result<Answer> {
    let canonical = pattern.to_string();
    let mut answer = Answer { members: Map::new(), words: vec![canonical.clone()], status: Status::Done };
    answer.members.insert("valid".to_owned(), true.into());
    answer.members.insert("canonical".to_owned(), canonical.into());
    if let Some(other) = &arguments.same_as {
        let other = match parse(other) {
            Ok(other) => other,
            Err(fault) => return Ok(refused(other, &fault)),
        };
        let same = are_equivalent(pattern, &other);
        answer.members.insert("same".to_owned(), same.into());
        answer.words.push(if same { "means the same" } else { "does not mean the same" }.to_owned());
        answer.status = answer.status.or(if same { Status::Done } else { Status::Negative });
    }
    if let Some(path) = &arguments.observed {
        let matched = matched(pattern, path)?;
        answer.words.push(match &matched {
            Some(ids) => format!("matches: {}", ids.join(", ")),
            None => "does not match".to_owned(),
        });
        answer.status = answer.status.or(if matched.is_some() { Status::Done } else { Status::Negative });
        answer.members.insert("matches".to_owned(), matched.is_some().into());
        answer.members.insert("observed_data".to_owned(), json!(matched.unwrap_or_default()));
    }
    if arguments.explain {
        match explain(pattern, &Settings::default()) {
            Ok(explanation) => {
                answer.words.push(explanation.to_string());
                answer.members.insert("explanation".to_owned(), members(&explanation));
            }
            Err(why) => {
                answer.words.push(why.to_string());
                answer.members.insert("explanation".to_owned(), Value::Null);
                answer.members.insert("not_matched".to_owned(), why.0.into());
                answer.status = answer.status.or(Status::Negative);
            }
        }
    }
    Ok(answer)
}

fn members(explanation: &Explanation) -> Value {
    let looked_up = explanation.looked_up.iter().map(|found| {
        let fields: Vec<&str> = found.fields.iter().map(|field| field.ecs_name()).collect();
        json!({"lookup": found.lookup.to_string(), "fields": fields, "admitted_per_million": found.admitted_per_million})
    });
    let window = explanation.window.map(|window| {
        json!({"span_ms": window.span_ms, "observations": window.observations, "expressions": window.expressions})
    });
    json!({"looked_up": looked_up.collect::<Vec<_>>(), "admitted_per_million": explanation.admitted_per_million,
        "comparisons": explanation.comparisons, "regex_bytes": explanation.regex_bytes, "window": window})
}

/// The observed data by which the pattern matches: ids, or places in the file, from 1.
fn matched(pattern: &Pattern, path: &Path) -> Result<Option<Vec<String>>> {
    let text = whole(path)?;
    let value = serde_json::from_slice(&text).with_context(|| format!("`{}` is no JSON", path.display()))?;
    let sights = observed(&value).with_context(|| format!("cannot read `{}`", path.display()))?;
    let places = evaluate(pattern, &sights)?;
    let name =
        |place: usize| sights.get(place).and_then(|sight| sight.id.clone()).unwrap_or_else(|| (place + 1).to_string());
    Ok(places.map(|places| places.into_iter().map(name).collect()))
}

fn refused(text: &str, fault: &PatternFault) -> Answer {
    let before = text.get(..fault.position).map_or(0, |text| text.chars().count());
    let mut words = vec![text.to_owned(), format!("{}^ {}", " ".repeat(before), fault.message)];
    words.extend(fault.suggestion.iter().map(|suggestion| format!("{}  {suggestion}", " ".repeat(before))));
    let members = json!({"valid": false, "code": fault.code, "position": fault.position,
        "message": fault.message, "suggestion": fault.suggestion});
    let members = if let Value::Object(members) = members { members } else { Map::new() };
    Answer { members, words, status: Status::Negative }
}
