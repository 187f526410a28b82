use health_axum::health_check;

#[health_check(after(queue))]
async fn cache() {}

mod db {
    #[health_axum::health_check(name = "db", after(crate::cache))]
    pub(crate) async fn database() {}
}

#[health_check(after(first, db::database))]
async fn queue() {}

#[health_check]
async fn first() {}

#[health_check(after(cache))]
async fn outside() {}

fn main() {}
