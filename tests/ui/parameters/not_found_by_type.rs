use health_axum::health_check;

struct Pool;
trait Executor {}
trait Mailer {}

#[health_check]
async fn impl_trait(pool: &impl Executor) -> bool { true }

#[health_check]
async fn impl_trait_by_value(pool: impl Executor + 'static) -> bool { true }

#[health_check]
async fn impl_trait_inside(pools: &Vec<impl Executor>) -> bool { true }

#[health_check]
async fn mutable(pool: &mut Pool) -> bool { true }

#[health_check]
async fn without_size(mailer: &dyn Mailer) -> bool { true }

#[health_check]
async fn without_size_and_more(mailer: &(dyn Mailer + Send)) -> bool { true }

#[health_check]
async fn slice(numbers: &[u8]) -> bool { true }

#[health_check]
async fn text(url: &str) -> bool { true }

#[health_check]
async fn each_is_reported(a: &str, b: &mut Pool) -> bool { true }

fn main() {}
