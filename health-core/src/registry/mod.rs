//! Validates declarations and turns them into checks that can run.

#[cfg(feature = "settings")]
mod apply_settings;
pub(crate) mod details;
pub(crate) mod error;
pub(crate) mod network;
pub(crate) mod page;
#[cfg(feature = "settings")]
pub(crate) mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::function::ResultSource;
use crate::check::options::{CheckOptions, Plan};
use crate::check::parameters::{Context, Need, ProvidedValues};
use crate::check::rules::Mistake;
use crate::check::{CheckDef, rules};
use crate::registry::error::{Problem, SourceLocation, did_you_mean};
#[cfg(feature = "settings")]
use crate::registry::settings::Settings;

/// A check that is ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) name: Arc<str>,
    pub(crate) plan: Arc<Plan>,
    /// The prerequisites, by their index among all checks.
    pub(crate) after: Box<[usize]>,
    pub(crate) source: ResultSource,
}

/// A check that was added to the builder.
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) name: String,
    pub(crate) options: CheckOptions,
    pub(crate) location: SourceLocation,
    pub(crate) source: ResultSource,
    /// Whether the framework added the check, which allows a reserved name.
    pub(crate) is_ours: bool,
}

/// Returns every check with `#[health_check]` that is linked into this program.
pub(crate) fn declared() -> impl Iterator<Item = &'static CheckDef> {
    inventory::iter::<CheckDef>.into_iter()
}

/// The inputs from which the list of checks is built.
pub(crate) struct Registry<'a> {
    pub(crate) declared: Vec<&'static CheckDef>,
    pub(crate) added: &'a [Added],
    pub(crate) context: &'a Context,
    #[cfg(feature = "settings")]
    pub(crate) settings: &'a Settings,
    pub(crate) required: &'a [String],
    /// The tags that have a group page.
    pub(crate) groups: &'a [&'a str],
}

impl Registry<'_> {
    /// Returns the checks that run, sorted by name. Problems are added to
    /// `problems`.
    pub(crate) fn checks(&self, problems: &mut Vec<Problem>) -> Vec<Check> {
        let candidates = self.candidates(problems);
        duplicate_names(&candidates, problems);
        missing_names(&candidates, self.required, problems);
        empty_groups(&candidates, self.groups, problems);
        let names: Vec<Arc<str>> = candidates
            .iter()
            .map(|check| Arc::clone(&check.name))
            .collect();
        #[cfg(feature = "settings")]
        self.settings.check_names(&names, problems);

        let candidates = self.apply_settings(candidates, problems);
        for check in &candidates {
            check.missing_parameters(self.context.provided(), problems);
        }
        let after = order(&candidates, &names, problems);
        report_cycles(&candidates, &after, problems);
        let mut checks = Vec::with_capacity(candidates.len());
        for (candidate, after) in candidates.into_iter().zip(after) {
            checks.extend(candidate.into_check(after, problems));
        }
        checks
    }

    /// Returns the checks whose dependency is configured.
    #[cfg(not(feature = "settings"))]
    #[expect(clippy::unused_self, reason = "same signature")]
    fn apply_settings(&self, mut candidates: Vec<Candidate>, _: &mut [Problem]) -> Vec<Candidate> {
        candidates.retain(|check| check.is_configured);
        candidates
    }

    fn candidates(&self, problems: &mut Vec<Problem>) -> Vec<Candidate> {
        let provided = self.context.provided();
        let mut candidates = Vec::new();
        for def in without_copies(&self.declared, provided) {
            candidates.push(Candidate {
                name: def.name.into(),
                options: (def.options)(),
                needs: def.needs,
                changed: false,
                is_configured: !is_served(def, provided) || def.is_configured(self.context),
                location: SourceLocation::declared(def.origin),
                source: ResultSource::Runs(def.run.check_fn(self.context)),
            });
        }
        for check in self.added {
            if !check.is_ours {
                report_invalid_name(&check.name, problems);
            }
            candidates.push(Candidate {
                name: check.name.as_str().into(),
                options: check.options.clone(),
                needs: &[],
                changed: false,
                is_configured: true,
                location: check.location,
                source: check.source.clone(),
            });
        }
        candidates.sort_by(|a, b| a.name.cmp(&b.name));
        candidates
    }
}

/// A check whose options are not validated yet.
struct Candidate {
    name: Arc<str>,
    options: CheckOptions,
    needs: &'static [Need],
    /// Whether the settings changed its options.
    changed: bool,
    /// Whether its dependency exists; see [`CheckDef::is_configured`].
    is_configured: bool,
    location: SourceLocation,
    source: ResultSource,
}

impl Candidate {
    fn has_tag(&self, tag: &str) -> bool {
        self.options.tags.iter().any(|own| own == tag)
    }

    fn missing_parameters(&self, provided: &ProvidedValues, problems: &mut Vec<Problem>) {
        for need in self.needs.iter().filter(|need| !provided.has(need)) {
            problems.push(Problem::MissingParameter {
                check: self.name.to_string(),
                location: self.location,
                parameter: need.name,
                type_name: (need.type_name)(),
                state: provided.state_name(),
            });
        }
    }

    fn resolve(&self) -> Result<Plan, Vec<Mistake>> {
        match &self.source {
            ResultSource::Runs(_) => self.options.resolve(),
            ResultSource::Reports(source) => self.options.resolve_reported(source.broken_rule()),
        }
    }

