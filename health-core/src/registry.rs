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
    /// The checks that come first, by their place among all checks.
    pub(crate) after: Box<[usize]>,
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
    let after = order(&candidates, problems);
    circles(&candidates, &after, problems);
    candidates
        .into_iter()
        .zip(after)
        .filter_map(|(candidate, after)| candidate.into_check(after, problems))
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
    fn into_check(self, after: Box<[usize]>, problems: &mut Vec<Problem>) -> Option<Check> {
        match self.options.resolve() {
            Ok(plan) => Some(Check {
                name: self.name,
                plan,
                after,
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

/// For each check, the places of those that come first.
fn order(candidates: &[Candidate<'_>], problems: &mut Vec<Problem>) -> Vec<Box<[usize]>> {
    let names = || candidates.iter().map(|check| &*check.name);
    let mut find = |check: &Candidate<'_>, first: &str| {
        let found = names().position(|name| name == first);
        if found.is_none() {
            problems.push(Problem::UnknownPrerequisite {
                check: check.name.to_string(),
                place: check.place,
                name: first.to_owned(),
                similar: name::similar(first, names()).map(str::to_owned),
            });
        }
        found
    };
    let after = candidates.iter().map(|check| {
        let names = check.options.prerequisites().iter();
        names.filter_map(|first| find(check, first)).collect()
    });
    after.collect()
}

/// Checks that wait for each other would wait for ever. Each circle is named
/// once, from the member that comes first by name.
fn circles(candidates: &[Candidate<'_>], after: &[Box<[usize]>], problems: &mut Vec<Problem>) {
    for start in 0..candidates.len() {
        let mut seen = vec![false; candidates.len()];
        let mut path = vec![start];
        if way_back(start, &mut path, &mut seen, after) {
            let members = path.iter().map(|&index| candidates[index].name.to_string());
            problems.push(Problem::Circle {
                members: members.collect(),
                place: candidates[start].place,
            });
        }
    }
}

/// Whether the checks that the last of `path` waits for lead back to `start`
/// through checks that come later by name.
fn way_back(
    start: usize,
    path: &mut Vec<usize>,
    seen: &mut [bool],
    after: &[Box<[usize]>],
) -> bool {
    let last = path[path.len() - 1];
    for &next in &after[last] {
        if next == start {
            return true;
        }
        if next > start && !std::mem::replace(&mut seen[next], true) {
            path.push(next);
            if way_back(start, path, seen, after) {
                return true;
            }
            path.pop();
        }
    }
    false
}
