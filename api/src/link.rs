//! The partner link: `GET /link/v1/releases?after=N&root=H`, one endless answer of JSON lines (ADR 4).

use std::sync::Arc;

use warp::reply::Response;

use crate::error::{Code, Failure};
use crate::query::Query;
use crate::router::Call;
use crate::server::Api;
use crate::stream::{Guard, relay};

/// The lines after number `after`, if our link log holds `root` there.
pub(crate) async fn releases(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    let caller = call.caller()?;
    let query = Query::read(&call.query, &["after", "root"])?;
    let after: u64 = query.parsed("after", "a whole number")?.unwrap_or(0);
    let mut root = [0; 32];
    if let Some(text) = query.value("root") {
        let not_hash = |_| Failure::new(Code::BadRequest, "`root` must be 64 hexadecimal digits");
        hex::decode_to_slice(text, &mut root).map_err(not_hash)?;
    }
    let guard = Guard::new(api, caller, call.route.access);
    let lines = api.services.releases.follow(&caller.principal, after, root).await?;
    Ok(relay(lines, guard, "application/x-ndjson"))
}
