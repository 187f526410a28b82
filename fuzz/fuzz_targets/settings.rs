#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/http/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::a_variable_is_applied_refused_or_ignored(text);
});
