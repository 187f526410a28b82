//! The tokens in the parentheses of the attribute → [`Args`].
//!
//! The tokens are cut at the commas first, so a mistake in one option hides
//! none in the others.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;

use crate::diag::{Diag, Mistake, Place};
use crate::duration;
use crate::options::{self, Probe, Row};
use crate::tokens::{is_punct, pretty, split_at_commas};

/// What is written in the attribute.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Slot<String>,
    pub(crate) timeout: Slot<Millis>,
    pub(crate) critical: Slot<Critical>,
    pub(crate) liveness: Slot<Flag>,
    pub(crate) readiness: Slot<Flag>,
    pub(crate) startup: Slot<Flag>,
    pub(crate) interval: Slot<Millis>,
    pub(crate) initial_delay: Slot<Millis>,
    pub(crate) failure_threshold: Slot<u32>,
    pub(crate) success_threshold: Slot<u32>,
    pub(crate) stale_after: Slot<Millis>,
    pub(crate) late: Slot<Flag>,
    pub(crate) state: Slot<syn::Path>,
    pub(crate) krate: Slot<syn::Path>,
}

/// One option: not written, written, or written in a way that was reported.
pub(crate) struct Slot<T> {
    mentioned: bool,
    written: Option<Written<T>>,
}

/// A value, with the places of its key and of itself.
pub(crate) struct Written<T> {
    pub(crate) value: T,
    pub(crate) key: Place,
    pub(crate) at: Place,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot {
            mentioned: false,
            written: None,
        }
    }
}

impl<T> Slot<T> {
    pub(crate) fn get(&self) -> Option<&Written<T>> {
        self.written.as_ref()
    }

    pub(crate) fn into_value(self) -> Option<T> {
        self.written.map(|written| written.value)
    }

    /// Whether a mistake in it was reported, so that no rule can be applied.
    pub(crate) fn is_broken(&self) -> bool {
        self.mentioned && self.written.is_none()
    }
}

impl<T: Value> Slot<T> {
    pub(crate) fn read(&mut self, given: &Given<'_>, diag: &Diag) {
        if std::mem::replace(&mut self.mentioned, true) {
            let what = format!("`{}` is set twice", given.row.key);
            diag.error(&given.key, what, "keep one of the two");
            return;
        }
        self.written = T::read(given, diag).map(|(value, at)| Written {
            value,
            key: given.key.clone(),
            at,
        });
    }
}

/// An option as it stands in the source.
pub(crate) struct Given<'a> {
    row: &'a Row,
    key: Place,
    form: Form,
}

enum Form {
    /// `critical`
    Alone,
    /// `timeout = "2s"`
    Value(Punct, TokenStream),
    /// `critical(readiness)`
    List(Group),
}

/// What a string literal is to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    Duration,
}

/// A type of values. Each mistake is reported once.
pub(crate) trait Value: Sized {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)>;
}

/// Reads all options, and reports what cannot be read.
pub(crate) fn parse(tokens: TokenStream, diag: &Diag) -> Args {
    let mut args = Args::default();
    for (order, (option, comma)) in split_at_commas(tokens).into_iter().enumerate() {
        match comma {
            Some(comma) if option.is_empty() => {
                let place = Place::option(order, comma);
                diag.error(&place, "expected an option, found `,`", "remove this comma");
            }
            _ => read_option(
                &mut args,
                order,
                &option.into_iter().collect::<Vec<_>>(),
                diag,
            ),
        }
    }
    args
}

fn read_option(args: &mut Args, order: usize, segment: &[TokenTree], diag: &Diag) {
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
            let help = match options::find(&key.unraw().to_string()) {
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
        read_option(args, order, next, diag);
    }
    let word = key.unraw().to_string();
    if let Some(row) = options::find(&word) {
        (row.read)(
            args,
            &Given {
                row,
                key: key_place,
                form,
            },
            diag,
        );
    } else {
        let (what, help) = options::unknown(&word, &form.text());
        diag.error(&key_place, what, help);
    }
}

/// What follows the key, and the tokens of an option after a missing comma.
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

/// How many tokens belong to the value: all, unless an option follows without
/// a comma, that is, a name directly after a literal, a name or a `>`.
fn value_length(value: &[TokenTree]) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == '>',
        _ => true,
    };
    let starts = |token: &TokenTree| matches!(token, TokenTree::Ident(_)) || is_punct(token, ';');
    value
        .windows(2)
        .position(|pair| ends(&pair[0]) && starts(&pair[1]))
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

impl Form {
    fn text(&self) -> String {
        match self {
            Form::Alone => String::new(),
            Form::Value(_, value) => value.to_string(),
            Form::List(list) => list.stream().to_string(),
        }
    }
}

