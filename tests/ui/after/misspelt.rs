use health_axum::health_check;

#[health_check]
async fn database() {}

mod checks {
    #[health_axum::health_check]
    pub async fn queue() {}

    #[health_axum::health_check]
    async fn private() {}
}

#[health_check(after(databse))]
async fn misspelt() {}

#[health_check(after(checks::qeue))]
async fn misspelt_behind_a_module() {}

#[health_check(after(cheks::queue))]
async fn misspelt_module() {}

#[health_check(after(checks::private))]
async fn after_a_private_one() {}

fn main() {}
