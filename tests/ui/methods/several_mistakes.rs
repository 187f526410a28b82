use health_axum::health_checks;

struct Cache;

#[health_checks]
impl Cache {
    #[health_check(timeuot = "2s")]
    async fn misspelt(&self) -> bool { true }

    #[health_check(timeout = "2", critical = 1)]
    async fn two(&self, _size: &mut usize) -> bool { true }

    #[health_check]
    #[health_check]
    async fn twice() -> bool { true }

    #[health_check]
    #[test]
    fn test() {}

    #[health_check]
    const LIMIT: u8 = 1;

    #[health_check]
    fn generic<T>() {}
}

fn main() {
    // every method is still there
    let _ = (Cache.misspelt(), Cache.two(&mut Cache::LIMIT.into()), Cache::twice(), Cache::generic::<u8>());
}
