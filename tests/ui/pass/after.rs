//! Every way to name a check that comes first.
#![deny(warnings)]
use health_axum::health_check;

mod redis {
    pub struct Client;
}

// a check may have the name of a module, and of the crate that it uses
#[health_check(late)]
async fn redis(_: &redis::Client) {}

#[health_check(late)]
async fn health_core(_: &health_core::Status) {}

#[health_check(name = "renamed", after(redis))]
async fn short() {}

mod checks {
    use health_axum::health_check;

    #[health_check(after(super::short, crate::redis))]
    pub(super) async fn upwards() {}

    pub mod deeper {
        #[health_axum::health_check(after(super::upwards, self::sibling))]
        pub async fn downwards() {}

        #[health_axum::health_check]
        fn sibling() {}
    }

    pub use deeper::*;
}

#[health_check(after(checks::deeper::downwards, crate::checks::upwards,))]
async fn by_path() {}

#[health_check(name = "by-glob", after(checks::downwards, r#match))]
async fn by_glob() {}

#[health_check]
async fn r#match() {}

macro_rules! chain {
    ($name:ident after $first:path) => {
        #[health_check(after($first))]
        async fn $name() {}
    };
}

chain!(made after checks::upwards);

// what rustc proposes for a misspelt name
#[health_check(after(__health_check_redis))]
async fn proposed() {}

// two ways to one check are no circle
#[health_check(after(made, by_path, redis))]
async fn last() {}

fn main() {
    #[health_check]
    async fn inner() {}

    #[health_check(after(inner, last))]
    async fn in_a_body() {}

    let _ = (inner(), in_a_body());
}
