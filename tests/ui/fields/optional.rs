use health_axum::HealthState;

struct PgPool;
struct Redis;
type Cache = Option<Redis>;

async fn ping(_: &Redis) -> bool { true }
async fn ping_if_any(_: &Option<Redis>) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping, timeout = "2s")]
    pool: Option<PgPool>,
    #[health(check = ping_if_any)]
    cache: Option<Redis>,
    #[health(check = ping)]
    #[health(skip)]
    alias: Cache,
}

fn main() {}
