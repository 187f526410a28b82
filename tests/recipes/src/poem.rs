//! poem 3, feature `tower-compat`.

use health_core::Health;
use poem::endpoint::TowerCompatExt;
use poem::{Route, get, handler};

#[handler]
fn business() -> &'static str {
    "business"
}

/// Its own routes, and those of health.
pub fn app(health: &Health) -> Route {
    let endpoint = health.endpoint();
    let app = Route::new().at("/", get(business));
    endpoint.paths().fold(app, |routes, path| {
        let routes = routes.at(path, endpoint.clone().compat());
        routes.at(format!("{path}/*check"), endpoint.clone().compat())
    })
}
