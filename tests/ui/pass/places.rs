//! Everywhere that a function can stand.
use health_axum::{HealthState, health_check};

#[derive(HealthState)]
struct AppState {
    name: String,
    number: u16,
}

mod checks {
    use health_axum::health_check as check;

    /// Documented.
    #[check]
    /// In two places.
    pub(crate) async fn public(_: &String) {}

    pub mod deeper {
        #[health_axum::health_check(critical)]
        async fn private(_: &super::super::AppState) {}
    }
}

#[health_check]
#[inline]
#[cfg(all())]
#[allow(clippy::unused_async)]
async fn with_attributes() {}

#[health_check]
#[doc = concat!("Made ", "by a macro.")]
#[doc = include_str!("places.rs")]
async fn documented_by_a_macro() {}

#[cfg(any())]
#[health_check]
async fn switched_off() -> Nowhere {}

#[cfg(any())]
#[health_check(name = "one-of-two")]
async fn one_of_two() {}

#[cfg(not(any()))]
#[health_check(name = "one-of-two")]
async fn one_of_two() {}

#[cfg_attr(all(), health_check(name = "conditional"))]
async fn conditional() {}

#[health_check]
async fn r#match(r#type: &String) -> bool {
    r#type.is_empty()
}

#[health_check]
#[deprecated]
#[must_use]
async fn deprecated() -> bool {
    true
}

macro_rules! check {
    ($vis:vis $name:ident, $text:literal, $ty:ty) => {
        #[health_check(name = $text, timeout = "2s")]
        $vis async fn $name(_value: &$ty) -> $crate::Answer {}
    };
}

type Answer = ();
check!(pub(crate) made, "made-by-a-macro", String);
check!(made_again, "made-again", u16);

macro_rules! of_this_crate {
    ($timeout:expr) => {
        #[health_check(timeout = $timeout)]
        async fn of_this_crate(_: &$crate::AppState) {}
    };
}

of_this_crate!("3s");

fn main() {
    struct Local;

    #[health_check(late)]
    async fn in_a_body(_: &Local) -> bool {
        true
    }

    let AppState { name: _, number: _ } = AppState { name: String::new(), number: 1 };
    // a check stays a function
    let _ = (in_a_body(&Local), checks::public(&String::new()), r#match(&String::new()));
}
