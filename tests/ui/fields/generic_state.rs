use health_axum::HealthState;

async fn ping<T>(_: &T) -> bool { true }

#[derive(HealthState)]
struct AppState<T> {
    #[health(check = ping)]
    pool: T,
}

fn main() {}
