use std::time::Duration;

use health_axum::config::{HttpOptions, LifecycleOptions, RuntimeOptions};
use health_axum::http::Page;
use health_axum::Health;

fn main() {
    let health = Health::builder().for_tests().start().unwrap();
    let _served = health.serve("0.0.0.0:9090").unwrap();
    let _agent = health.serve_haproxy_agent("0.0.0.0:9091", 50);
    let _layer = health.layer();
    let _internal_layer = health.internal_layer();
    let _recorded = health.record_metrics();
    let _watched = health.watch(&"database");
    let _notified = Health::builder().notify("https://hc-ping.com/3f1c9a52");
    let _lifecycle = LifecycleOptions::new().notify_systemd();
    let _runtime = RuntimeOptions::new().watchdog(Duration::from_secs(5));
    let _configured = Health::builder().settings([("HEALTH_DRAIN_DELAY", "8s")]);
    let _document = health.endpoint().openapi();
    let _groups = health.endpoint().groups();
    let _http = HttpOptions::new()
        .path("/status", Page::StatusPage)
        .path("/openapi.json", Page::OpenApi);
}
