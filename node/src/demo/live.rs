//! A centre's live stream (Server-Sent Events), as someone outside follows it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::client::Client;

/// How long one event of the stream may be, bytes.
const EVENT_BYTES_MAX: usize = 4 << 20;
/// How long until a stream that broke off is opened again.
const AGAIN: Duration = Duration::from_millis(100);

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// `object`, `sighting`, `hit`, `withdrawal`, `status`, `end`.
    pub(super) kind: String,
    /// Its data.
    pub(super) data: Value,
}

/// An open stream.
struct Live {
    response: reqwest::Response,
    pending: Vec<u8>,
}

impl Live {
    async fn open(client: &Client, behind: Option<&str>) -> Result<Self> {
        let query: Vec<_> = behind.map(|cursor| ("from", cursor.to_owned())).into_iter().collect();
        let response = client.stream("/api/v1/live", &query, "text/event-stream").await?;
        Ok(Self { response, pending: Vec::new() })
    }

    /// The next block of lines; none when the stream has ended.
    async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            if let Some(end) = self.pending.windows(2).position(|pair| pair == b"\n\n") {
                return Ok(Some(self.pending.drain(..end + 2).collect()));
            }
            if self.pending.len() > EVENT_BYTES_MAX {
                bail!("the live stream sent an event of over {EVENT_BYTES_MAX} bytes");
            }
            match self.response.chunk().await.context("the live stream broke off")? {
                Some(chunk) => self.pending.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// Opens the stream, then follows it in a task of its own, which opens it again, where it left off, whenever it breaks.
pub(super) async fn follow(
    client: Client,
    mut note: impl FnMut(Event) + Send + 'static,
) -> Result<tokio::task::JoinHandle<()>> {
    let mut live = Live::open(&client, None).await?;
    Ok(tokio::spawn(async move {
        let mut behind: Option<String> = None;
        loop {
            while let Ok(Some(block)) = live.next().await {
                let (id, event) = read(&block);
                behind = id.or(behind);
                if let Some(event) = event {
                    note(event);
                }
            }
            live = loop {
                tokio::time::sleep(AGAIN).await;
                match Live::open(&client, behind.as_deref()).await {
                    Ok(live) => break live,
                    Err(error) => tracing::debug!(%error, "the live stream is opened again"),
                }
            };
        }
    }))
}

/// The cursor and the event of a block of lines.
fn read(block: &[u8]) -> (Option<String>, Option<Event>) {
    let text = String::from_utf8_lossy(block);
    let (mut id, mut kind, mut data) = (None, String::new(), String::new());
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("id:") {
            id = Some(value.trim().to_owned());
        } else if let Some(value) = line.strip_prefix("event:") {
            value.trim().clone_into(&mut kind);
        } else if let Some(value) = line.strip_prefix("data:") {
            data.push_str(value.strip_prefix(' ').unwrap_or(value));
        }
    }
    let data = serde_json::from_str(&data).ok();
    (id, data.map(|data| Event { kind, data }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read() {
        let (id, event) = read(b"id: x\nevent: hit\ndata: {\"id\":\ndata:  \"a\"}\n\n");
        let event = event.unwrap();
        assert_eq!((id.as_deref(), event.kind.as_str(), &event.data["id"]), (Some("x"), "hit", &Value::from("a")));
        assert_eq!(read(b": beat\n\n"), (None, None));
        assert_eq!(read(b"data: no json\n\n"), (None, None));
    }
}
