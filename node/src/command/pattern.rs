//! `bridgewatch pattern`.

use anyhow::Result;
use serde_json::json;

use super::Status;
use super::arguments::PatternArguments;
use super::output::Lines;

pub(crate) fn run(arguments: &PatternArguments) -> Result<Status> {
    let mut lines = Lines::new();
    let status = match model::pattern::parse(&arguments.pattern) {
        Ok(pattern) => {
            if arguments.json {
                lines.json(&json!({"valid": true, "canonical": pattern.to_string()}))?;
            } else {
                lines.text(&pattern.to_string())?;
            }
            Status::Done
        }
        Err(fault) => {
            if arguments.json {
                lines.json(&json!({"valid": false, "code": fault.code, "position": fault.position,
                    "message": fault.message, "suggestion": fault.suggestion}))?;
            } else {
                lines.text(&arguments.pattern)?;
                let before = arguments.pattern.get(..fault.position).map_or(0, |text| text.chars().count());
                lines.text(&format!("{}^ {}", " ".repeat(before), fault.message))?;
                if let Some(suggestion) = &fault.suggestion {
                    lines.text(&format!("{}  {suggestion}", " ".repeat(before)))?;
                }
            }
            Status::Negative
        }
    };
    lines.finish()?;
    Ok(status)
}
