//! Parses the values of options: their forms, and one type per kind of value.
//! Each mistake is reported once.

use std::time::Duration;

use proc_macro2::{Group, Ident, Literal, Punct, TokenStream, TokenTree};
use quote::ToTokens;

use crate::diag::{Diag, Mistake, Place};
use crate::duration;
use crate::synonyms::{Probe, Unit};
use crate::tokens::{pretty, split_at_commas, ungrouped};

/// An option: absent, valid, or invalid and reported.
pub(crate) struct Slot<T> {
    mentioned: bool,
    written: Option<Written<T>>,
}

/// A value with the positions of its key and itself.
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

    /// Returns whether the option is present, valid or not.
    pub(crate) fn is_mentioned(&self) -> bool {
        self.mentioned
    }

    /// Returns whether a mistake in it was reported, so that no rule can be
    /// applied.
    pub(crate) fn is_broken(&self) -> bool {
        self.mentioned && self.written.is_none()
    }
}

impl<T: Value> Slot<T> {
    pub(crate) fn read(&mut self, given: &Given, diag: &Diag) {
        if std::mem::replace(&mut self.mentioned, true) {
            let what = format!("`{}` is set twice", given.key);
            diag.error(&given.place, what, "keep one of the two");
            return;
        }
        self.written = T::read(given, diag).map(|(value, at)| Written {
            value,
            key: given.place.clone(),
            at,
        });
    }
}

/// An option as written.
pub(crate) struct Given {
    pub(crate) key: &'static str,
    /// An example for the help lines.
    pub(crate) example: &'static str,
    pub(crate) place: Place,
    pub(crate) form: Form,
}

pub(crate) enum Form {
    /// `critical`
    Alone,
    /// `timeout = "2s"`
    Value(Punct, TokenStream),
    /// `critical(readiness)`
    List(Group),
}

/// The expected content of a string literal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    Duration,
}

/// A type of values. It reports each mistake once.
pub(crate) trait Value: Sized {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)>;
}

impl Form {
    pub(crate) fn text(&self) -> String {
        match self {
            Form::Alone => String::new(),
            Form::Value(_, value) => value.to_string(),
            Form::List(list) => list.stream().to_string(),
        }
    }
}

impl Given {
    /// Returns the tokens after `=`.
    fn value(&self, diag: &Diag) -> Option<&TokenStream> {
        let Given { key, example, .. } = self;
        match &self.form {
            Form::Value(_, value) if !value.is_empty() => Some(value),
            Form::List(list) => {
                let literal: Option<Literal> = syn::parse2(list.stream()).ok();
                let help = match literal {
                    Some(literal) => format!("write `{key} = {literal}`"),
                    None => format!("write `{example}`"),
                };
                let what = format!("`{key}` takes a value with `=`, not parentheses");
                diag.error(&self.place.with(list), what, help);
                None
            }
            Form::Value(..) | Form::Alone => {
                diag.error(
                    &self.place,
                    format!("`{key}` needs a value"),
                    format!("write `{example}`"),
                );
                None
            }
        }
    }

    /// Returns the text and the position of a string literal.
    fn string(&self, wanted: Wanted, diag: &Diag) -> Option<(String, Place)> {
        let value = self.value(diag)?;
        let place = self.place.with(value);
        match syn::parse2(value.clone()) {
            Ok(syn::Lit::Str(text)) => return Some((text.value(), place)),
            Ok(other) => diag.report(&place, &self.no_string(wanted, &other)),
            Err(_) => diag.report(&place, &self.no_literal(wanted, value)),
        }
        None
    }

