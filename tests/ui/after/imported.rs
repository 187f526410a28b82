use health_axum::health_check;

mod checks {
    #[health_axum::health_check]
    pub async fn database() {}
}

use checks::database;

#[health_check(after(database))]
async fn after_an_imported_name() {}

fn main() {
    let _ = database();
}
