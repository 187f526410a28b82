//! warp 0.4.

use std::convert::Infallible;

use health_core::http::{Endpoint, RequestHead};
use warp::http::{HeaderMap, Method};
use warp::path::FullPath;
use warp::{Filter, Reply};

/// Its own routes first, health for the rest.
pub fn app(endpoint: Endpoint) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    let head = warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned());
    let health = head.then(
        move |method: Method, path: FullPath, query: String, headers: HeaderMap| {
            let head = RequestHead::new(method.as_str(), path.as_str())
                .with_query(Some(&query))
                .with_headers(&headers);
            endpoint.respond(head)
        },
    );
    let business = warp::path::end().map(|| "business");
    business.or(health)
}
