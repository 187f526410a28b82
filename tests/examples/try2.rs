use health_axum::{HealthState, health_check};
#[derive(HealthState)]
struct AppState { n: std::cell::Cell<u32>, r: std::rc::Rc<u8> }
#[health_check]
async fn ret() -> Option<u32> { None }
#[health_check]
async fn params(pool: &Poool, b: &u8) {  }
#[health_check(crate = ::nope)]
async fn nope(b: &std::rc::Rc<u8>) {  }
#[health_check]
async fn ns() { let r = std::rc::Rc::new(1); std::future::ready(()).await; drop(r); }
struct X;
impl X {
    #[health_check]
    async fn ping() {}
}
fn main() {}
