//! The only crate that serves HTTP: TAXII 2.1, REST, live streams, the partner link, the sensors, the console's files.
//!
//! Architecture invariants: every route stands in [`routes::TABLE`]; what any answer shows was asked of the gate with the
//! caller's `Visibility` and noted in the disclosure log before its first byte left; a hidden id and an unknown one get the
//! same bytes; no sequence number of the log is ever in an answer.

mod admin;
mod body;
mod caller;
mod console;
mod disclose;
mod error;
mod health;
mod limits;
mod link;
mod live;
mod local;
mod metrics;
mod paging;
mod query;
pub mod rest;
mod router;
pub mod routes;
mod sensor;
mod server;
pub mod service;
mod session;
mod sight;
mod stall;
mod stream;
pub mod taxii;
mod tls;

pub use error::{Code, Failure};
pub use limits::Settings;
pub use paging::{Position, Scope, Sealer, SealerError};
pub use query::Query;
pub use routes::Listener;
pub use server::{Api, ApiError, Bound, serve};
pub use service::Services;
pub use tls::{TlsError, TlsMaterial, server_config};
