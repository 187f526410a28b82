use health_axum::health_checks;

struct Cache;

#[health_checks]
impl Cache { async fn ping(&self) -> bool { true } }

#[health_checks(timeout = "2s")]
impl Cache {
    #[health_check]
    fn with_options_on_the_block() {}
}

struct Of<T>(T);

#[health_checks]
impl<T> Of<T> {
    #[health_check]
    fn generic() {}
}

#[health_checks]
impl<'a, const N: usize> Of<&'a [u8; N]> {
    #[health_check]
    fn generic_by_a_number() {}
}

trait Ping {
    fn ping(&self) -> bool;
}

#[health_checks]
impl Ping for Of<u8> {
    #[health_check]
    fn ping(&self) -> bool { true }
}

fn main() {
    let _ = Of(7).ping();
}
