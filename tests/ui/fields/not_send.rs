use health_axum::HealthState;

struct PgPool;

async fn ping(_: &PgPool) -> bool {
    let shared = std::rc::Rc::new(true);
    std::future::ready(()).await;
    *shared
}

fn plain(_: &u8) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping)]
    pool: PgPool,
    #[health(check = plain, local)]
    number: u8,
}

fn main() {}
