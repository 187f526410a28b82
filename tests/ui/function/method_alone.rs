use health_axum::health_check;

struct Cache;

impl Cache {
    #[health_check]
    async fn by_reference(&self) -> bool { true }

    #[health_check]
    async fn by_value(self) -> bool { true }

    #[health_check]
    async fn typed(self: std::sync::Arc<Self>) -> bool { true }
}

fn main() {}
