//! salvo, feature `tower-compat`.

use health_core::http::Endpoint;
use salvo::http::ReqBody;
use salvo::prelude::*;

#[handler]
async fn business() -> &'static str {
    "business"
}

/// Its own routes first, health for the rest.
pub fn app(health: Endpoint) -> Router {
    let health = TowerServiceCompat::<ReqBody, _, _, _>::compat(health);
    Router::new()
        .push(Router::new().get(business))
        .push(Router::with_path("{**rest}").goal(health))
}
