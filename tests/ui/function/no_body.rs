use health_axum::health_check;

trait Ping {
    #[health_check]
    async fn ping() -> bool;
}

fn main() {}
