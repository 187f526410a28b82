#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/http/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::a_guard_recognizes_only_its_clients(text);
});
