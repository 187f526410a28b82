//! The documents agree with the code.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fixture_billing::Stripe;
use fixture_ledger as _;
use health_core::config::HttpOptions;
use health_core::config::LifecycleOptions;
use health_core::config::RuntimeOptions;
use health_core::config::ServiceInfo;
use health_core::config::Settings;
use health_core::http::Guard;
use health_core::notify::{PushMonitor, Webhook};
use health_core::{CheckOptions, Health, HealthBuilder, Probe, Status};

const README: &str = include_str!("../../README.md");
const PORTED: &str = include_str!("../../examples/ported/src/main.rs");
const QUICK_START: &str = include_str!("../../examples/quickstart/src/main.rs");

/// The code blocks of this language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let blocks = document.split(&*fence).skip(1);
    blocks
        .map(|block| block.split_once("```").expect("the end of the block").0)
        .collect()
}

#[test]
fn the_quick_start_is_a_compiled_program() {
    let (_title, program) = QUICK_START.split_once("\n\n").expect("a title");
    assert_eq!(blocks(README, "rust"), [program]);
}

#[test]
fn the_ported_handler_is_a_compiled_program() {
    let (_title, program) = PORTED.split_once("\n\n").expect("a title");
    let guide = read(&root().join("docs/comparison.md"));
    assert_eq!(blocks(&guide, "rust,no_run,standalone_crate"), [program]);
}

mod orders {
    use health_core::HealthState;

    #[derive(HealthState)]
    #[health(secondary)]
    pub(super) struct AppState {}
}

fn invalid_http() -> HttpOptions {
    let guard = Guard::new()
        .bearer("secret")
        .bearer_from_env("HEALTH_TOKEN")
        .addresses(["10.0.0", "::ffff:10.0.0.0/104"]);
    HttpOptions::new()
        .path("ready", Probe::Readiness)
        .path("/livez", Probe::Readiness)
        .status_code(Status::Fail, 200)
        .status_code(Status::Pass, 204)
        .guard(guard)
}

/// Builders that fail to start, the first two because of where `start` is called.
fn problems() -> Vec<String> {
    let refused = |builder: HealthBuilder| {
        let error = builder.start().expect_err("it is refused");
        let problems = error.problems().iter().map(ToString::to_string);
        problems.collect::<Vec<_>>()
    };
    let mut problems = refused(Health::builder());
    let runtime = || tokio::runtime::Builder::new_current_thread();
    let without_timer = runtime().build().expect("a runtime can be built");
    {
        let _entered = without_timer.enter();
        problems.extend(refused(Health::builder()));
    }
    let runtime = runtime()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let _entered = runtime.enter();

    let options = CheckOptions::new;
    let check = || async {};
    let settings = |json| serde_json::from_str::<Settings>(json).expect("the text is valid JSON");
    let builders = vec![
        Health::builder().state(orders::AppState {}),
        Health::builder()
            .http(HttpOptions::new())
            .http(HttpOptions::new()),
        Health::builder()
            .require([Probe::Startup])
            .lifecycle(LifecycleOptions::new().drain_delay(Duration::from_hours(2)))
            .runtime(
                RuntimeOptions::new()
                    .watchdog(Duration::from_millis(100))
                    .history(2_000),
            )
            .http(invalid_http()),
        with_unsendable_webhook(),
        with_unsendable_push(),
        Health::builder()
            .check("database", options(), check)
            .require(["databse", "ledger"]),
        Health::builder()
            .check("live", options(), check)
            .http(HttpOptions::new().common_paths()),
        Health::builder().check("My DB", options(), check).check(
            "queue",
            options().timeout(Duration::ZERO),
            check,
        ),
        Health::builder().check("database", options(), check).check(
            "queue",
            options().after(["databse"]),
            check,
        ),
        Health::builder()
            .check("cache", options().after(["queue"]), check)
            .check("queue", options().after(["cache"]), check),
        Health::builder()
            .check("database", options(), check)
            .settings(settings(
                r#"{"databse": {}, "database": {"timeout": "soon", "intervall": "1s"}}"#,
            )),
        Health::builder()
            .check("database", options(), check)
            .settings(settings(
                r#"{"database": {"timeout": "2s", "interval": "1s"}}"#,
            )),
        Health::builder()
            .check("database", options().tags(["storage"]), check)
            .http(
                HttpOptions::new()
                    .group("storge")
                    .group("eu")
                    .base_path("internal"),
            )
            .service_info(ServiceInfo::new().note("").link("about", "our wiki")),
        Health::builder()
            .check("disk", options().tags(["storage"]), check)
            .http(HttpOptions::new().group("storage"))
            .lifecycle(LifecycleOptions::new().startup_patience(Duration::ZERO))
            .settings(settings(
                r#"{"drain_dely": "8s", "details": "full", "disk": {"enabled": false}}"#,
            ))
            .settings(Settings::from_vars([("HEALTH_CHECK_DISK", "off")])),
        // Without the checks of the libraries no check counts for readiness.
        Health::builder()
            .settings(settings(
                r#"{"db": {"enabled": false}, "stripe": {"enabled": false}}"#,
            ))
            .provide(Stripe { answers: true })
            .require([Probe::Readiness]),
    ];
    problems.extend(builders.into_iter().flat_map(refused));
    // Of a library that is not linked; here it is.
    let vanished = problems
        .iter()
        .find(|text| text.starts_with("required check `ledger`"));
    let vanished = vanished
        .expect("one of the starts requires it")
        .replace("ledger", "stripe");
    problems.push(vanished);
    problems
}

