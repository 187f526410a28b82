//! Nothing that a client or an operator writes makes health panic, open or lie.

mod properties;

use proptest::collection::vec;
use proptest::prelude::*;

/// Lines of what is meant, of what nearly is, and of anything.
fn lines(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => "[ -~]{0,4}",
    ];
    vec(vec(word, 1..3), 0..7).prop_map(|lines| {
        let lines: Vec<String> = lines.iter().map(|words| words.concat()).collect();
        lines.join("\n")
    })
}

const REQUESTS: &[&str] = &[
    "GET",
    "HEAD",
    "OPTIONS",
    "POST",
    "get",
    "/livez",
    "/readyz",
    "/startupz",
    "/health",
    "/ready",
    "/",
    "//",
    "cache",
    "database",
    "%64atabase",
    "%",
    "%ff",
    "%00",
    "..",
    "verbose",
    "format=",
    "text",
    "json",
    "health+json",
    "&",
    "=",
    "text/plain",
    "application/json",
    "application/health+json",
    "*/*",
    ";q=",
    "0.5",
    "1e9",
    "NaN",
    ",",
    ";",
    " ",
];

const GUESTS: &[&str] = &[
    "Bearer correct horse battery staple",
    "bearer  correct horse battery staple",
    "Bearer",
    "Basic",
    "correct horse battery staple",
    "correct horse",
    " ",
    ",",
    "10.0.0.1",
    "10.9.9.9",
    "192.0.2.7",
    "192.0.2.7, 10.0.0.1",
    "8.8.8.8, 192.0.2.7",
    "192.0.3.7",
    "8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:192.0.2.1",
    "::1",
    ":80",
    "unknown",
];

const TEXTS: &[&str] = &[
    "password",
    "token",
    "authorization",
    "cookie",
    "AUTH",
    "Bearer",
    "key",
    "value",
    "-p",
    "mysql",
    "Some(",
    "://",
    "=",
    ":",
    ": ",
    "=>",
    "@",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "{",
    "}",
    ";",
    ",",
    "&",
    "%22",
    "%3D",
    "%40",
    "-----BEGIN PRIVATE KEY-----",
    "invalid",
    "ä",
    " ",
];

const RANGES: &[&str] = &[
    "10.0.0.0",
    "10.1.2.3",
    "192.0.2.7",
    "127.0.0.1",
    "0.0.0.0",
    "::",
    "fd00::",
    "fd00::7",
    "::ffff:10.0.0.1",
    "::1",
    "/",
    "/0",
    "/8",
    "/24",
    "/31",
    "/32",
    "/33",
    "/64",
    "/128",
    "/129",
    "010.0.0.0",
    "/08",
    "/+8",
    "/-1",
    " ",
];

/// So that the properties are known to see both sides.
#[test]
fn known_guests_and_others() {
    for text in [
        "Bearer correct horse battery staple\n\n8.8.8.8",
        "Bearer correct horse battery stable\n\n8.8.8.8",
        "\n\n192.0.2.7",
        "\n\n192.0.3.7",
        "\n192.0.2.7\n10.0.0.1",
        "\n192.0.2.7, 8.8.8.8\n10.0.0.1",
        "\n192.0.2.7, 10.9.9.9\n::ffff:10.0.0.1",
        "\n10.9.9.9\n10.0.0.1",
        "\n192.0.2.7\n8.8.8.8",
        "\n192.0.2.7\nnobody",
    ] {
        properties::a_guard_opens_to_those_whom_it_knows_alone(text);
    }
    for text in [
        "10.0.0.0/8\n10.1.2.3",
        "10.0.0.0/8\n11.1.2.3",
        "0.0.0.0/0\n255.1.2.3",
        "0.0.0.0/0\n::1",
        "::/0\n::1",
        "010.0.0.0/8\n10.1.2.3",
        "fd00::/8\nfdff::1",
        "10.1.2.3\n::ffff:10.1.2.3",
    ] {
        properties::a_range_holds_what_begins_as_it_does(text);
    }
}

proptest! {
    #[test]
    fn any_request_gets_a_complete_answer(text in lines(REQUESTS)) {
        properties::any_request_gets_a_complete_answer(&text);
    }

    #[test]
    fn a_guard_opens_to_those_whom_it_knows_alone(text in lines(GUESTS)) {
        properties::a_guard_opens_to_those_whom_it_knows_alone(&text);
    }

    #[test]
    fn a_secret_is_masked_whatever_surrounds_it(text in lines(TEXTS)) {
        properties::a_secret_is_masked_whatever_surrounds_it(&text);
    }

    #[test]
    fn a_range_holds_what_begins_as_it_does(text in lines(RANGES)) {
        properties::a_range_holds_what_begins_as_it_does(&text);
    }
}
