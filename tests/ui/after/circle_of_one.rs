mod checks {
    #[health_axum::health_check(after(super::checks::database))]
    pub async fn database() {}
}

struct Queue;

#[health_axum::health_checks]
impl Queue {
    #[health_check(after(Queue::second))]
    fn first() {}

    #[health_check(after(Self::first))]
    fn second() {}
}

fn main() {}
