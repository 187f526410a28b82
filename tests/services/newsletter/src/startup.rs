//! Builds the server, for `main` and for the tests.

use std::io;
use std::net::TcpListener;

use actix_session::SessionMiddleware;
use actix_session::storage::CookieSessionStore;
use actix_web::cookie::Key;
use actix_web::dev::Server;
use actix_web::middleware::Logger;
use actix_web::{App, HttpServer, web};
use health_actix::Health;
use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;

use crate::email::EmailClient;
use crate::routes;

/// Opens the database and creates its tables.
///
/// # Errors
///
/// If the database cannot be opened.
pub async fn open_database(url: &str) -> sqlx::Result<SqlitePool> {
    // A database in memory belongs to one connection.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect(url)
        .await?;
    for table in [
        "subscriptions (email TEXT)",
        "deliveries (id INTEGER PRIMARY KEY, email TEXT, text TEXT)",
    ] {
        let create = format!("CREATE TABLE IF NOT EXISTS {table}");
        sqlx::query(&create).execute(&pool).await?;
    }
    Ok(pool)
}

/// Serves on the listener until the returned server is dropped or drained.
///
/// # Errors
///
/// If the listener cannot be used.
pub fn serve(
    listener: TcpListener,
    pool: SqlitePool,
    email: EmailClient,
    health: &Health,
) -> io::Result<Server> {
    let probes = health.endpoint().probe_paths("").to_regex();
    let configure = health_actix::configure(health);
    let key = Key::generate();
    let server = HttpServer::new(move || {
        App::new()
            .configure(configure.clone())
            .service(
                web::scope("")
                    .wrap(SessionMiddleware::new(
                        CookieSessionStore::default(),
                        key.clone(),
                    ))
                    .configure(routes::configure),
            )
            .wrap(Logger::default().exclude_regex(probes.clone()))
            .app_data(web::Data::new(pool.clone()))
            .app_data(web::Data::new(email.clone()))
    });
    let drained = health.drain_on_signal();
    Ok(server
        .workers(2)
        .shutdown_signal(drained)
        .listen(listener)?
        .run())
}
