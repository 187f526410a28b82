//! Badges: small images of one state, for a README or a dashboard.

use bytes::Bytes;

use crate::check::outcome::Status;
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::Escaped;
use crate::text::bounded::cut;

const HEIGHT: usize = 20;
/// The space on each side of a text.
const SPACE: usize = 6;
/// The estimated width of a character. `textLength` adapts the text to it.
const CHARACTER: usize = 7;
const MAX_LABEL: usize = 64;

/// Renders a badge with a label on the left and the state on the right. `None` is an
/// unknown state.
pub(crate) fn badge(label: &str, status: Option<Status>) -> Bytes {
    let state = status.map_or(DisplayState::Unknown, DisplayState::from);
    let (word, colour) = (state.as_str(), state.colour());
    let label = cut(label, MAX_LABEL);
    let [left, right] = [label, word].map(|text| text.chars().count() * CHARACTER);
    let split = left + 2 * SPACE;
    let width = split + right + 2 * SPACE;
    let label = Escaped(label);
    Bytes::from(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{HEIGHT}\" role=\"img\" \
         aria-label=\"{label}: {word}\"><title>{label}: {word}</title>\
         <clipPath id=\"r\"><rect width=\"{width}\" height=\"{HEIGHT}\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{split}\" height=\"{HEIGHT}\" fill=\"#3b4148\"/>\
         <rect x=\"{split}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"#{colour}\"/></g>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{SPACE}\" y=\"14\" textLength=\"{left}\" lengthAdjust=\"spacingAndGlyphs\">{label}</text>\
         <text x=\"{}\" y=\"14\" textLength=\"{right}\" lengthAdjust=\"spacingAndGlyphs\">{word}</text></g></svg>\n",
        width - split,
        split + SPACE,
    ))
}
