use crate::{error::Failure, router::Call, server::Api};
use std::sync::Arc;
use warp::reply::Response;
pub(crate) async fn search(_: &Arc<Api>, _: &Call) -> Result<Response, Failure> {
    Err(Failure::not_found())
}
