health_axum::app!(Vec::AppStat);

fn main() {}