fn with_unsendable_webhook() -> HealthBuilder {
    Health::builder().notify(
        Webhook::new("ftp://alerts.example")
            .header("my header", "orders")
            .header("x-service", "orders\n")
            .timeout(Duration::from_secs(90))
            .min_interval(Duration::from_hours(48))
            .backoff(Duration::from_secs(30))
            .max_batch(0)
            .sign_with("hunter2\n"),
    )
}

fn with_unsendable_push() -> HealthBuilder {
    Health::builder()
        .notify(
            Webhook::new("https://alerts.example/health")
                .max_backoff(Duration::from_hours(2))
                .sign_with_env("HEALTH_WEBHOOK_SECRET"),
        )
        .notify(
            PushMonitor::new("hc-ping.com/3f1c9a52")
                .period(Duration::from_millis(500))
                .method("DELETE"),
        )
}

/// Every compiler message that is recorded in `ui/`.
fn recorded_errors() -> Vec<String> {
    let mut errors = Vec::new();
    let entries = list(&root().join("tests/ui"));
    for kind in entries.iter().filter(|entry| entry.is_dir()) {
        for file in list(kind) {
            if file.extension().is_some_and(|ending| ending == "stderr") {
                let text = format!("\n{}", read(&file));
                let parts = text.split("\nerror").skip(1);
                errors.extend(parts.map(|error| format!("error{error}")));
            }
        }
    }
    errors
}

/// The lines without the parts that differ between programs: the locations of the
/// checks, and the names of the fixtures.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("fixture-", "").replace("fixture_", "");
    let text = text.replace("docs::orders", "orders");
    text.lines()
        .map(|line| {
            let mut words: Vec<&str> = Vec::new();
            for word in line.split_whitespace() {
                if !word.contains(".rs:") {
                    words.push(word);
                } else if words.last() == Some(&"at") {
                    // `name 1.2.3 at file.rs:4`
                    words.truncate(words.len() - 3);
                }
            }
            words.join(" ")
        })
        .collect()
}

#[test]
fn quoted_errors_match_the_code() {
    let said: Vec<Vec<String>> = problems()
        .into_iter()
        .chain(recorded_errors())
        .map(|text| lines(&text))
        .collect();
    let mut quotes = 0;
    for guide in ["errors.md", "testing.md"] {
        let guide = read(&root().join("docs").join(guide));
        for quote in blocks(&guide, "text") {
            let wanted = lines(quote);
            let is_said = |said: &&Vec<String>| wanted.iter().all(|line| said.contains(line));
            assert!(
                said.iter().any(|text| is_said(&text)),
                "nothing says\n{quote}"
            );
            quotes += 1;
        }
    }
    assert!(quotes > 20, "{quotes}");
}

#[test]
fn every_start_problem_has_a_remedy_in_the_guide() {
    let guide = read(&root().join("docs/errors.md"));
    // The name of a check may differ.
    let kind = |text: &str| {
        let mut lines = lines(text);
        lines[0] = lines[0].replace("required check `stripe`", "required check `ledger`");
        lines
    };
    let quoted: Vec<_> = blocks(&guide, "text").into_iter().map(kind).collect();
    for problem in problems() {
        assert!(quoted.contains(&kind(&problem)), "{problem}");
    }
}

/// The beginnings of the lines; the rest is the help.
#[test]
fn every_log_event_is_in_the_guide_to_logging() {
    let guide = read(&root().join("docs/logging.md"));
    let sources = [
        "telemetry/log/direct.rs",
        "telemetry/log/write.rs",
        "telemetry/log/thread.rs",
        "telemetry/log/delivery.rs",
    ];
    let sources = sources.map(|file| read(&root().join("health-core/src").join(file)));
    let source = sources.concat();
    let literals = source.split('"').skip(1).step_by(2);
    let messages = literals.filter(|text| text.split(' ').count() > 2 && !text.contains('{'));
    let mut events = 0;
    for message in messages {
        let beginning = message.split([';', ',', ':']).next().unwrap_or_default();
        assert!(guide.contains(&format!("| `{beginning}")), "{message}");
        events += 1;
    }
    assert!(events > 15, "{events}");
}

