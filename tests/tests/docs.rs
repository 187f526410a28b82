//! What the documents promise is what the code does.

const README: &str = include_str!("../../README.md");
const QUICK_START: &str = include_str!("../../examples/src/bin/quickstart.rs");

/// The first block of this language.
fn block<'a>(document: &'a str, language: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let start = document.find(&fence).expect("a block of this language") + fence.len();
    let length = document[start..].find("```").expect("the end of the block");
    &document[start..start + length]
}

#[test]
fn the_quick_start_is_a_program_that_is_compiled() {
    let (_title, program) = QUICK_START.split_once("\n\n").expect("a title");
    assert_eq!(block(README, "rust"), program);
}
