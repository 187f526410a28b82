use health_axum::HealthState;

#[derive(HealthState)]
struct AppState { one: String, two: std::string::String }

fn main() {}
