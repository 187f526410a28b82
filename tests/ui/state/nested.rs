use health_axum::HealthState;

struct Pool;

struct Underived { name: String }

#[derive(HealthState)]
#[health(secondary)]
struct Db { pool: Pool, number: u8 }

#[derive(HealthState)]
struct AppState {
    #[health(nested)]
    underived: Underived,
    #[health(nested)]
    db: Db,
    number: u8,
    #[health(nested, skip)]
    both: Db,
}

fn main() {}