    fn no_string(&self, wanted: Wanted, found: &syn::Lit) -> Mistake {
        let Given { key, example, .. } = self;
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
        let Given { key, example, .. } = self;
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

    /// Returns the comma-separated tokens of a list.
    fn list(&self, thing: &str, diag: &Diag) -> Option<Vec<TokenStream>> {
        let Given { key, example, .. } = self;
        match &self.form {
            Form::List(list) if list.stream().is_empty() => {
                let help = format!("leave it out, or name one: `{example}`");
                let what = format!("`{key}` names no {thing}");
                diag.error(&self.place.with(list), what, help);
            }
            Form::List(list) => return Some(self.elements(list, thing, diag)),
            Form::Value(eq, value) => {
                let what = format!("`{key}` takes a list in parentheses");
                let help = format!("write `{}`", self.as_list(value));
                diag.error(&self.place.with(with_eq(eq, value)), what, help);
            }
            Form::Alone => {
                let what = format!("`{key}` needs a list in parentheses");
                diag.error(&self.place, what, format!("write `{example}`"));
            }
        }
        None
    }

    /// Returns the texts of a list.
    fn texts(&self, thing: &str, diag: &Diag) -> Option<Vec<(String, Place)>> {
        let elements = self.list(thing, diag)?.into_iter();
        let texts = elements.filter_map(|element| {
            let place = self.place.with(&element);
            if let Ok(syn::Lit::Str(text)) = syn::parse2(element.clone()) {
                return Some((text.value(), place));
            }
            let what = format!("expected a {thing} in quotes, found `{}`", pretty(&element));
            let help = match syn::parse2::<Ident>(element) {
                Ok(word) => format!("write `{}(\"{word}\")`", self.key),
                Err(_) => format!("write `{}`", self.example),
            };
            diag.error(&place, what, help);
            None
        });
        Some(texts.collect())
    }

    fn elements(&self, list: &Group, thing: &str, diag: &Diag) -> Vec<TokenStream> {
        let mut elements = Vec::new();
        for (element, comma) in split_at_commas(list.stream()) {
            if element.is_empty() {
                let what = format!("expected a {thing}, found `,`");
                diag.error(&self.place.with(comma), what, "remove this comma");
            } else {
                elements.push(element);
            }
        }
        elements
    }

    /// Formats a value after `=` as the list that was meant.
    fn as_list(&self, value: &TokenStream) -> String {
        let is_quoted = self.example.contains('"');
        match syn::parse2(value.clone()) {
            Ok(syn::Lit::Str(text)) if is_quoted => format!("{}({})", self.key, text.token()),
            Ok(syn::Lit::Str(text)) => match text.parse::<syn::Path>() {
                Ok(path) => format!("{}({})", self.key, pretty(&path.to_token_stream())),
                Err(_) => self.example.into(),
            },
            _ => match syn::parse2::<syn::Path>(value.clone()) {
                Ok(path) if !is_quoted => {
                    format!("{}({})", self.key, pretty(&path.to_token_stream()))
                }
                _ => self.example.into(),
            },
        }
    }

    /// Reports a value after a flag.
    fn refuse_value(&self, diag: &Diag, tokens: impl ToTokens, help: String) {
        let what = format!("`{}` is a flag and takes no value", self.key);
        diag.error(&self.place.with(tokens), what, help);
    }
}

/// An option without a value.
pub(crate) struct Flag;

impl Value for Flag {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let key = given.key;
        match &given.form {
            Form::Alone => return Some((Flag, given.place.clone())),
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
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        given.string(Wanted::Text, diag)
    }
}

/// A duration in milliseconds, and its text as written.
pub(crate) struct Millis {
    pub(crate) count: u64,
    pub(crate) text: String,
}

impl Millis {
    pub(crate) const fn get(&self) -> Duration {
        Duration::from_millis(self.count)
    }
}

impl Value for Millis {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
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
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let value = given.value(diag)?;
        let place = given.place.with(value);
        match count(value, given) {
            Ok(count) => Some((count, place)),
            Err(mistake) => {
                diag.report(&place, &mistake);
                None
            }
        }
    }
}

fn count(value: &TokenStream, given: &Given) -> Result<u32, Mistake> {
    let text = value.to_string().replace(' ', "");
    let help = format!("write `{}`", given.example);
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
                Ok(_) => format!("remove the quotes: `{} = {inner}`", given.key),
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
                given.key
            ),
            format!("the macro runs before constants are known; {help}"),
        )),
    }
}

