use health_axum::health_check;

#[health_check(tags(db))]
async fn tag_without_quotes() {}

#[health_check(tags("db", 7, eu))]
async fn tags_of_several_kinds() {}

#[health_check(tags = "db")]
async fn tag_as_a_value() {}

#[health_check(tags)]
async fn tags_alone() {}

#[health_check(tags())]
async fn no_tag() {}

#[health_check(tags("db",, "eu"))]
async fn two_commas() {}

#[health_check(after("database"))]
async fn name_in_place_of_a_path() {}

#[health_check(after("orders-db"))]
async fn name_that_is_no_path() {}

#[health_check(after = database)]
async fn path_as_a_value() {}

#[health_check(after = "database")]
async fn name_as_a_value() {}

#[health_check(after)]
async fn after_alone() {}

#[health_check(after())]
async fn after_nothing() {}

#[health_check(after(database()))]
async fn after_a_call() {}

#[health_check(after(database cache))]
async fn no_comma() {}

#[health_check(component = datastore)]
async fn component_without_quotes() {}

#[health_check(component("datastore"))]
async fn component_in_parentheses() {}

#[health_check(observes = "bytes")]
async fn unit_as_a_value() {}

#[health_check(observes("bytes"))]
async fn unit_in_quotes() {}

#[health_check(observes(ms))]
async fn unit_that_is_converted() {}

#[health_check(observes(second))]
async fn misspelt_unit() {}

#[health_check(observes(apples))]
async fn no_unit() {}

#[health_check(observes(bytes, seconds))]
async fn two_units() {}

#[health_check(observes())]
async fn observes_nothing() {}

#[health_check(observes)]
async fn observes_alone() {}

#[health_check(local = true)]
async fn local_with_a_value() {}

#[health_check(cache = 1)]
async fn cache_without_a_unit() {}

#[health_check(depends_on(database))]
async fn familiar() {}

fn main() {}