/// The comparison is not a guide.
#[test]
fn the_table_of_contents_lists_each_guide_once() {
    const COMPARISON: &str = "docs/comparison.md";
    let (introduction, table) = README.split_once("\n## Guides\n").expect("the guides");
    let (table, _) = table.split_once("\n## ").expect("its end");
    assert_eq!(
        targets(introduction).filter(|&to| to == COMPARISON).count(),
        1
    );
    let mut named: Vec<&str> = targets(table).collect();
    named.sort_unstable();
    assert!(named.len() <= 12, "{named:?}");
    let mut guides: Vec<String> = guides()
        .iter()
        .map(|path| format!("docs/{}", path.file_name().expect("a name").display()))
        .filter(|path| path != COMPARISON)
        .collect();
    guides.sort_unstable();
    assert_eq!(named, guides);
}

#[test]
fn the_readme_is_short_and_starts_with_a_check() {
    let lines: Vec<&str> = README.lines().collect();
    assert!(lines.len() <= 120, "{}", lines.len());
    let check = lines
        .iter()
        .position(|line| line.starts_with("#[health_check"));
    assert!(check.is_some_and(|line| line < 30), "{check:?}");
}

/// rustdoc builds the other blocks as one program, which must not compile a check
/// of the same name twice nor register one for the other blocks. If it does not
/// compile, rustdoc builds each block by itself, which takes far longer.
#[test]
fn a_block_that_declares_a_check_is_a_crate_of_its_own() {
    for guide in guides() {
        let text = read(&guide);
        for language in ["rust", "rust,no_run", "rust,should_panic"] {
            for block in blocks(&text, language) {
                let declares = ["#[health_check", "HealthState)]", "extern crate "]
                    .iter()
                    .any(|declaration| block.contains(declaration));
                assert!(
                    !declares,
                    "{}: `{language},standalone_crate`:\n{block}",
                    guide.display()
                );
            }
        }
    }
}

/// The recipes are compiled and run in a separate workspace.
#[test]
fn the_recipes_in_the_guides_are_tested_code() {
    let recipes = ["poem", "salvo", "warp", "rocket", "lambda"];
    let recipes = recipes.map(|name| format!("recipes/src/{name}.rs"));
    assert_shown("frameworks.md", &recipes, without_description);
    let tests = ["axum_test", "actix_web", "sqlx", "wiremock"];
    let tests = tests.map(|name| format!("recipes/tests/testing/with_{name}.rs"));
    assert_shown("testing.md", &tests, |file| file);
}

/// The files are compiled in a separate workspace.
#[test]
fn the_code_before_a_migration_is_compiled_code() {
    let before = ["axum_health", "health_checks", "tonic_health"];
    let before = before.map(|name| format!("migration/src/with_{name}.rs"));
    assert_shown("comparison.md", &before, without_description);
}

/// The code blocks of the guide equal these files.
fn assert_shown(guide: &str, files: &[String], code: fn(&str) -> &str) {
    let guide = read(&root().join("docs").join(guide));
    let shown = blocks(&guide, "rs");
    assert_eq!(shown.len(), files.len());
    for (shown, name) in shown.iter().zip(files) {
        let file = read(&root().join("tests").join(name));
        assert_eq!(shown.trim_end(), code(&file).trim_end(), "{name}");
    }
}

/// The code without its doc comment.
fn without_description(file: &str) -> &str {
    let (_, code) = file.split_once("\n\n").expect("a line about it");
    code
}

/// A package with the oldest release of each row is tested in a separate workspace.
#[test]
fn the_versions_in_each_readme_match_the_packages() {
    for (readme, framework) in [("health-axum", "axum"), ("health-actix", "actix-web")] {
        let readme = read(&root().join(readme).join("README.md"));
        let (_, table) = readme
            .split_once(&format!("\n| {framework} | "))
            .expect("a table");
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        let oldest = rows.map(|row| row.split([' ', '|']).nth(2).expect("a version").to_owned());
        let oldest: Vec<String> = oldest.collect();
        assert!(oldest.len() >= 2, "{framework}: {oldest:?}");
        for version in oldest {
            let folder = root().join(format!("tests/versions/{framework}-{version}"));
            let manifest = read(&folder.join("Cargo.toml"));
            let pinned = format!("{framework} = {{ version = \"={version}.0\"");
            assert!(manifest.contains(&pinned), "{pinned}");
            let lock = read(&folder.join("Cargo.lock"));
            let locked = format!("name = \"{framework}\"\nversion = \"{version}.0\"");
            assert!(lock.contains(&locked), "{locked}");
        }
    }
}

