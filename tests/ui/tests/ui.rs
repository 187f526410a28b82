//! The compiler message of each mistake, and that all valid code compiles.
//!
//! The recorded messages belong to the toolchain of `rust-toolchain.toml`. Record
//! them with `TRYBUILD=overwrite cargo test -p ui`, and review each change: the
//! smallest span, what is wrong, what to type, and one error per mistake.

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