impl Given<'_> {
    /// The tokens after `=`.
    fn value(&self, diag: &Diag) -> Option<&TokenStream> {
        let Row { key, example, .. } = self.row;
        match &self.form {
            Form::Value(_, value) if !value.is_empty() => Some(value),
            Form::List(list) => {
                let literal: Option<Literal> = syn::parse2(list.stream()).ok();
                let help = match literal {
                    Some(literal) => format!("write `{key} = {literal}`"),
                    None => format!("write `{example}`"),
                };
                let what = format!("`{key}` takes a value with `=`, not parentheses");
                diag.error(&self.key.with(list), what, help);
                None
            }
            Form::Value(..) | Form::Alone => {
                diag.error(
                    &self.key,
                    format!("`{key}` needs a value"),
                    format!("write `{example}`"),
                );
                None
            }
        }
    }

    /// A string literal: its text and its place.
    fn string(&self, wanted: Wanted, diag: &Diag) -> Option<(String, Place)> {
        let value = self.value(diag)?;
        let place = self.key.with(value);
        match syn::parse2(value.clone()) {
            Ok(syn::Lit::Str(text)) => return Some((text.value(), place)),
            Ok(other) => diag.report(&place, &self.no_string(wanted, &other)),
            Err(_) => diag.report(&place, &self.no_literal(wanted, value)),
        }
        None
    }

    fn no_string(&self, wanted: Wanted, found: &syn::Lit) -> Mistake {
        let Row { key, example, .. } = self.row;
        let text = found.to_token_stream().to_string().replace(' ', "");
        if wanted == Wanted::Text {
            let what = format!("expected a string in quotes for `{key}`, found `{text}`");
            return Mistake::new(what, format!("write `{example}`"));
        }
        let what = match found {
            syn::Lit::Int(_) | syn::Lit::Float(_) => {
                format!("expected a duration in quotes, found the number `{text}`")
            }
            _ => format!("expected a duration in quotes, found `{text}`"),
        };
        let quoted = [text.clone(), format!("{text}s")];
        let quoted = quoted.iter().find(|quoted| duration::parse(quoted).is_ok());
        let help = match quoted {
            Some(quoted) => format!("write `{key} = \"{quoted}\"`"),
            None => format!("write `{example}`"),
        };
        Mistake::new(what, help)
    }

    fn no_literal(&self, wanted: Wanted, found: &TokenStream) -> Mistake {
        let Row { key, example, .. } = self.row;
        match syn::parse2::<Ident>(found.clone()) {
            Ok(word) if wanted == Wanted::Text => Mistake::new(
                format!("expected a string in quotes for `{key}`, found `{word}`"),
                format!("write `{key} = \"{word}\"`"),
            ),
            _ => Mistake::new(
                format!("expected a string literal for `{key}`, found an expression"),
                format!("the macro runs before constants are known; write `{example}`"),
            ),
        }
    }

    /// Reports a value after a flag.
    fn refuse_value(&self, diag: &Diag, tokens: impl ToTokens, help: String) {
        let what = format!("`{}` is a flag and takes no value", self.row.key);
        diag.error(&self.key.with(tokens), what, help);
    }
}

/// A word that stands alone.
pub(crate) struct Flag;

impl Value for Flag {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        let key = given.row.key;
        match &given.form {
            Form::Alone => return Some((Flag, given.key.clone())),
            Form::Value(eq, value) => {
                given.refuse_value(diag, with_eq(eq, value), flag_help(key, value));
            }
            Form::List(list) => {
                given.refuse_value(diag, list, flag_help(key, &list.stream()));
            }
        }
        None
    }
}

fn with_eq(eq: &Punct, value: &TokenStream) -> TokenStream {
    let mut tokens = eq.to_token_stream();
    tokens.extend(value.clone());
    tokens
}

fn flag_help(key: &str, value: &TokenStream) -> String {
    if value.to_string() == "false" {
        format!("leave `{key}` out to turn it off")
    } else {
        format!("write `{key}` alone to turn it on, or leave it out")
    }
}

impl Value for String {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        given.string(Wanted::Text, diag)
    }
}

/// A duration in milliseconds, and how it was written.
pub(crate) struct Millis {
    pub(crate) count: u64,
    pub(crate) text: String,
}

impl Value for Millis {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        let (text, place) = given.string(Wanted::Duration, diag)?;
        match duration::parse(&text) {
            Ok(count) => Some((Millis { count, text }, place)),
            Err(mistake) => {
                diag.report(&place, &mistake);
                None
            }
        }
    }
}

