//! actix-web 4.5 to 4.10, which has no `shutdown_signal`.

use std::io;
use std::net::SocketAddr;

use actix_web::{App, HttpServer, web};
use health_actix::config::HttpOptions;
use health_actix::http::Page;
use health_actix::{Health, StartError, health_check};

/// The queue takes work.
#[health_check(critical)]
async fn queue() -> bool {
    true
}

/// Starts the checks.
///
/// # Errors
///
/// As `HealthBuilder::start`.
pub fn start() -> Result<Health, StartError> {
    let http = HttpOptions::new().path("/metrics", Page::Metrics);
    let no_delay = health_actix::config::LifecycleOptions::new();
    let lifecycle = no_delay.drain_delay(std::time::Duration::ZERO);
    Health::builder().http(http).lifecycle(lifecycle).start()
}

/// Serves the application with its probes until the drain is over.
///
/// # Errors
///
/// If there is no free port.
pub async fn serve(health: Health, listening: impl FnOnce(SocketAddr)) -> io::Result<()> {
    let probes = health_actix::configure(&health);
    let internal = health_actix::configure_internal(&health);
    let app = move || {
        App::new()
            .route("/", web::get().to(|| async { "business" }))
            .configure(probes.clone())
            .service(web::scope("/internal").configure(internal.clone()))
    };
    let server = HttpServer::new(app).workers(2).bind("127.0.0.1:0")?;
    listening(server.addrs()[0]);
    let server = server.disable_signals().run();
    let (handle, drained) = (server.handle(), health.drain_on_signal());
    actix_web::rt::spawn(async move {
        drained.await;
        handle.stop(true).await;
    });
    server.await
}

#[cfg(test)]
#[path = "../../ask.rs"]
mod ask;

#[test]
fn it_answers_and_stops_after_the_drain() {
    let (tell, told) = std::sync::mpsc::channel();
    let serving = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let health = start().expect("it starts");
            health.refresh("queue").await;
            serve(health, |address| {
                tell.send(address).expect("the test waits")
            })
            .await
        })
    });
    let address = told.recv().expect("an address");
    ask::assert_public(address);
    assert_eq!(ask::ask(address, "/internal/health/queue").0, 200);
    let metrics = ask::ask(address, "/internal/metrics").1;
    assert!(metrics.contains("health_check_status"));
    // As the platform stops it.
    let id = std::process::id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(sent.expect("kill is installed").success());
    serving.join().expect("no panic").expect("it served");
}
