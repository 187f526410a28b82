use health_axum::notify::Webhook;
use health_axum::testing;

fn main() {
    let _webhook = Webhook::new("https://alerts.example/health");
    let _names = testing::declared();
}
