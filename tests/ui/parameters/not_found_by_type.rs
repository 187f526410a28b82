use health_axum::health_check;

struct Pool;
trait Executor {}
trait Mailer {}

#[health_check]
async fn impl_trait(_pool: &impl Executor) -> bool { true }

#[health_check]
async fn impl_trait_by_value(_pool: impl Executor + 'static) -> bool { true }

#[health_check]
async fn impl_trait_inside(_pools: &Vec<impl Executor>) -> bool { true }

#[health_check]
async fn mutable(_pool: &mut Pool) -> bool { true }

#[health_check]
async fn without_size(_mailer: &dyn Mailer) -> bool { true }

#[health_check]
async fn without_size_and_more(_mailer: &(dyn Mailer + Send)) -> bool { true }

#[health_check]
async fn slice(_numbers: &[u8]) -> bool { true }

#[health_check]
async fn text(_url: &str) -> bool { true }

#[health_check]
async fn each_is_reported(_a: &str, _b: &mut Pool) -> bool { true }

fn main() {}
