//! poem 3, feature `tower-compat`.

use health_core::http::Endpoint;
use poem::endpoint::TowerCompatExt;
use poem::{Route, get, handler};

#[handler]
fn business() -> &'static str {
    "business"
}

/// Its own routes, and those of health.
pub fn app(health: &Endpoint) -> Route {
    let pages = health.paths().map(str::to_owned);
    let checks = health.check_paths().map(|path| format!("{path}/:check"));
    let app = Route::new().at("/", get(business));
    pages.chain(checks).fold(app, |routes, path| {
        let routes = routes.at(format!("{path}/"), health.clone().compat());
        routes.at(path, health.clone().compat())
    })
}
