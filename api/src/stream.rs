//! Answers without end: how many one principal may have open, and when one must end before its client does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, header};
use model::principal::PrincipalName;
use sharing::Principal;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use warp::Reply;
use warp::reply::Response;

use crate::caller::Caller;
use crate::error::{Code, Failure};
use crate::routes::Access;
use crate::server::{Api, stopped};
use crate::service::ServiceError;

/// How often a stream looks whether its session is still open; changes of the directory are looked at at once.
const SESSION_CHECK: Duration = Duration::from_millis(500);
/// Messages between a service and its client; more waits where it is made.
const RELAY_MESSAGES: usize = 4;

/// The open streams of each principal.
#[derive(Debug, Default, Clone)]
pub(crate) struct Streams {
    open: Arc<Mutex<HashMap<PrincipalName, usize>>>,
}

impl Streams {
    /// A place for one more stream of `principal`, or 429.
    pub(crate) fn take(&self, principal: &PrincipalName, max: usize) -> Result<Place, Failure> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(principal.clone()).or_default();
        if *count >= max {
            return Err(Failure::new(Code::TooMany, format!("{max} live streams are open already: close one")));
        }
        *count += 1;
        Ok(Place { streams: self.clone(), principal: principal.clone() })
    }
}

/// The place of one stream, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    principal: PrincipalName,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.principal);
            }
        }
    }
}

/// Watches over one stream: its principal, its session, the end of the program.
pub(crate) struct Guard {
    api: Arc<Api>,
    caller: Caller,
    access: Access,
    changes: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
}

impl Guard {
    pub(crate) fn new(api: &Arc<Api>, caller: &Caller, access: Access) -> Self {
        Self {
            api: api.clone(),
            caller: caller.clone(),
            access,
            changes: api.services.directory.changes(),
            stop: api.stop.clone(),
        }
    }

    /// The principal as it stands now, or why the stream must end.
    pub(crate) fn principal(&self) -> Result<Arc<Principal>, &'static str> {
        if *self.stop.borrow() {
            return Err("the centre is shutting down");
        }
        if let Some(session) = &self.caller.session {
            let now = self.api.services.clock.now();
            if self.api.sessions.principal(session, now, false).is_none() {
                return Err("the session has ended");
            }
        }
        let known = self.api.services.directory.by_name(&self.caller.principal.name);
        known
            .filter(|principal| !principal.revoked && self.access.admits(Some(principal)))
            .ok_or("the principal is no longer admitted")
    }

    /// Waits until the stream must end, and says why. May be dropped and called again.
    pub(crate) async fn tripped(&mut self) -> &'static str {
        loop {
            self.changes.borrow_and_update();
            if let Err(why) = self.principal() {
                return why;
            }
            tokio::select! {
                changed = self.changes.changed() => if changed.is_err() {
                    return "the centre is shutting down";
                },
                () = stopped(&mut self.stop) => {}
                () = tokio::time::sleep(SESSION_CHECK) => {}
            }
        }
    }
}

/// An endless answer of ready-made bytes, cut off when the guard trips.
pub(crate) fn relay(mut source: mpsc::Receiver<Bytes>, mut guard: Guard, content_type: &'static str) -> Response {
    let (near, far) = mpsc::channel(RELAY_MESSAGES);
    let cut = Arc::new(AtomicBool::new(false));
    let cutter = cut.clone();
    tokio::spawn(async move {
        let relayed = async {
            while let Some(part) = source.recv().await {
                if near.send(part).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = relayed => {}
            () = near.closed() => {}
            why = guard.tripped() => {
                cutter.store(true, Ordering::Release);
                tracing::info!(principal = %guard.caller.principal.name, why, "stream ended");
            }
        }
    });
    cuttable(far, cut, content_type)
}

/// An answer of ready-made bytes that has an end. What breaks it off before, an error of its source or the guard, breaks off
/// the connection too: half of it must not pass for the whole.
pub(crate) fn finite(
    mut source: mpsc::Receiver<Result<Bytes, ServiceError>>,
    mut guard: Guard,
    content_type: &'static str,
) -> Response {
    let (near, far) = mpsc::channel::<std::io::Result<Bytes>>(RELAY_MESSAGES);
    tokio::spawn(async move {
        let relayed = async {
            while let Some(part) = source.recv().await {
                let part = part.map_err(|error| {
                    tracing::error!(cause = %crate::error::chain(&error), "an answer broke off");
                    std::io::Error::other("broken off")
                });
                if near.send(part).await.is_err() {
                    break;
                }
            }
        };
        let why = tokio::select! {
            () = relayed => return,
            () = near.closed() => return,
            why = guard.tripped() => why,
        };
        tracing::info!(principal = %guard.caller.principal.name, why, "answer broken off");
        let _ = near.send(Err(std::io::Error::other(why))).await;
    });
    let mut response = warp::reply::stream(ReceiverStream::new(far)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer whose body is what comes out of `receiver`, until `cut`: then also what waits in it is dropped.
pub(crate) fn cuttable(receiver: mpsc::Receiver<Bytes>, cut: Arc<AtomicBool>, content_type: &'static str) -> Response {
    let parts = ReceiverStream::new(receiver).take_while(move |_| !cut.load(Ordering::Acquire));
    let parts = parts.map(Ok::<Bytes, std::convert::Infallible>);
    let mut response = warp::reply::stream(parts).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