impl Value for u32 {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        let value = given.value(diag)?;
        let place = given.key.with(value);
        match count(value, given.row) {
            Ok(count) => Some((count, place)),
            Err(mistake) => {
                diag.report(&place, &mistake);
                None
            }
        }
    }
}

fn count(value: &TokenStream, row: &Row) -> Result<u32, Mistake> {
    let text = value.to_string().replace(' ', "");
    let help = format!("write `{}`", row.example);
    match syn::parse2(value.clone()) {
        Ok(syn::Lit::Int(number)) => number.base10_parse().map_err(|_| {
            let what = format!("a threshold counts results, so it cannot be `{text}`");
            let negative = text.starts_with('-');
            Mistake::new(
                what,
                if negative {
                    "write `1` or more"
                } else {
                    "write a smaller number"
                },
            )
        }),
        Ok(syn::Lit::Str(text)) => {
            let inner = text.value();
            let help = match inner.parse::<u32>() {
                Ok(_) => format!("remove the quotes: `{} = {inner}`", row.key),
                Err(_) => help,
            };
            Err(Mistake::new(
                "expected a whole number, found a string",
                help,
            ))
        }
        Ok(_) => Err(Mistake::new(
            format!("expected a whole number, found `{text}`"),
            help,
        )),
        Err(_) => Err(Mistake::new(
            format!(
                "expected a whole number for `{}`, found an expression",
                row.key
            ),
            format!("the macro runs before constants are known; {help}"),
        )),
    }
}

impl Value for syn::Path {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        let Row { key, example, .. } = given.row;
        let value = given.value(diag)?;
        let place = given.key.with(value);
        if let Ok(path) = syn::parse2(value.clone()) {
            return Some((path, place));
        }
        let (what, help) = if let Ok(text) = syn::parse2::<syn::LitStr>(value.clone()) {
            let unquoted = text
                .parse::<syn::Path>()
                .map(|_| format!("{key} = {}", text.value()));
            (
                format!("`{key}` takes a path, not a string"),
                format!(
                    "remove the quotes: `{}`",
                    unquoted.as_deref().unwrap_or(example)
                ),
            )
        } else {
            (
                format!("`{key}` takes a path, not `{}`", pretty(value)),
                format!("write `{example}`"),
            )
        };
        diag.error(&place, what, help);
        None
    }
}

/// `critical`, or `critical(readiness)`.
pub(crate) enum Critical {
    Everywhere,
    Only(Vec<(Probe, Place)>),
}

impl Value for Critical {
    fn read(given: &Given<'_>, diag: &Diag) -> Option<(Self, Place)> {
        match &given.form {
            Form::Alone => Some((Critical::Everywhere, given.key.clone())),
            Form::Value(eq, value) => {
                let word = value.to_string();
                let help = match Probe::named(word.trim_matches('"')) {
                    Some(probe) => format!("write `critical({})`", probe.key()),
                    None => flag_help("critical", value),
                };
                given.refuse_value(diag, with_eq(eq, value), help);
                None
            }
            Form::List(list) => {
                let probes = probes(list, &given.key, diag)?;
                Some((Critical::Only(probes), given.key.clone()))
            }
        }
    }
}

fn probes(list: &Group, key: &Place, diag: &Diag) -> Option<Vec<(Probe, Place)>> {
    let mut probes: Vec<(Probe, Place)> = Vec::new();
    let mut legal = true;
    for (word, _) in split_at_commas(list.stream()) {
        let place = key.with(&word);
        match probe(&word) {
            Ok(probe) if probes.iter().any(|&(listed, _)| listed == probe) => {
                let what = format!("`{}` is listed twice", probe.key());
                diag.error(&place, what, "keep one of the two");
            }
            Ok(probe) => probes.push((probe, place)),
            Err(mistake) => {
                legal = false;
                diag.report(&place, &mistake);
            }
        }
    }
    if legal && probes.is_empty() {
        let help = "write `critical` alone, or name one: `critical(readiness)`";
        diag.error(&key.with(list), "`critical` names no probe", help);
        legal = false;
    }
    legal.then_some(probes)
}

fn probe(word: &TokenStream) -> Result<Probe, Mistake> {
    let text = word.to_string();
    let unquoted = text.trim_matches('"');
    match Probe::named(unquoted) {
        Some(probe) if unquoted == text => Ok(probe),
        Some(probe) => Err(Mistake::new(
            "`critical` takes probes without quotes",
            format!("write `critical({})`", probe.key()),
        )),
        None => Err(Mistake::new(
            format!("`{unquoted}` is not a probe"),
            Probe::meant(unquoted),
        )),
    }
}
