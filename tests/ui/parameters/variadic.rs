use health_axum::health_check;

#[health_check]
unsafe extern "C" fn variadic(_: ...) -> bool { true }

fn main() {}
