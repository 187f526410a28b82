use health_axum::health_check;

#[health_check(tags("db", "eu", "db"))]
async fn tag_twice() {}

#[health_check(tags("EU west"))]
async fn other_characters() {}

#[health_check(tags("", "-eu", "***"))]
async fn several_mistakes() {}

#[health_check(tags("the-primary-database-of-the-orders-service-in-the-region-eu-central-1"))]
async fn too_long() {}

#[health_check(component = "")]
async fn empty_component() {}

#[health_check(component = "a\nb")]
async fn two_lines() {}

#[health_check(component = "the primary database of the orders service in the region eu-central-1")]
async fn long_component() {}

fn main() {}
