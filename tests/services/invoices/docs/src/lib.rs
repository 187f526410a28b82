//! The OpenAPI document of the service: each route is described beside its
//! handler, and health describes its own.

use health_axum::Health;
use serde_json::{Map, Value, json};

/// Collects the routes while the router is built.
#[derive(Default)]
pub struct Routes(Map<String, Value>);

impl Routes {
    #[must_use]
    pub fn describe(mut self, method: &str, path: &str, summary: &str) -> Self {
        let operation = json!({ method: { "summary": summary, "responses": {} } });
        self.0.insert(path.to_owned(), operation);
        self
    }

    /// Returns the document with the routes of health.
    pub fn document(self, health: &Health) -> Value {
        let mut document = health.endpoint().openapi();
        if let Some(paths) = document["paths"].as_object_mut() {
            paths.extend(self.0);
        }
        document
    }
}
