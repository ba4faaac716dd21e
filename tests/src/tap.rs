//! An endless answer, kept as it comes: live streams, the partner link, a sensor's rule set.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One event of a live stream.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its cursor.
    pub cursor: String,
    /// `object`, `sighting`, `hit`, `withdrawal`, `status`, `end`.
    pub kind: String,
    /// Its data.
    pub data: Value,
}

/// Reads an answer in the background until it is dropped.
#[derive(Debug)]
pub struct Tap {
    bytes: Arc<Mutex<Vec<u8>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Tap {
    /// Sends the request; an error unless the answer begins with 200.
    pub async fn open(request: reqwest::RequestBuilder) -> Result<Self> {
        let mut response = request.send().await.context("the stream cannot be reached")?;
        if response.status() != 200 {
            bail!("the stream answers {}: {}", response.status(), response.text().await.unwrap_or_default());
        }
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&bytes);
        let task = tokio::spawn(async move {
            while let Ok(Some(chunk)) = response.chunk().await {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk);
            }
        });
        Ok(Self { bytes, task })
    }

    /// Everything until now.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// Has the other side ended it?
    pub fn ended(&self) -> bool {
        self.task.is_finished()
    }

    /// The whole events of a live stream until now.
    pub fn events(&self) -> Vec<Event> {
        let text = self.text();
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        whole.split("\n\n").filter_map(event).collect()
    }

    /// The first event of `kind` whose `key` is `value`.
    pub fn event(&self, kind: &str, key: &str, value: &str) -> Option<Event> {
        let is = |event: &Event| event.kind == kind && event.data.get(key).and_then(Value::as_str) == Some(value);
        self.events().into_iter().find(is)
    }

    /// The whole lines of a JSON lines stream until now.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn event(block: &str) -> Option<Event> {
    let field = |name: &str| {
        block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.strip_prefix(' ').unwrap_or(value))
    };
    let data = serde_json::from_str(field("data:")?).ok()?;
    Some(Event { cursor: field("id:").unwrap_or_default().to_owned(), kind: field("event:")?.to_owned(), data })
}
