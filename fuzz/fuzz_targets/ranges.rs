#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/http/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::a_range_holds_what_begins_as_it_does(text);
});
