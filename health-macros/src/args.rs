//! Parses the arguments of the attribute into [`Args`].
//!
//! The tokens are split at commas first, so a mistake in one option does not
//! hide mistakes in others.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;

use crate::diag::{Diag, Mistake, Place};
use crate::synonyms::{self, Unit};
use crate::tokens::{is_punct, is_word, split_at_commas};
use crate::value::{
    Checks, Critical, Endpoints, Expression, Flag, Form, Given, Millis, Slot, Tags,
};

/// The arguments of the attribute.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Slot<String>,
    pub(crate) timeout: Slot<Millis>,
    pub(crate) critical: Slot<Critical>,
    pub(crate) liveness: Slot<Flag>,
    pub(crate) readiness: Slot<Flag>,
    pub(crate) startup: Slot<Flag>,
    pub(crate) interval: Slot<Millis>,
    pub(crate) cache: Slot<Millis>,
    pub(crate) initial_delay: Slot<Millis>,
    pub(crate) failure_threshold: Slot<u32>,
    pub(crate) success_threshold: Slot<u32>,
    pub(crate) stale_after: Slot<Millis>,
    pub(crate) after: Slot<Checks>,
    pub(crate) tags: Slot<Tags>,
    pub(crate) affects: Slot<Endpoints>,
    pub(crate) component: Slot<String>,
    pub(crate) observes: Slot<Unit>,
    pub(crate) late: Slot<Flag>,
    pub(crate) local: Slot<Flag>,
    pub(crate) state: Slot<syn::Path>,
    pub(crate) krate: Slot<syn::Path>,
    /// Only on a field: the check.
    pub(crate) check: Slot<Expression>,
    /// Only on a field: the field provides no parameter.
    pub(crate) skip: Slot<Flag>,
    /// Only on a field: it is a state, whose fields are provided as well.
    pub(crate) nested: Slot<Flag>,
    /// The keys of all parsed options, in source order.
    pub(crate) keys: Vec<(&'static str, Place)>,
}

/// An option. To add one, add a row here, a field in [`Args`], and a rule and a
/// setting in `spec`.
struct Row {
    key: &'static str,
    /// An example for the help lines.
    example: &'static str,
    read: fn(&mut Args, &Given, &Diag),
}

macro_rules! row {
    ($key:literal => $field:ident, $example:literal) => {
        Row {
            key: $key,
            example: $example,
            read: |args, given, diag| args.$field.read(given, diag),
        }
    };
}

/// All options, in the order of help lines.
const OPTIONS: &[Row] = &[
    row!("name" => name, "name = \"orders-db\""),
    row!("timeout" => timeout, "timeout = \"2s\""),
    row!("critical" => critical, "critical"),
    row!("liveness" => liveness, "liveness"),
    row!("readiness" => readiness, "readiness"),
    row!("startup" => startup, "startup"),
    row!("interval" => interval, "interval = \"10s\""),
    row!("cache" => cache, "cache = \"1s\""),
    row!("initial_delay" => initial_delay, "initial_delay = \"5s\""),
    row!("failure_threshold" => failure_threshold, "failure_threshold = 3"),
    row!("success_threshold" => success_threshold, "success_threshold = 3"),
    row!("stale_after" => stale_after, "stale_after = \"1m\""),
    row!("after" => after, "after(database)"),
    row!("tags" => tags, "tags(\"db\")"),
    row!("affects" => affects, "affects(\"/orders/{id}\")"),
    row!("component" => component, "component = \"datastore\""),
    row!("observes" => observes, "observes(bytes)"),
    row!("late" => late, "late"),
    row!("local" => local, "local"),
    row!("state" => state, "state = AppState"),
    row!("crate" => krate, "crate = health_core"),
];

/// The additional options of `#[health(..)]` on a field of the state.
const FIELD_OPTIONS: &[Row] = &[
    row!("check" => check, "check = ping"),
    row!("skip" => skip, "skip"),
    row!("nested" => nested, "nested"),
];

/// The options of an attribute.
#[derive(Clone, Copy)]
struct Table(&'static [&'static [Row]]);

impl Table {
    const FUNCTION: Table = Table(&[OPTIONS]);
    const FIELD: Table = Table(&[FIELD_OPTIONS, OPTIONS]);

    fn rows(self) -> impl Iterator<Item = &'static Row> {
        self.0.iter().copied().flatten()
    }

    fn find(self, key: &str) -> Option<&'static Row> {
        self.rows().find(|row| row.key == key)
    }
}

/// Parses all options, and reports invalid ones.
pub(crate) fn parse(tokens: TokenStream, diag: &Diag) -> Args {
    parse_by(Table::FUNCTION, tokens, 0, diag)
}

