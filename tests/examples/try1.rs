use health_axum::{HealthState, health_check};
use std::sync::Arc;
#[derive(Clone)]
struct Pool;
trait Mailer: Send + Sync {}
#[derive(Clone, HealthState)]
struct AppState { pool: Pool, mail: Arc<dyn Mailer>, n: Arc<u32>, name: std::borrow::Cow<'static, str> }

#[health_check(timeout = "2s", critical)]
async fn db(pool: &Pool) -> Result<(), String> { Ok(()) }
#[health_check]
fn disk(state: &AppState, n: &u32, m: &Arc<dyn Mailer>, p: Arc<u32>, name: &std::borrow::Cow<'_, str>) -> bool { true }
#[health_check]
async fn mail<'a>(name: &'a std::borrow::Cow<'a, str>) -> Result<(), &'a str> { Err(&**name) }
#[health_check]
async fn nothing() { }
fn main() {}
