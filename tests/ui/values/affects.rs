use health_axum::health_check;

#[health_check(affects("/orders", "/orders"))]
async fn endpoint_twice() {}

#[health_check(affects("/all orders"))]
async fn other_characters() {}

#[health_check(affects("", "/orders/{id", "/{{id}}"))]
async fn several_mistakes() {}

#[health_check(affects(orders))]
async fn without_quotes() {}

#[health_check(affects = "/orders")]
async fn as_a_value() {}

fn main() {}
