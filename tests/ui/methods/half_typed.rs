use health_axum::health_checks;

struct Cache;

#[health_checks]
impl Cache {
    #[health_check(late)]
    async fn ping(&self) -> bool {
        let s = String::new();
        s.
    }

    #[health_check]
    fn whole() -> bool { true }
}

fn main() {
    let _ = (Cache.ping(), Cache::whole());
}
