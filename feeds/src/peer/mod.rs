//! The partner link (ADR 4): its lines, which both ends share, and the follower, which takes what the partner released.
//! [`Follower`] trusts nothing that it was not shown: number, leaf, chain and digest are made anew here.

mod check;
mod connect;
mod follower;
mod lines;
mod status;
pub mod wire;

pub use check::{Halt, Received};
pub use connect::{PeerError, TlsMaterial, server_name};
pub use follower::{Follower, Peer, Settings, Sink, SinkError};
pub use status::{Latency, LinkStatus, Standing, State};
