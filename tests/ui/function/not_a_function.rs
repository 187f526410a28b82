use health_axum::health_check;

#[health_check]
struct Db;

#[health_check(critical)]
/// Documented.
pub(crate) enum Dbs {}

#[health_check]
impl Db {}

#[health_check]
mod checks {}

#[health_check]
const DB: u8 = 1;

fn main() {}
