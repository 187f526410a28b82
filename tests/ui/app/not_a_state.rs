struct Plain;

health_axum::app!(Plain);

fn main() {}
