use health_axum::health_check;

#[health_check]
async fn db() -> bool {
    let s = String::new();
    s.
}

fn main() {
    let _ = db();
}
