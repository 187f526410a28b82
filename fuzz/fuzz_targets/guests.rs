#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::a_guard_opens_to_those_whom_it_knows_alone(text);
});
