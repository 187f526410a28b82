use health_axum::health_check;

async fn ping() {}

#[health_check]
async fn cache() -> bool {
    let lock = std::sync::Mutex::new(1);
    let guard = lock.lock().unwrap();
    ping().await;
    *guard == 1
}

fn main() {}
