use health_axum::health_check;

mod a {
    use super::health_check;
    #[health_check(name = "db")]
    async fn one() -> bool { true }
}

#[health_check]
async fn db() -> bool { true }

fn main() {}
