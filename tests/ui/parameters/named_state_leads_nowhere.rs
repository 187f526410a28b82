use health_axum::health_check;

#[health_check(state = NoSuchState)]
async fn cache(_name: &String) -> bool { true }

fn main() {}
