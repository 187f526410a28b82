//! The OpenAPI document of the service, as schemathesis reads it: every
//! operation answers what the document promises, whatever is asked.

use std::path::Path;
use std::process::Command;

use super::{Server, Service};

/// The paths that the public port has too.
const PUBLIC: &str = "^/(livez|readyz|startupz|health)$";

#[test]
#[ignore = "needs schemathesis; scripts/test.sh runs it"]
fn schemathesis_finds_nothing_on_either_port() {
    for service in [Service::Axum, Service::Actix] {
        let server = Server::start(service, &[("DATABASE_URL", "sqlite::memory:")]);
        // Not before: 503 is no answer of a healthy service.
        server.wait_for("/readyz", 200);
        assert_clean(&server, &server.internal, &[]);
        assert_clean(&server, &server.url, &["--include-path-regex", PUBLIC]);
    }
}

/// The seed is fixed, so that the requests are the same in every run.
/// CONTRIBUTING.md shows how to look for longer.
fn assert_clean(server: &Server, url: &str, more: &[&str]) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openapi/.venv/bin/st");
    let document = format!("{}/health/openapi.json", server.internal);
    let output = Command::new(program)
        .current_dir(server.directory())
        .args(["run", &document, "--url", url])
        .args([
            "--checks",
            "all",
            "--phases",
            "examples,coverage,fuzzing,stateful",
        ])
        .args([
            "--seed",
            "1",
            "--max-examples",
            "3",
            "--generation-database",
            "none",
        ])
        // A busy machine makes requests slow, which is no failure.
        .args(["--suppress-health-check", "all", "--no-color"])
        .args(more)
        .output()
        .expect("schemathesis is installed: scripts/test.sh does it");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{service}\n{said}",
        service = server.url
    );
}