impl Value for syn::Path {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let Given { key, example, .. } = given;
        let value = given.value(diag)?;
        let place = given.place.with(value);
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

/// The path of a function, or any other expression. rustc validates its syntax.
pub(crate) struct Expression(pub(crate) TokenStream);

impl Value for Expression {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let value = given.value(diag)?;
        let place = given.place.with(value);
        let Ok(text) = syn::parse2::<syn::LitStr>(value.clone()) else {
            return Some((Expression(value.clone()), place));
        };
        let path = text.parse::<syn::Path>();
        let help = match path {
            Ok(path) => format!(
                "remove the quotes: `{} = {}`",
                given.key,
                pretty(&path.to_token_stream())
            ),
            Err(_) => format!("write `{}`", given.example),
        };
        let what = format!("`{}` takes a function, not a string", given.key);
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
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        match &given.form {
            Form::Alone => Some((Critical::Everywhere, given.place.clone())),
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
                let probes = probes(list, &given.place, diag)?;
                Some((Critical::Only(probes), given.place.clone()))
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

/// `observes(bytes)`.
impl Value for Unit {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let words = match &given.form {
            Form::List(list) => list.stream(),
            Form::Alone => {
                let help = format!("write for example `{}`", given.example);
                diag.error(&given.place, "`observes` names no unit", help);
                return None;
            }
            Form::Value(eq, value) => {
                let word = value.to_string();
                let help = Unit::meant(word.trim_matches('"'));
                let place = given.place.with(with_eq(eq, value));
                diag.error(&place, "`observes` takes a unit in parentheses", help);
                return None;
            }
        };
        let word = words.to_string();
        let unquoted = word.trim_matches('"');
        if let Some(unit) = Unit::named(&word) {
            return Some((unit, given.place.with(&words)));
        }
        let what = if word.is_empty() {
            "`observes` names no unit".to_owned()
        } else if Unit::named(unquoted).is_some() {
            "`observes` takes a unit without quotes".to_owned()
        } else {
            format!("`{unquoted}` is not a unit of metrics")
        };
        let place = if word.is_empty() {
            given.place.clone()
        } else {
            given.place.with(&words)
        };
        diag.error(&place, what, Unit::meant(unquoted));
        None
    }
}

/// `tags("db", "eu")`: the valid ones.
pub(crate) struct Tags(pub(crate) Vec<(String, Place)>);

impl Value for Tags {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let tags = given.texts("tag", diag)?;
        Some((Tags(tags), given.place.clone()))
    }
}

/// `affects("/orders", "/orders/{id}")`: the valid ones.
pub(crate) struct Endpoints(pub(crate) Vec<(String, Place)>);

impl Value for Endpoints {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let endpoints = given.texts("URI template", diag)?;
        Some((Endpoints(endpoints), given.place.clone()))
    }
}

/// `after(database, crate::queue::depth)`: the valid ones.
pub(crate) struct Checks(pub(crate) Vec<CheckPath>);

/// The path of a function that is a check.
pub(crate) struct CheckPath {
    /// The path before the name: empty, or a path that ends with `::`.
    pub(crate) parent: TokenStream,
    pub(crate) name: Ident,
    pub(crate) place: Place,
}

impl Value for Checks {
    fn read(given: &Given, diag: &Diag) -> Option<(Self, Place)> {
        let elements = given.list("check", diag)?.into_iter();
        let checks = elements.filter_map(|element| {
            let found = check_path(&element, &given.place);
            if found.is_none() {
                let mistake = no_check_path(given, &element);
                diag.report(&given.place.with(element), &mistake);
            }
            found
        });
        Some((Checks(checks.collect()), given.place.clone()))
    }
}

fn check_path(path: &TokenStream, option: &Place) -> Option<CheckPath> {
    let path = ungrouped(path.clone());
    syn::parse2::<syn::TypePath>(path.clone()).ok()?;
    let mut parent: Vec<TokenTree> = path.clone().into_iter().collect();
    // a path that ends with `>` does not name a function
    let Some(TokenTree::Ident(name)) = parent.pop() else {
        return None;
    };
    Some(CheckPath {
        parent: parent.into_iter().collect(),
        name,
        place: option.with(path),
    })
}

fn no_check_path(given: &Given, found: &TokenStream) -> Mistake {
    if let Ok(text) = syn::parse2::<syn::LitStr>(found.clone()) {
        let path = text.parse::<syn::Path>();
        let help = match path {
            Ok(path) => format!("write `{}({})`", given.key, pretty(&path.to_token_stream())),
            Err(_) => format!("write `{}`", given.example),
        };
        let what = format!("`{}` takes paths of functions, not names", given.key);
        return Mistake::new(what, help);
    }
    let what = format!(
        "`{}` takes paths of functions, not `{}`",
        given.key,
        pretty(found)
    );
    Mistake::new(what, format!("write `{}`", given.example))
}
