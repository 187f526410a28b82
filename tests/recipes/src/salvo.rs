//! salvo, feature `tower-compat`.

use health_core::Health;
use salvo::http::ReqBody;
use salvo::prelude::*;

#[handler]
async fn business() -> &'static str {
    "business"
}

/// Its own routes first, health for the rest.
pub fn app(health: &Health) -> Router {
    let health = TowerServiceCompat::<ReqBody, _, _, _>::compat(health.endpoint());
    Router::new()
        .push(Router::new().get(business))
        .push(Router::with_path("{**rest}").goal(health))
}
