//! Texts on one line.

/// Returns the text on one line and in its logical order.
///
/// Control characters, line and paragraph separators, and marks that change the
/// text direction are replaced by spaces: they could make the text of one check
/// look like the line of another.
pub(crate) fn one_line(text: &str) -> impl Iterator<Item = char> + '_ {
    let turns = |c| {
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let shown = move |c| if ends(c) || turns(c) { ' ' } else { c };
    text.chars().map(shown)
}
