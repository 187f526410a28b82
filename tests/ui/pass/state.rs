//! Everything that a state can be.
use health_axum::check::{HealthState, Provide};
use health_axum::health_check;
use std::sync::Arc;

/// Named fields.
#[derive(Clone, health_axum::HealthState)]
pub struct AppState {
    /// Documented.
    pub name: String,
    itself: Option<Arc<AppState>>,
    r#type: u8,
}

#[derive(health_axum::HealthState)]
#[health(secondary)]
struct Tuple(u8, #[health(skip)] u8, Arc<String>);

#[derive(health_axum::HealthState)]
#[health(secondary)]
struct Unit;

#[derive(health_axum::HealthState)]
#[health(secondary)]
struct Recursive {
    parent: Arc<Recursive>,
    children: Arc<std::sync::Mutex<Vec<Self>>>,
}

mod fake {
    #[derive(health_core::HealthState)]
    #[health(secondary)]
    pub(super) struct Fake {
        pub(super) name: String,
    }
}

#[health_check]
async fn name(_: &String, _: &u8, _: Option<Arc<AppState>>) {}

fn main() {
    let state = Tuple(1, 2, Arc::new("text".into()));
    fn provided<T: 'static, S: HealthState + Provide<T>>(state: &S) -> &T {
        let found = state.lookup(std::any::TypeId::of::<T>());
        found.and_then(|value| value.downcast_ref()).unwrap()
    }
    assert_eq!(provided::<u8, _>(&state), &1);
    assert_eq!(provided::<String, _>(&state), "text");
    assert_eq!(provided::<Arc<String>, _>(&state).len(), 4);
    assert_eq!(state.1, 2);
    let _ = provided::<Unit, _>(&Unit);
    let _ = |recursive: Recursive| (recursive.parent, recursive.children);
    let _ = |state: AppState| (state.itself, state.r#type);
    let _ = fake::Fake { name: String::new() }.name;
}
