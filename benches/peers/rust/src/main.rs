//! The peers in Rust, and ours: `peers ours|ours-on-demand|ours-actix|by-hand|axum-health|health`.

mod check;
mod services;

use std::error::Error;
use std::io::Read;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use check::{Kind, RUNS};
use services::Checks;

const CONSTANT: &str = r#"{"status":"healthy"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name| std::env::var(name).map_err(|_| format!("`{name}` is not set"));
    let checks = Checks {
        count: variable("PEER_CHECKS")?.parse()?,
        kind: Kind::named(&variable("PEER_KIND")?).ok_or("no such kind")?,
    };
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let peer = std::env::args().nth(1).ok_or("which peer?")?;
    if peer == "ours-actix" {
        return services::serve_ours_on_actix(checks);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let app = match &*peer {
            "ours" => services::ours(checks)?,
            "ours-on-demand" => services::ours_on_demand(checks)?,
            "by-hand" => services::by_hand(checks),
            "axum-health" => services::axum_health(checks),
            "health" => services::health(checks),
            other => return Err(format!("no such peer: {other}").into()),
        };
        serve(app).await
    })
}

async fn serve(app: Router) -> Result<(), Box<dyn Error>> {
    let json = [(header::CONTENT_TYPE, "application/json")];
    let app = app
        .route("/static", get(move || async move { (json, CONSTANT) }))
        .route(
            "/runs",
            get(|| async { RUNS.load(Ordering::Relaxed).to_string() }),
        );
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}
