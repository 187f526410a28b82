//! What each mistake says, and that everything legal compiles.
//!
//! The recorded texts belong to the toolchain of `rust-toolchain.toml`.
//! Record them anew with `TRYBUILD=overwrite cargo test -p ui`, and read
//! each change: smallest span, what is wrong, what to type, each mistake once.

#[test]
fn mistakes() {
    let cases = trybuild::TestCases::new();
    for kind in [
        "values",
        "options",
        "contradictions",
        "function",
        "results",
        "parameters",
        "state",
        "fields",
        "items",
        "after",
        "methods",
        "app",
        "features",
    ] {
        cases.compile_fail(format!("{kind}/*.rs"));
    }
}

#[test]
fn legal() {
    trybuild::TestCases::new().pass("pass/*.rs");
}
