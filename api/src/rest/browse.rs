use std::sync::Arc; use warp::reply::Response; use crate::{error::Failure, router::Call, server::Api};
pub(crate) async fn hits(_: &Arc<Api>, _: &Call) -> Result<Response, Failure> { Err(Failure::not_found()) }
pub(crate) async fn quarantine(_: &Arc<Api>, _: &Call) -> Result<Response, Failure> { Err(Failure::not_found()) }
pub(crate) async fn sightings(_: &Arc<Api>, _: &Call) -> Result<Response, Failure> { Err(Failure::not_found()) }
