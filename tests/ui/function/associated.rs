use health_axum::health_check;

struct Cache;

impl Cache {
    #[health_check]
    async fn ping() -> bool { true }
}

fn main() {}
