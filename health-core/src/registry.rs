//! From declarations to checks that can run, or to everything that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{CheckDef, Work};
use crate::name;
use crate::options::{CheckOptions, Plan};
use crate::problem::{Place, Problem};
use crate::state::{Context, Sources};

/// A check that is ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: Arc<str>,
    pub(crate) plan: Plan,
    pub(crate) work: Work,
}

/// A check that was added to the builder.
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) name: String,
    pub(crate) options: CheckOptions,
    pub(crate) place: Place,
    pub(crate) work: Work,
}

/// Every check with `#[health_check]` that is linked into this program.
pub(crate) fn declared() -> impl Iterator<Item = &'static CheckDef> {
    inventory::iter::<CheckDef>.into_iter()
}

/// Brings all checks together, sorted by name.
pub(crate) fn assemble(
    declared: impl IntoIterator<Item = &'static CheckDef>,
    added: &[Added],
    context: &Context,
    expected: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<Check> {
    let declared = without_copies(declared, context.sources());
    let mut candidates = Vec::with_capacity(declared.len() + added.len());
    for def in declared {
        missing_parameters(def, context.sources(), problems);
        candidates.push(Candidate {
            name: def.name.into(),
            options: &def.options,
            place: Place::declared(def.origin),
            work: Work::declared(def.run, context),
        });
    }
    for check in added {
        bad_name(&check.name, problems);
        candidates.push(Candidate {
            name: check.name.as_str().into(),
            options: &check.options,
            place: check.place,
            work: check.work.clone(),
        });
    }
    candidates.sort_by(|a, b| a.name.cmp(&b.name));

    duplicate_names(&candidates, problems);
    missing_names(&candidates, expected, problems);
    candidates
        .into_iter()
        .filter_map(|candidate| candidate.into_check(problems))
        .collect()
}

/// A check whose options nobody has looked at yet.
struct Candidate<'a> {
    name: Arc<str>,
    options: &'a CheckOptions,
    place: Place,
    work: Work,
}

impl Candidate<'_> {
    fn into_check(self, problems: &mut Vec<Problem>) -> Option<Check> {
        match self.options.resolve() {
            Ok(plan) => Some(Check {
                name: self.name,
                plan,
                work: self.work,
            }),
            Err(broken) => {
                problems.extend(broken.into_iter().map(|rule| Problem::BadOptions {
                    check: self.name.to_string(),
                    place: self.place,
                    what: rule.what,
                    help: rule.help,
                }));
                None
            }
        }
    }
}

/// The same code can be linked twice (a cycle of dev-dependencies does it).
/// That is one check; the copy whose parameters can be served is kept, since
/// the two copies ask for different types.
fn without_copies(
    declared: impl IntoIterator<Item = &'static CheckDef>,
    sources: &Sources,
) -> Vec<&'static CheckDef> {
    let mut kept: Vec<&'static CheckDef> = Vec::new();
    for def in declared {
        let twin = kept
            .iter_mut()
            .find(|twin| twin.name == def.name && twin.origin == def.origin);
        match twin {
            None => kept.push(def),
            Some(twin) if !is_served(twin, sources) => *twin = def,
            Some(_) => {}
        }
    }
    kept
}

fn is_served(def: &CheckDef, sources: &Sources) -> bool {
    def.needs.iter().all(|need| sources.has(need))
}

fn missing_parameters(def: &CheckDef, sources: &Sources, problems: &mut Vec<Problem>) {
    for need in def.needs.iter().filter(|need| !sources.has(need)) {
        problems.push(Problem::MissingParameter {
            check: def.name.to_owned(),
            place: Place::declared(def.origin),
            parameter: need.name,
            type_name: (need.type_name)(),
            state: sources.state_name(),
        });
    }
}

fn bad_name(name: &str, problems: &mut Vec<Problem>) {
    if let Some((what, help)) = name::broken_rule(name) {
        let name = name.to_owned();
        problems.push(Problem::BadName { name, what, help });
    }
}

fn duplicate_names(candidates: &[Candidate<'_>], problems: &mut Vec<Problem>) {
    let mut by_name: BTreeMap<String, Vec<&Candidate<'_>>> = BTreeMap::new();
    for candidate in candidates {
        let namesakes = by_name.entry(name::folded(&candidate.name)).or_default();
        namesakes.push(candidate);
    }
    for namesakes in by_name.into_values().filter(|checks| checks.len() > 1) {
        problems.push(Problem::DuplicateName {
            name: namesakes[0].name.to_string(),
            places: namesakes.iter().map(|check| check.place).collect(),
        });
    }
}

fn missing_names(candidates: &[Candidate<'_>], expected: &[String], problems: &mut Vec<Problem>) {
    for name in expected {
        if candidates.iter().any(|check| *check.name == **name) {
            continue;
        }
        let names = candidates.iter().map(|check| &*check.name);
        problems.push(Problem::Expected {
            name: name.clone(),
            similar: name::similar(name, names).map(str::to_owned),
        });
    }
}