/// Parses all options of `#[health(..)]` on a field. `first` is the position of the
/// first one in the order of the report.
pub(crate) fn parse_field(tokens: TokenStream, first: usize, diag: &Diag) -> Args {
    parse_by(Table::FIELD, tokens, first, diag)
}

fn parse_by(table: Table, tokens: TokenStream, first: usize, diag: &Diag) -> Args {
    let mut args = Args::default();
    for (order, (option, comma)) in (first..).zip(split_at_commas(tokens)) {
        match comma {
            Some(comma) if option.is_empty() => {
                let place = Place::option(order, comma);
                diag.error(&place, "expected an option, found `,`", "remove this comma");
            }
            _ => read_option(
                table,
                &mut args,
                order,
                &option.into_iter().collect::<Vec<_>>(),
                diag,
            ),
        }
    }
    args
}

fn read_option(table: Table, args: &mut Args, order: usize, segment: &[TokenTree], diag: &Diag) {
    let Some((first, rest)) = segment.split_first() else {
        return;
    };
    let TokenTree::Ident(key) = first else {
        let mistake = no_key(first);
        return diag.report(&Place::option(order, first), &mistake);
    };
    let key_place = Place::option(order, key);
    let (form, next) = match form(rest) {
        Ok(found) => found,
        Err(unexpected) => {
            let what = format!("expected `=` after `{key}`");
            let help = match table.find(&key.unraw().to_string()) {
                Some(row) => format!("write `{}`", row.example),
                None => "an option is written `key = value`, or `key` alone".into(),
            };
            return diag.error(&Place::option(order, unexpected), what, help);
        }
    };
    if let Some(after) = next.first() {
        let written = spaced(&segment[..segment.len() - next.len()]);
        let next = if is_punct(after, ';') {
            &next[1..]
        } else {
            next
        };
        let help = format!("separate them with commas: `{written}, {}`", spaced(next));
        diag.error(
            &Place::option(order, after),
            "expected `,` between options",
            help,
        );
        read_option(table, args, order, next, diag);
    }
    let word = key.unraw().to_string();
    if let Some(row) = table.find(&word) {
        args.keys.push((row.key, key_place.clone()));
        (row.read)(
            args,
            &Given {
                key: row.key,
                example: row.example,
                place: key_place,
                form,
            },
            diag,
        );
    } else {
        let keys: Vec<_> = table.rows().map(|row| row.key).collect();
        let (what, help) = synonyms::unknown(&word, &form.text(), &keys);
        diag.error(&key_place, what, help);
    }
}

/// Splits the tokens after the key into the value and the tokens of an option
/// after a missing comma.
fn form(rest: &[TokenTree]) -> Result<(Form, &[TokenTree]), TokenTree> {
    match rest {
        [TokenTree::Punct(eq), value @ ..] if eq.as_char() == '=' => {
            let (value, next) = value.split_at(value_length(value));
            Ok((
                Form::Value(eq.clone(), value.iter().cloned().collect()),
                next,
            ))
        }
        [TokenTree::Group(list), next @ ..] if list.delimiter() != Delimiter::None => {
            Ok((Form::List(list.clone()), next))
        }
        [] | [TokenTree::Ident(_), ..] => Ok((Form::Alone, rest)),
        [TokenTree::Punct(punct), ..] if punct.as_char() == ';' => Ok((Form::Alone, rest)),
        [unexpected, ..] => Err(unexpected.clone()),
    }
}

/// Keywords that can be next to a name in a path or an expression.
const JOINING: [&str; 4] = ["as", "async", "move", "mut"];

/// Returns the number of tokens of the value: all, unless an option follows
/// without a comma, which is a name directly after a literal, a name or a `>`.
fn value_length(value: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == '>',
        _ => true,
    };
    let starts = |token: &TokenTree| matches!(token, TokenTree::Ident(_)) || is_punct(token, ';');
    let joins = |token: &TokenTree| JOINING.iter().any(|word| is_word(token, word));
    value
        .windows(2)
        .position(|pair| ends(&pair[0]) && starts(&pair[1]) && !joins(&pair[0]) && !joins(&pair[1]))
        .map_or(value.len(), |before| before + 1)
}

fn spaced(tokens: &[TokenTree]) -> String {
    tokens.iter().cloned().collect::<TokenStream>().to_string()
}

fn no_key(token: &TokenTree) -> Mistake {
    match syn::parse2(token.to_token_stream()) {
        Ok(syn::Lit::Str(text)) => Mistake::new(
            "expected an option, found a string",
            format!("to name the check, write `name = {}`", text.token()),
        ),
        _ => Mistake::new(
            format!("expected an option, found `{token}`"),
            "write for example `timeout = \"2s\"`",
        ),
    }
}
