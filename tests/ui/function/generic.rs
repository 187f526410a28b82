use health_axum::health_check;

#[health_check]
async fn of_a_type<T: Default>() -> bool { true }

#[health_check]
async fn of_a_number<'a, const N: usize, T>(_: &'a u8) -> bool where T: Default { true }

fn main() {}
