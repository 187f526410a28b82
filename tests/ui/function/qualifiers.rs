use health_axum::health_check;

#[health_check]
const fn constant() -> bool { true }

#[health_check]
async unsafe fn not_safe() -> bool { true }

#[health_check]
extern "C" fn foreign() -> bool { true }

#[health_check]
pub unsafe extern fn foreign_without_abi() -> bool { true }

fn main() {}
