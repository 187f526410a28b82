use health_axum::{health_check, health_checks};

#[health_check]
async fn database() {}

#[health_check]
async fn cache() {}

#[health_check(after(database, cache, database))]
async fn twice() {}

#[health_check(after(itself))]
async fn itself() {}

#[health_check(after(self::by_path))]
async fn by_path() {}

struct Queue;

#[health_checks]
impl Queue {
    #[health_check(after(Self::depth))]
    fn depth() {}
}

fn main() {}
