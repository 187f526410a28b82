#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/http/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::a_secret_is_masked_in_any_surroundings(text);
});
