use actix_session::Session;
use actix_web::web::{Data, Form, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use sqlx::SqlitePool;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(subscribe)
        .service(log_in)
        .service(publish)
        .service(health_check);
}

/// The probe that the service had before. Its tests and an uptime monitor call it.
#[get("/health_check")]
async fn health_check() -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[derive(Deserialize)]
struct Subscriber {
    email: String,
}

#[post("/subscriptions")]
async fn subscribe(
    Form(subscriber): Form<Subscriber>,
    pool: Data<SqlitePool>,
) -> Result<HttpResponse, actix_web::Error> {
    sqlx::query("INSERT INTO subscriptions (email) VALUES (?)")
        .bind(&subscriber.email)
        .execute(&**pool)
        .await
        .map_err(actix_web::error::ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().finish())
}

#[derive(Deserialize)]
struct Login {
    name: String,
}

#[post("/login")]
async fn log_in(Form(login): Form<Login>, session: Session) -> actix_web::Result<HttpResponse> {
    session.insert("editor", &login.name)?;
    Ok(HttpResponse::Ok().finish())
}

#[derive(Deserialize)]
struct Issue {
    text: String,
}

#[post("/issues")]
async fn publish(
    Form(issue): Form<Issue>,
    session: Session,
    pool: Data<SqlitePool>,
) -> actix_web::Result<HttpResponse> {
    if session.get::<String>("editor")?.is_none() {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    sqlx::query("INSERT INTO deliveries (email, text) SELECT email, ? FROM subscriptions")
        .bind(&issue.text)
        .execute(&**pool)
        .await
        .map_err(actix_web::error::ErrorInternalServerError)?;
    Ok(HttpResponse::Accepted().finish())
}
