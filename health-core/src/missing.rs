//! Methods and pages of disabled features: their use is a compile error that names
//! the feature.
//!
//! rustc reports this for items that a `cfg` has removed, but not for methods and
//! variants.

/// A bound that holds for nothing, and the error for it.
#[allow(unused_macros, reason = "nothing is missing with all features")]
#[rustfmt::skip] // It indents the attribute further each time.
macro_rules! not_enabled {
    ($message:literal, $features:literal) => {
        #[diagnostic::on_unimplemented(message = $message, label = "this feature is not enabled", note = $features)]
        #[allow(unreachable_pub, reason = "as public as what is missing")]
        pub trait FeatureIsEnabled {}
    };
}

macro_rules! missing {
    ($feature:tt, $features:literal, $type:ty: $(
        fn $method:ident($($argument:ident),*) -> $output:ty, $message:literal;
    )*) => {$(
        #[cfg(not(feature = $feature))]
        const _: () = {
            not_enabled!($message, $features);

            impl $type {
                #[doc(hidden)]
                #[allow(clippy::unused_self, reason = "cannot be called")]
                pub fn $method<$($argument),*>(&self $(, _: $argument)*) -> $output
                where
                    // With a lifetime, since rustc refuses a plain bound right here.
                    for<'a> &'a $type: FeatureIsEnabled,
                {
                    unreachable!($message)
                }
            }
        };
    )*};
}

/// A variant of [`Page`](crate::http::Page), in whose place there is a constant that
/// cannot be used.
macro_rules! missing_page {
    ($feature:tt, $page:ident, $message:literal, $features:literal) => {
        #[cfg(not(feature = $feature))]
        const _: () = {
            not_enabled!($message, $features);

            #[derive(Clone, Copy, Debug)]
            #[allow(unreachable_pub, reason = "as public as the variant")]
            pub struct $page;

            impl crate::http::Page {
                #[doc(hidden)]
                #[allow(non_upper_case_globals, reason = "in the place of a variant")]
                pub const $page: $page = $page;
            }

            impl From<$page> for crate::http::Page
            where
                for<'a> &'a $page: FeatureIsEnabled,
            {
                fn from(_: $page) -> Self {
                    unreachable!($message)
                }
            }
        };
    };
}

missing_page!(
    "openapi",
    OpenApi,
    "`Page::OpenApi` needs the feature `openapi`",
    "add it to the dependency in `Cargo.toml`: `features = [\"openapi\"]`"
);
missing_page!(
    "status-page",
    StatusPage,
    "`Page::StatusPage` needs the feature `status-page`",
    "add it to the dependency in `Cargo.toml`: `features = [\"status-page\"]`"
);
missing! {
    "serve", "add it to the dependency in `Cargo.toml`: `features = [\"serve\"]`", crate::Health:
    fn serve(A) -> std::io::Result<()>, "`Health::serve` needs the feature `serve`";
    fn serve_haproxy_agent(A, B) -> std::io::Result<()>, "`Health::serve_haproxy_agent` needs the feature `serve`";
}
missing! {
    "signal", "add it to the dependency in `Cargo.toml`: `features = [\"signal\"]`", crate::Health:
    fn drain_on_signal() -> std::future::Ready<()>, "`Health::drain_on_signal` needs the feature `signal`";
}
missing! {
    "tower", "add it to the dependency in `Cargo.toml`: `features = [\"tower\"]`", crate::Health:
    fn layer() -> (), "`Health::layer` needs the feature `tower`";
    fn internal_layer() -> (), "`Health::internal_layer` needs the feature `tower`";
}
missing! {
    "metrics", "add it to the dependency in `Cargo.toml`: `features = [\"metrics\"]`", crate::Health:
    fn record_metrics() -> std::future::Ready<()>, "`Health::record_metrics` needs the feature `metrics`";
}
missing! {
    "watch", "add it to the dependency in `Cargo.toml`: `features = [\"watch\"]`", crate::Health:
    fn watch(A) -> Option<()>, "`Health::watch` needs the feature `watch`";
    fn status_of(A) -> Option<crate::Status>, "`Health::status_of` needs the feature `watch`";
    fn fresh_statuses(A) -> std::future::Ready<Vec<Option<crate::Status>>>, "`Health::fresh_statuses` needs the feature `watch`";
    fn ended() -> std::future::Ready<()>, "`Health::ended` needs the feature `watch`";
}
missing! {
    "watch", "add it to the dependency in `Cargo.toml`: `features = [\"watch\"]`", crate::http::Endpoint:
    fn groups() -> std::iter::Empty<&'static str>, "`Endpoint::groups` needs the feature `watch`";
}
missing! {
    "tracing", "add it to the dependency in `Cargo.toml`: `features = [\"tracing\"]`", crate::config::RuntimeOptions:
    fn trace_runs(A) -> crate::config::RuntimeOptions, "`RuntimeOptions::trace_runs` needs the feature `tracing`";
}
missing! {
    "webhook", "add it to the dependency in `Cargo.toml`: `features = [\"webhook\"]`", crate::HealthBuilder:
    fn notify(A) -> crate::HealthBuilder, "`HealthBuilder::notify` needs the feature `webhook`";
}
missing! {
    "testing", "add it under `[dev-dependencies]` in `Cargo.toml`: `features = [\"testing\"]`", crate::HealthBuilder:
    fn for_tests() -> crate::HealthBuilder, "`HealthBuilder::for_tests` needs the feature `testing`";
}
missing! {
    "systemd", "add it to the dependency in `Cargo.toml`: `features = [\"systemd\"]`", crate::config::LifecycleOptions:
    fn notify_systemd() -> crate::config::LifecycleOptions, "`LifecycleOptions::notify_systemd` needs the feature `systemd`";
    fn trigger_systemd_watchdog() -> crate::config::LifecycleOptions, "`LifecycleOptions::trigger_systemd_watchdog` needs the feature `systemd`";
}
missing! {
    "openapi", "add it to the dependency in `Cargo.toml`: `features = [\"openapi\"]`", crate::http::Endpoint:
    fn openapi() -> (), "`Endpoint::openapi` needs the feature `openapi`";
}
missing! {
    "settings", "add it to the dependency in `Cargo.toml`: `features = [\"settings\"]`", crate::HealthBuilder:
    fn settings(A) -> crate::HealthBuilder, "`HealthBuilder::settings` needs the feature `settings`";
}
missing! {
    "watchdog", "add it to the dependency in `Cargo.toml`: `features = [\"watchdog\"]`", crate::config::RuntimeOptions:
    fn watchdog(A) -> crate::config::RuntimeOptions, "`RuntimeOptions::watchdog` needs the feature `watchdog`";
}
