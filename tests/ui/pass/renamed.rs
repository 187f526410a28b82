//! A renamed dependency is made known once.
extern crate health_core as hx;

mod checks {
    #[hx::health_check(crate = hx)]
    async fn of_a_renamed_crate() {}
}

fn main() {}
