use health_axum::health_check;

#[health_check(timeout = "1s", timeout = "2s")]
async fn repeated() {}

#[health_check(critical, critical(readiness))]
async fn repeated_flag() {}

#[health_check(timeout = "soon", timeout = "2s")]
async fn repeated_after_a_mistake() {}

#[health_check(critical = true)]
async fn flag_with_a_value() {}

#[health_check(critical = false)]
async fn flag_turned_off() {}

#[health_check(late =)]
async fn flag_with_half_a_value() {}

#[health_check(liveness("db"), critical)]
async fn flag_with_a_list() {}

#[health_check(critical = "readiness")]
async fn probe_as_a_value() {}

#[health_check(timeout =)]
async fn value_left_out() {}

#[health_check(timeout)]
async fn value_and_sign_left_out() {}

#[health_check(timeout("2s"))]
async fn parentheses() {}

#[health_check(timeout(2, 3))]
async fn parentheses_around_a_list() {}

#[health_check(timeout: "2s")]
async fn colon() {}

#[health_check(timeout "2s")]
async fn no_sign() {}

#[health_check(timeout = "2s" critical)]
async fn missing_comma() {}

#[health_check(critical readiness timeout = "2s")]
async fn missing_commas() {}

#[health_check(timeout = "2s"; critical)]
async fn semicolon() {}

#[health_check(timeout = "2s" timeuot = "2s")]
async fn missing_comma_and_misspelt() {}

#[health_check("db")]
async fn bare_string() {}

#[health_check(5)]
async fn bare_number() {}

#[health_check(timeout = "2s",, critical)]
async fn two_commas() {}

#[health_check(!critical)]
async fn negated() {}

#[health_check(critical())]
async fn empty_list() {}

#[health_check(critical(db))]
async fn no_probe() {}

#[health_check(critical(livenes, db))]
async fn misspelt_probe() {}

#[health_check(critical(ready))]
async fn familiar_probe() {}

#[health_check(critical("readiness"))]
async fn quoted_probe() {}

#[health_check(critical(readiness, readiness))]
async fn probe_twice() {}

fn main() {}
