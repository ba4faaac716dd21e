use std::sync::Arc; use warp::reply::Response; use crate::{error::Failure, router::Call, server::Api};
pub(crate) async fn object(_: &Arc<Api>, _: &Call) -> Result<Response, Failure> { Err(Failure::not_found()) }
