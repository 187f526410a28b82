//! Every option that is legal by itself, and the defaults that give way.
use health_axum::{HealthState, health_check};

#[derive(HealthState)]
struct AppState {
    name: String,
}

#[derive(HealthState)]
#[health(secondary)]
struct Other {
    number: u8,
}

#[health_check]
async fn nothing() {}

#[health_check()]
async fn empty() {}

#[health_check(name = "orders-db.primary_1",)]
async fn name() {}

#[health_check(name = r"raw")]
async fn raw_string() {}

#[health_check(timeout = "30s")]
async fn the_interval_gives_way() {}

#[health_check(interval = "2s")]
async fn the_timeout_gives_way() {}

#[health_check(timeout = "1h", interval = "24h", failure_threshold = 3, stale_after = "8760h")]
async fn longest() {}

#[health_check(timeout = "500ms", interval = "1m", initial_delay = "0s", stale_after = "60500ms")]
async fn durations() {}

#[health_check(failure_threshold = 3, success_threshold = 2)]
async fn thresholds() {}

#[health_check(critical)]
async fn critical() {}

#[health_check(critical(readiness))]
async fn critical_for_the_default() {}

#[health_check(liveness, readiness, startup, critical)]
async fn everywhere() {}

#[health_check(startup, readiness, critical(startup))]
async fn critical_for_one() {}

#[health_check(cache = "1s", timeout = "30s")]
async fn on_demand() {}

#[health_check(cache = "0s", stale_after = "5s")]
async fn fresh() {}

#[health_check(observes(bytes))]
async fn bytes() {}

#[health_check(observes(seconds), late)]
async fn seconds() {}

#[health_check(observes(ratio))]
fn ratio() {}

#[health_check(observes(count),)]
fn count() {}

#[health_check(tags("db", "eu-west.1"), affects("/orders", "/orders/{id}{?page}"), component = "datastore")]
async fn labels() {}

#[health_check(local)]
async fn local() {}

#[health_check(late)]
async fn late(_unknown_to_the_state: &Vec<u8>) {}

#[health_check(state = Other)]
async fn of_another_state(_number: &u8) {}

#[health_check(state = self::Other)]
async fn of_another_state_by_path(_number: &u8) {}

#[health_check(crate = health_core)]
async fn by_another_facade(_name: &String) {}

fn main() {
    let _ = (AppState { name: String::new() }.name, Other { number: 0 }.number);
}
