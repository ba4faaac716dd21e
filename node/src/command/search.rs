//! `bridgewatch search`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::arguments::SearchArguments;
use super::output::Lines;
use super::{Status, centre, runtime, say, shown};

/// Rows asked for at a time.
const PAGE: usize = 100;

pub(super) fn run(arguments: &SearchArguments) -> Result<Status> {
    runtime()?.block_on(search(arguments))
}

async fn search(arguments: &SearchArguments) -> Result<Status> {
    let client = centre::client(&arguments.centre)?;
    let mut lines = Lines::new();
    let (mut found, mut total, mut cursor) = (0, 0, None);
    while found < arguments.limit {
        let mut query = vec![("q", arguments.query.clone()), ("limit", PAGE.min(arguments.limit - found).to_string())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page = client.get("/api/v1/search", &query).await?;
        let rows = page.get("hits").and_then(Value::as_array).context("the centre's answer holds no `hits`")?;
        for row in rows {
            if arguments.json { lines.json(row)? } else { lines.text(&columns(row))? }
        }
        found += rows.len();
        total = page.get("total").and_then(Value::as_u64).unwrap_or_default();
        cursor = page.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if page.get("more").and_then(Value::as_bool) != Some(true) || cursor.is_none() || rows.is_empty() {
            break;
        }
    }
    lines.finish()?;
    if !arguments.json {
        say("32", &format!("{found} of {total}"));
    }
    Ok(if found == 0 { Status::Negative } else { Status::Done })
}

/// When added, whose, how marked, what it is, what it is called, its value, its id.
fn columns(row: &Value) -> String {
    let places = ["/added", "/origin", "/marking/text", "/type", "/name", "/value", "/id"];
    let text = |place| shown(row.pointer(place).and_then(Value::as_str).unwrap_or("-"));
    places.map(text).join("\t")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_one_line_whatever_is_in_it() {
        let row = json!({"id": "indicator--1", "type": "indicator", "name": "a\nb\tc", "marking": {"text": "TLP:RED"}});
        assert_eq!(columns(&row), "-\t-\tTLP:RED\tindicator\ta\\nb\\tc\t-\tindicator--1");
    }
}
