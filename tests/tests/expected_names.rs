//! A library that no code names is not linked, and its checks are gone.

use health_core::{Health, testing};

#[tokio::test]
async fn a_vanished_library_is_noticed() {
    assert_eq!(
        testing::declared(),
        [""; 0],
        "this binary names no library with checks"
    );
    let error = Health::builder()
        .expect(["stripe"])
        .start()
        .expect_err("it vanished");
    assert_eq!(
        error.to_string(),
        "health cannot start, 1 problem:\n  \
         - `expect` names `stripe`, and no check has this name\n    \
           help: if it is in a library, name the library in the binary: `use the_library as _;`"
    );
}