/// The last column of the tables with a column `test`.
#[test]
fn the_threat_model_names_existing_tests() {
    let root = root();
    let folders = ["health-core/src", "health-core/tests", "tests/tests"];
    let mut sources: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut code = String::new();
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(list(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            code.push_str(&read(&path));
        }
    }
    let model = read(&root.join("SECURITY.md"));
    let mut named = 0;
    for table in model.split("| sentence | test |\n").skip(1) {
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        for row in rows.skip(1) {
            let tests = row.trim_end_matches(" |").rsplit(" | ").next();
            let tests = tests.into_iter().flat_map(|cell| cell.split('`'));
            let tests: Vec<&str> = tests.skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "no test: {row}");
            for test in tests {
                assert!(code.contains(&format!("fn {test}(")), "there is no {test}");
                named += 1;
            }
        }
    }
    assert!(named > 30, "{named}");
}

#[test]
fn relative_links_have_a_target() {
    let mut documents = guides();
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "examples/README.md",
        "benches/README.md",
        "health-core/tests/simulation/README.md",
    ] {
        documents.push(root().join(name));
    }
    let mut links = 0;
    for document in documents {
        let text = read(&document);
        for target in targets(&text) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => document.clone(),
                file => document.with_file_name("").join(file),
            };
            let shown = document.display();
            assert!(
                file.exists(),
                "{shown} links to {target}, which is not there"
            );
            if !heading.is_empty() {
                let anchors = anchors(&read(&file));
                let is_there = anchors.iter().any(|anchor| anchor == heading);
                assert!(is_there, "{shown} links to {target}; there are {anchors:?}");
            }
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
}

/// The files on the way of a timeout from the attribute to the answer.
#[test]
fn files_named_in_contributing_exist() {
    let guide = read(&root().join("CONTRIBUTING.md"));
    let (_, way) = guide.split_once("\n## From ").expect("the way");
    let (way, _) = way.split_once("\n## Rules").expect("its end");
    let quoted = way.split('`').skip(1).step_by(2);
    let mut files = 0;
    let is_source = |text: &&str| {
        Path::new(text)
            .extension()
            .is_some_and(|ending| ending == "rs")
    };
    for file in quoted.filter(is_source) {
        let folders = ["", "health-core/src", "health-macros/src"];
        let exists = folders
            .iter()
            .any(|folder| root().join(folder).join(file).exists());
        assert!(exists, "{file}");
        files += 1;
    }
    assert!(files > 20, "{files}");
}

/// The targets of links to files.
fn targets(document: &str) -> impl Iterator<Item = &str> {
    let parts = document.split("](").skip(1);
    let inline = parts.filter_map(|part| Some(part.split_once(')')?.0));
    let defined = definitions(document).map(|(_label, target)| target);
    let targets = inline.chain(defined);
    targets.filter(|target| !target.contains("://"))
}

/// The link definitions `[label]: target`.
fn definitions(document: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = document.lines().filter_map(|line| line.strip_prefix('['));
    lines.filter_map(|line| line.split_once("]: "))
}

/// The labels of the links `[text][label]` outside of code blocks.
fn labels(document: &str) -> impl Iterator<Item = &str> {
    let prose = document.split("```").step_by(2);
    let parts = prose.flat_map(|part| part.split("][").skip(1));
    parts.filter_map(|part| Some(part.split_once(']')?.0))
}

/// In the documentation of health-axum the same labels refer to its own pages.
#[test]
fn link_labels_of_the_guides_resolve_on_github_and_docs_rs() {
    let rustdoc = read(&root().join("health-axum/src/guide_links.md"));
    let pages = read(&root().join("health-axum/src/guides.rs"));
    let mut links = 0;
    for path in guides() {
        let guide = read(&path);
        for label in labels(&guide) {
            let leads = |document: &str| definitions(document).any(|(known, _)| known == label);
            let shown = path.display();
            assert!(leads(&guide), "{shown} does not define {label}");
            let is_absolute =
                definitions(&guide).any(|(known, to)| known == label && to.contains("://"));
            assert!(
                is_absolute || leads(&rustdoc),
                "guide_links.md does not define {label}"
            );
            links += 1;
        }
        let name = path.file_name().expect("a name").display().to_string();
        assert!(pages.contains(&format!("\"../docs/{name}\"")), "{name}");
    }
    assert!(links > 50, "{links}");
}

/// The headings as URL fragments.
fn anchors(document: &str) -> Vec<String> {
    let headings = document.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let is_kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        text.chars()
            .filter(is_kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    headings.map(anchor).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `docs/` also has a directory of pictures.
fn guides() -> Vec<PathBuf> {
    let mut guides = list(&root().join("docs"));
    guides.retain(|path| path.is_file());
    guides
}

fn list(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
