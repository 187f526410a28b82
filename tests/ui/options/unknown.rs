use health_axum::health_check;

#[health_check(timeuot = "2s")]
async fn misspelt() {}

#[health_check(Critical)]
async fn wrong_case() {}

#[health_check(severity = "high")]
async fn unknown() {}

#[health_check(kind = "liveness")]
async fn familiar_form() {}

#[health_check(kind = "ready")]
async fn familiar_form_and_word() {}

#[health_check(probe = "alive")]
async fn familiar_form_only() {}

#[health_check(live)]
async fn live() {}

#[health_check(ready)]
async fn ready() {}

#[health_check(started)]
async fn started() {}

#[health_check(period = "10s")]
async fn period() {}

#[health_check(every = "10s")]
async fn every() {}

#[health_check(ttl = "10s")]
async fn ttl() {}

#[health_check(blocking)]
async fn blocking() {}

#[health_check(threshold = 3)]
async fn threshold() {}

#[health_check(description = "The queue has room.")]
async fn description() {}

#[health_check(links("https://example.com"))]
async fn links() {}

fn main() {}
