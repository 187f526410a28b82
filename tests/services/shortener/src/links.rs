use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use redis::AsyncCommands;

use crate::SharedState;

pub(crate) async fn create(State(state): State<SharedState>, url: String) -> Response {
    let inserted = sqlx::query("INSERT INTO links (url) VALUES (?)")
        .bind(&url)
        .execute(&state.pool)
        .await;
    match inserted {
        Ok(row) => (StatusCode::CREATED, row.last_insert_rowid().to_string()).into_response(),
        Err(error) => failed(&error),
    }
}

pub(crate) async fn follow(State(state): State<SharedState>, Path(code): Path<i64>) -> Response {
    let mut cache = state.cache.clone();
    // Without the cache links are slower, and still there.
    if let Ok(Some(url)) = cache.get::<_, Option<String>>(code).await {
        return Redirect::temporary(&url).into_response();
    }
    let found = sqlx::query_scalar::<_, String>("SELECT url FROM links WHERE id = ?")
        .bind(code)
        .fetch_optional(&state.pool)
        .await;
    match found {
        Ok(Some(url)) => {
            let _: Result<(), _> = cache.set_ex(code, &url, 60).await;
            Redirect::temporary(&url).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &sqlx::Error) -> Response {
    tracing::error!(%error, "the database failed");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
