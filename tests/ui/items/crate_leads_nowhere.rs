use health_axum::health_check;

#[health_check(crate = ::no_such_crate)]
async fn db(_name: &String) -> bool { true }

fn main() {}
