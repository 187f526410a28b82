use std::error::Error;
use std::net::TcpListener;

use newsletter::email::EmailClient;
use newsletter::health::{Dependencies, checks};
use newsletter::{startup, worker};
use tracing_subscriber::EnvFilter;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter = setting("RUST_LOG", "newsletter=info,health=info");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .init();
    let pool = startup::open_database(&setting("DATABASE_URL", "sqlite::memory:")).await?;
    let email = EmailClient::new(setting("MAIL_URL", "http://127.0.0.1:8025"))?;

    let (builder, rounds) = checks(Dependencies {
        pool: pool.clone(),
        email: email.clone(),
    });
    let health = builder.start()?;
    let internal = health.serve(setting("INTERNAL_ADDRESS", "127.0.0.1:9090"))?;
    let worker = tokio::spawn(worker::run(pool.clone(), email.clone(), rounds.clone()));

    let listener = TcpListener::bind(setting("ADDRESS", "127.0.0.1:8000"))?;
    println!(
        "listening on http://{} and http://{}",
        listener.local_addr()?,
        internal.address()
    );
    startup::serve(listener, pool, email, &health)?.await?;
    rounds.finish();
    worker.abort();
    health.stop().await;
    Ok(())
}
