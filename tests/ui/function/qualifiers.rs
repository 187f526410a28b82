use health_axum::health_check;

#[health_check]
const fn constant() -> bool { true }

#[health_check]
async unsafe fn not_safe() -> bool { true }

#[health_check]
extern "C" fn foreign() -> bool { true }

#[health_check]
pub unsafe extern "Rust" fn foreign_and_unsafe() -> bool { true }

fn main() {}
