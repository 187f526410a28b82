//! The routes, each with its description.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use health_axum::Health;
use invoices_docs::Routes;
use invoices_model::Invoice;
use invoices_queue::Queue;
use invoices_store::Store;
use serde_json::Value;

#[derive(Clone)]
struct AppState {
    store: Store,
    queue: Queue,
}

/// The application with its probes, and the document of both.
pub fn app(store: Store, queue: Queue, health: &Health) -> (Router, Value) {
    let document = Routes::default()
        .describe(
            "post",
            "/invoices",
            "Accepts an invoice, which is booked later.",
        )
        .describe("get", "/invoices/count", "How many invoices are booked.")
        .document(health);
    let served = document.clone();
    let router = Router::new()
        .route("/invoices", post(accept))
        .route("/invoices/count", get(count))
        .route("/openapi.json", get(async || Json(served)))
        .with_state(AppState { store, queue })
        .merge(health_axum::routes(health));
    (router, document)
}

async fn accept(State(state): State<AppState>, Json(invoice): Json<Invoice>) -> StatusCode {
    if state.queue.put(invoice) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

async fn count(State(state): State<AppState>) -> String {
    state.store.count().await.to_string()
}
