//! What the framework costs before a service answers: in a clean build of an
//! axum application, in `cargo check` of 1,000 annotated functions, in a build
//! after one of them was edited, and at the start of the program.
//!
//! `cargo run --release -p benches --bin compile [-- --quick] [-- --json]`

use std::error::Error;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use benches::generated::{self, Built, Package, application, functions};
use benches::report::{self, Figure, Spread};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FUNCTIONS: u32 = 1_000;
const IN_ONE_MODULE: [u32; 2] = [1, FUNCTIONS];
const IN_MODULES: [u32; 2] = [20, FUNCTIONS / 20];
/// The budget of 3.5 s was set where the application alone took 23 s, so on a
/// slower machine the share tells more.
const BUDGETED_SHARE: f64 = 0.15;
const CHECK: &str = "#[health_check]";
const ORDERED: &str = "#[health_check(after(first))]";

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (builds, rounds, starts) = if quick { (2, 2, 50) } else { (3, 5, 300) };
    let mut figures = clean_builds(builds)?;
    figures.extend(per_function(rounds)?);
    figures.extend(edits(IN_ONE_MODULE, "one module", rounds)?);
    figures.extend(edits(IN_MODULES, "20 modules", rounds)?);
    figures.extend(start_up(starts)?);
    report::print("compile", &figures);
    Ok(())
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A whole application, without and with health in turn.
fn clean_builds(rounds: u32) -> Result<Vec<Figure>> {
    const AXUM: &str = "axum = \"0.8\"\nserde = { version = \"1\", features = [\"derive\"] }\n\
        tokio = { version = \"1\", features = [\"macros\", \"net\", \"rt-multi-thread\", \"signal\"] }\n\
        tracing = \"0.1\"\n";
    let health = AXUM.to_owned() + &generated::dependency("health-axum")?;
    let package = Package::new("application", &health)?;
    // What Cargo fetches does not count.
    package.write("src/main.rs", &application(true))?;
    package.cargo(&["fetch"])?;
    let build = |dependencies: &str, with_health: bool| -> Result<Built> {
        package.depends_on(dependencies)?;
        package.write("src/main.rs", &application(with_health))?;
        if package.target().exists() {
            fs::remove_dir_all(package.target())?;
        }
        package.cargo(&["build", "--offline"])
    };
    let mut pairs = Vec::new();
    for round in 1..=rounds {
        eprintln!("clean builds, round {round}");
        pairs.push((build(AXUM, false)?, build(&health, true)?));
    }
    let alone = Spread::of(pairs.iter().map(|(alone, _)| seconds(alone.cpu)));
    let added = |(alone, with): &(Built, Built)| seconds(with.cpu.saturating_sub(alone.cpu));
    let share = |pair: &(Built, Built)| added(pair) / seconds(pair.0.cpu);
    let crates = pairs.first().map_or((0, 0), |(alone, with)| {
        (alone.crates(), with.crates() - alone.crates())
    });
    Ok(vec![
        Figure::new(
            format!(
                "clean debug build of an axum application with JSON, {} crates: CPU",
                crates.0
            ),
            alone,
            "s",
        ),
        Figure::new(
            format!(
                "what `health-axum` and one check add, {} crates: CPU",
                crates.1
            ),
            Spread::of(pairs.iter().map(added)),
            "s",
        )
        .budget(3.5),
        Figure::new(
            "the same over the application alone",
            Spread::of(pairs.iter().map(share)),
            "",
        )
        .budget(BUDGETED_SHARE),
    ])
}

fn generate() -> Result<Package> {
    Package::new("generated", &generated::dependency("health-core")?)
}

/// `cargo check` of functions without and with the attribute, in turn.
fn per_function(rounds: u32) -> Result<Vec<Figure>> {
    let package = generate()?;
    let check = |source: &str| -> Result<f64> {
        package.write("src/main.rs", source)?;
        package.cargo(&["clean", "-p", "generated"])?;
        let built = package.cargo(&["check", "--offline"])?;
        Ok(milliseconds(built.cpu))
    };
    let [empty, plain, checks, ordered] = [
        functions([0, 0], "", 0),
        functions(IN_ONE_MODULE, "", 0),
        functions(IN_ONE_MODULE, CHECK, 0),
        functions(IN_ONE_MODULE, ORDERED, 0),
    ];
    // Once for the dependencies.
    check(&empty)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        eprintln!("`cargo check`, round {round}");
        let base = check(&empty)?;
        let each = |source| -> Result<f64> { Ok((check(source)? - base) / f64::from(FUNCTIONS)) };
        measured.push([each(&plain)?, each(&checks)?, each(&ordered)?]);
    }
    let what = |what| format!("`cargo check`, CPU of each of {FUNCTIONS} functions: {what}");
    let added = |to: usize| Spread::of(measured.iter().map(|each| each[to] - each[0]));
    let plain = Spread::of(measured.iter().map(|[plain, ..]| *plain));
    Ok(vec![
        Figure::new(what("without the attribute"), plain, "ms"),
        Figure::new(what("what the attribute adds"), added(1), "ms").budget(4.0),
        Figure::new(what("what it adds with `after`"), added(2), "ms").budget(4.0),
    ])
}

/// A build after one of the functions was edited.
fn edits(spread: [u32; 2], place: &str, rounds: u32) -> Result<Vec<Figure>> {
    let package = generate()?;
    let build = |edit: u32| -> Result<Built> {
        package.write("src/main.rs", &functions(spread, CHECK, edit))?;
        package.cargo(&["build", "--offline"])
    };
    build(0)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        eprintln!("`cargo build` after an edit, {place}, round {round}");
        measured.push(build(round)?);
    }
    let what = |what| {
        format!(
            "debug build after an edit of one of {FUNCTIONS} annotated functions in {place}: {what}"
        )
    };
    let wall = Spread::of(measured.iter().map(|built| seconds(built.wall)));
    let cpu = Spread::of(measured.iter().map(|built| seconds(built.cpu)));
    Ok(vec![
        Figure::new(what("time"), wall, "s").budget(3.0),
        Figure::new(what("CPU"), cpu, "s"),
    ])
}

/// A program that lists its checks and ends, with one and with 1,001 in turn.
fn start_up(rounds: u32) -> Result<Vec<Figure>> {
    let package = generate()?;
    fs::create_dir_all(package.target())?;
    let program = |name: &str, spread: [u32; 2]| -> Result<_> {
        package.write("src/main.rs", &functions(spread, CHECK, 0))?;
        package.cargo(&["build", "--release", "--offline"])?;
        let program = package.target().join(name);
        fs::copy(package.target().join("release/generated"), &program)?;
        Ok(program)
    };
    let [few, many] = [program("few", [0, 0])?, program("many", IN_MODULES)?];
    let run = |program| -> Result<f64> {
        let start = Instant::now();
        let status = Command::new(program).stdout(Stdio::null()).status()?;
        let took = start.elapsed();
        status
            .success()
            .then_some(milliseconds(took))
            .ok_or_else(|| status.to_string().into())
    };
    eprintln!("{rounds} starts");
    let mut added = Vec::new();
    for _ in 0..rounds {
        let few = run(&few)?;
        added.push(run(&many)? - few);
    }
    let what = format!("start of a program that lists its checks: what {FUNCTIONS} add");
    Ok(vec![Figure::new(what, Spread::of(added), "ms").budget(1.0)])
}
