//! The tests that the service had before: they know nothing of health.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use shortener::AppState;
use sqlx::sqlite::SqlitePoolOptions;
use tower::ServiceExt as _;

mod redis_server;

#[tokio::test]
async fn a_short_link_redirects() {
    let redis = redis_server::start();
    let client = redis::Client::open(redis.url()).expect("a URL");
    let state = AppState {
        // A database in memory belongs to one connection.
        pool: SqlitePoolOptions::new()
            .max_connections(1)
            .connect("sqlite::memory:")
            .await
            .expect("a database"),
        cache: redis::aio::ConnectionManager::new(client)
            .await
            .expect("Redis answers"),
    };
    sqlx::query("CREATE TABLE links (id INTEGER PRIMARY KEY, url TEXT NOT NULL)")
        .execute(&state.pool)
        .await
        .expect("a table");
    let app = shortener::app(state.into());

    let create = Request::post("/links")
        .body(Body::from("https://example.org/"))
        .expect("a request");
    let created = app.clone().oneshot(create).await.expect("an answer");
    assert_eq!(created.status(), StatusCode::CREATED);
    let body = created.into_body().collect().await.expect("a body");
    let code = String::from_utf8(body.to_bytes().into()).expect("a number");

    let follow = Request::get(format!("/{code}"))
        .body(Body::empty())
        .expect("a request");
    let followed = app.oneshot(follow).await.expect("an answer");
    assert_eq!(followed.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(followed.headers()[header::LOCATION], "https://example.org/");
}
