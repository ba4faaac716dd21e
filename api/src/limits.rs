//! The named bounds of the HTTP listeners. The program embeds [`Settings`] in its own configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Every bound of the listeners. What passes one is refused with a clear answer, or closed and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Longest request body, bytes: `max_content_length` of TAXII 2.1 §4.2. Answer 413.
    pub body_bytes_max: usize,
    /// Longest request head, bytes: HTTP/1 head and HTTP/2 header list. Answer 431.
    pub head_bytes_max: usize,
    /// Most objects in one page of TAXII, and the size of a page that asks for none (§3.4 lets a server lower `limit`).
    pub page_objects_max: usize,
    /// Most rows in one page of the REST interface.
    pub page_rows_max: usize,
    /// Rows of a REST page that asks for no number.
    pub page_rows: usize,
    /// Largest page, bytes of objects: a page ends before it would be larger, with `more`.
    pub page_bytes_max: usize,
    /// TAXII pages that are read before they are asked for; the oldest goes first.
    pub pages_ahead_max: usize,
    /// Bytes of objects in such a page: a reader of larger ones waits for each.
    pub page_ahead_bytes_max: usize,
    /// Connections open on one listener; one more is closed before its handshake.
    pub connections_max: usize,
    /// Requests under way on one HTTP/2 connection.
    pub requests_per_connection_max: u32,
    /// Open live streams of one principal. Answer 429.
    pub streams_per_principal_max: usize,
    /// Events that wait for one live subscriber. Once there is no room for [`Settings::write_timeout_s`] it is dropped, to
    /// resume from its cursor.
    pub subscriber_events_max: usize,
    /// Seconds for a TLS handshake.
    pub handshake_timeout_s: u64,
    /// Seconds for a request head, also the idle time of an HTTP/1 connection.
    pub head_timeout_s: u64,
    /// Seconds for a whole request body. Answer 400.
    pub body_timeout_s: u64,
    /// Seconds that a client may take nothing of what is written to it.
    pub write_timeout_s: u64,
    /// Seconds that open requests get to finish when the program ends.
    pub shutdown_grace_s: u64,
    /// TAXII status resources kept; the oldest goes first.
    pub statuses_max: usize,
    /// Bytes of all TAXII status resources kept; the oldest goes first.
    pub status_bytes_max: usize,
    /// Console sessions kept; the one idle longest goes first.
    pub sessions_max: usize,
    /// Seconds after which an idle session ends.
    pub session_idle_s: u64,
    /// The same for an officer.
    pub officer_session_idle_s: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes_max: 16 << 20,
            head_bytes_max: 64 << 10,
            page_objects_max: 1_000,
            page_rows_max: 1_000,
            page_rows: 100,
            page_bytes_max: 16 << 20,
            pages_ahead_max: 4,
            page_ahead_bytes_max: 2 << 20,
            connections_max: 1_024,
            requests_per_connection_max: 128,
            streams_per_principal_max: 8,
            subscriber_events_max: 1_024,
            handshake_timeout_s: 10,
            head_timeout_s: 30,
            body_timeout_s: 30,
            write_timeout_s: 30,
            shutdown_grace_s: 5,
            statuses_max: 1_000,
            status_bytes_max: 8 << 20,
            sessions_max: 1_000,
            session_idle_s: 900,
            officer_session_idle_s: 600,
        }
    }
}

impl Settings {
    /// Time for a TLS handshake.
    pub(crate) fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_timeout_s)
    }

    /// Time for a request head.
    pub(crate) fn head_timeout(&self) -> Duration {
        Duration::from_secs(self.head_timeout_s)
    }

    /// Time for a request body.
    pub(crate) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_s)
    }

    /// Time without progress of a write.
    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_secs(self.write_timeout_s)
    }

    /// Time for open requests at the end.
    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_s)
    }
}
