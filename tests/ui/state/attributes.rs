use health_axum::HealthState;

#[derive(HealthState)]
#[health(skip)]
struct AppState {
    #[health(skp)]
    misspelt: u8,
    #[health(secondary)]
    wrong_place: u16,
    #[health(rename = "x")]
    unknown: u32,
    #[health]
    nothing: u64,
    #[health(skip, skip)]
    twice: i8,
}

#[derive(HealthState)]
#[health(secundary)]
struct Other(u8);

fn main() {}