    fn into_check(self, after: Box<[usize]>, problems: &mut Vec<Problem>) -> Option<Check> {
        let resolved = self.resolve();
        let by_settings = if self.changed {
            "with its settings, "
        } else {
            ""
        };
        match resolved {
            Ok(plan) => Some(Check {
                name: self.name,
                plan: Arc::new(plan),
                after,
                source: self.source,
            }),
            Err(broken) => {
                problems.extend(broken.into_iter().map(|rule| Problem::InvalidOptions {
                    check: self.name.to_string(),
                    location: self.location,
                    what: format!("{by_settings}{}", rule.what),
                    help: rule.help,
                }));
                None
            }
        }
    }
}

/// The same code can be linked twice, for example by a cycle of
/// dev-dependencies. Both copies are the same check. The copy whose parameters
/// are provided is kept, since the copies ask for different types.
fn without_copies(
    declared: &[&'static CheckDef],
    provided: &ProvidedValues,
) -> Vec<&'static CheckDef> {
    let mut kept: Vec<&'static CheckDef> = Vec::new();
    for &def in declared {
        let twin = kept
            .iter_mut()
            .find(|twin| twin.name == def.name && twin.origin == def.origin);
        match twin {
            None => kept.push(def),
            Some(twin) if !is_served(twin, provided) => *twin = def,
            Some(_) => {}
        }
    }
    kept
}

fn is_served(def: &CheckDef, provided: &ProvidedValues) -> bool {
    def.needs.iter().all(|need| provided.has(need))
}

fn report_invalid_name(name: &str, problems: &mut Vec<Problem>) {
    if let Err(Mistake { what, help }) = check_name(name) {
        let name = name.to_owned();
        problems.push(Problem::InvalidName { name, what, help });
    }
}

/// Applies the attribute's rules to a name that is created at run time. Names are
/// path segments, metric labels and JSON keys.
fn check_name(name: &str) -> Result<(), Mistake> {
    rules::check_shape("name", name, "write for example `\"db\"`")?;
    match rules::reserved_for(name) {
        None => Ok(()),
        Some(purpose) => Err(Mistake::new(
            format!("the framework uses this name for {purpose}"),
            format!("write for example `\"{name}-check\"`"),
        )),
    }
}

fn duplicate_names(candidates: &[Candidate], problems: &mut Vec<Problem>) {
    let mut by_name: BTreeMap<String, Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        let namesakes = by_name.entry(rules::folded(&candidate.name)).or_default();
        namesakes.push(candidate);
    }
    for namesakes in by_name.into_values().filter(|checks| checks.len() > 1) {
        problems.push(Problem::DuplicateName {
            name: namesakes[0].name.to_string(),
            locations: namesakes.iter().map(|check| check.location).collect(),
        });
    }
}

fn missing_names(candidates: &[Candidate], required: &[String], problems: &mut Vec<Problem>) {
    for name in required {
        if candidates.iter().any(|check| *check.name == **name) {
            continue;
        }
        let names = candidates.iter().map(|check| &*check.name);
        problems.push(Problem::MissingCheck {
            name: name.clone(),
            similar: rules::nearest(name, names).map(str::to_owned),
        });
    }
}

/// Reports groups without any declared check. [`Registry::disabled_groups`]
/// reports those that the settings empty.
fn empty_groups(candidates: &[Candidate], groups: &[&str], problems: &mut Vec<Problem>) {
    for &group in groups {
        if candidates.iter().any(|check| check.has_tag(group)) {
            continue;
        }
        let tags = candidates.iter().flat_map(|check| &check.options.tags);
        let similar = rules::nearest(group, tags.map(|tag| &**tag));
        let group = group.escape_debug();
        problems.push(Problem::setting(
            format!("no check has the tag of the group `{group}`"),
            did_you_mean(similar, || {
                format!("write `tags(\"{group}\")` on its checks")
            }),
        ));
    }
}

/// Returns the indices of the prerequisites of each check. A disabled check is
/// no prerequisite.
fn order(
    candidates: &[Candidate],
    names: &[Arc<str>],
    problems: &mut Vec<Problem>,
) -> Vec<Box<[usize]>> {
    let place_of = |first: &str| candidates.iter().position(|check| *check.name == *first);
    let mut after = Vec::with_capacity(candidates.len());
    for check in candidates {
        let prerequisites = &check.options.after;
        for first in prerequisites {
            let known = names.iter().map(|name| &**name);
            if !known.clone().any(|name| name == *first) {
                problems.push(Problem::UnknownPrerequisite {
                    check: check.name.to_string(),
                    location: check.location,
                    name: first.to_string(),
                    similar: rules::nearest(first, known).map(str::to_owned),
                });
            }
        }
        after.push(
            prerequisites
                .iter()
                .filter_map(|first| place_of(first))
                .collect(),
        );
    }
    after
}

/// Reports checks that depend on each other in a cycle. Each cycle is reported
/// once, starting with the member whose name sorts first.
fn report_cycles(candidates: &[Candidate], after: &[Box<[usize]>], problems: &mut Vec<Problem>) {
    let waiting = (0..candidates.len()).filter(|&start| !after[start].is_empty());
    for start in waiting {
        let mut seen = vec![false; candidates.len()];
        let mut path = vec![start];
        if find_cycle(start, &mut path, &mut seen, after) {
            let members = path.iter().map(|&index| candidates[index].name.to_string());
            problems.push(Problem::DependencyCycle {
                members: members.collect(),
                location: candidates[start].location,
            });
        }
    }
}

/// Returns whether the prerequisites of the last check of `path` lead to
/// `start` through checks whose names sort after it.
fn find_cycle(
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
            if find_cycle(start, path, seen, after) {
                return true;
            }
            path.pop();
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_names_of_the_framework_are_reserved() {
        for name in ["shutdown", "startup", "runtime", "groups"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert_eq!(check_name("startup-db"), Ok(()));
    }
}
