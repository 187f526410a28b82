//! The examples of `docs/testing.md`, which shows these files.

mod with_actix_web;
mod with_axum_test;
mod with_sqlx;
mod with_wiremock;
