use health_axum::HealthState;

async fn ping<T>(_: &T) -> bool { true }

#[derive(HealthState)]
struct AppState {
    #[health(check = ping, timeuot = "2s", critical = 1, interval = "0s")]
    a: u8,
    #[health(timeout = "2s", critical)]
    no_check: u8,
    #[health(check = "ping")]
    quoted: u8,
    #[health(check)]
    #[health(tags("db", "db"))]
    no_value: u8,
    #[health(check(ping))]
    list: u8,
    #[health(check = ping timeout = "2s")]
    no_comma: u8,
    #[health(check = ping, check = ping)]
    twice: u8,
    #[health(check = ping, late, state = AppState)]
    parameters: u8,
    #[health(check = ping, interval = "1s", cache = "1s", liveness)]
    contradictions: u8,
    #[health(check = ping, after(itself))]
    itself: u8,
    #[health(check = ping, name = "Orders DB")]
    named: u8,
    #[health(check = ping)]
    shutdown: u8,
    #[health(check = ping)]
    Loud: u8,
    #[health(check = ping, secondary)]
    wrong_place: u8,
}

#[derive(HealthState)]
#[health(secondary, check = ping)]
struct Tuple(#[health(check = ping)] u8);

fn main() {}
