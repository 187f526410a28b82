use health_axum::health_check;

// A result that borrows takes another way through the generated code.
#[health_check(late)]
async fn borrowed(url: &String) -> &str { url }

#[health_check(late)]
async fn borrowed_and_not_send(url: &String) -> Result<(), &str> {
    let number = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(number);
    Err(url)
}

fn main() {}
