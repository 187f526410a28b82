use health_axum::health_check;

#[health_check(timeuot = "2", critical = 1, interval = "0s")]
unsafe fn db<T>() {}

#[health_check(interval = "0s", timeuot = "2")]
async fn in_source_order() {}

// Its callers see no second error.
fn main() {
    let _ = in_source_order();
}
