//! The adapters forward the features of the core, so that each can be disabled.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// The metadata of the workspace, without other crates.
fn packages() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let mut metadata: Value =
        serde_json::from_slice(&output.stdout).expect("the text is valid JSON");
    let packages = metadata["packages"].take();
    serde_json::from_value(packages).expect("packages")
}

fn named<'a>(packages: &'a [Value], name: &str) -> &'a Value {
    let found = packages.iter().find(|package| package["name"] == name);
    found.expect("a member of the workspace")
}

#[test]
fn each_feature_of_the_core_can_be_turned_off_through_an_adapter() {
    let packages = packages();
    let core = named(&packages, "health-core")["features"].as_object();
    let core = core.expect("features");
    let usual = core["default"].as_array().expect("names");
    let adapters = [
        ("health-axum", serde_json::json!([])),
        ("health-actix", serde_json::json!([])),
        ("health-tonic", serde_json::json!(["watch"])),
    ];
    for (adapter, needed) in adapters {
        let package = named(&packages, adapter);
        let dependencies = package["dependencies"].as_array().expect("a list");
        let on_core = dependencies
            .iter()
            .find(|dependency| dependency["name"] == "health-core");
        let on_core = on_core.expect("it depends on the core");
        assert_eq!(on_core["uses_default_features"], false, "{adapter}");
        assert_eq!(on_core["features"], needed, "{adapter}");

        let features = &package["features"];
        for feature in core.keys().filter(|name| *name != "default") {
            let forwarded = features[feature].as_array();
            let forwarded = forwarded.unwrap_or_else(|| panic!("{adapter} has no `{feature}`"));
            let target = format!("health-core/{feature}");
            assert!(forwarded.contains(&target.into()), "{adapter}: {feature}");
        }
        let default = features["default"].as_array().expect("names");
        for feature in usual {
            assert!(default.contains(feature), "{adapter}: {feature}");
        }
    }
}

/// A name with an underscore is a feature for the tests alone.
#[test]
fn docs_rs_shows_each_public_feature_of_the_indicators() {
    let packages = packages();
    let package = named(&packages, "health-indicators");
    let features = package["features"].as_object().expect("features");
    let is_public = |name: &&String| *name != "default" && !name.starts_with('_');
    let public: BTreeSet<&str> = features
        .keys()
        .filter(is_public)
        .map(String::as_str)
        .collect();
    assert!(public.contains("machine"), "{public:?}");

    let docs_rs = &package["metadata"]["docs"]["rs"];
    assert_eq!(docs_rs["all-features"], Value::Null);
    let shown = docs_rs["features"].as_array().expect("a list");
    let shown: BTreeSet<&str> = shown.iter().filter_map(Value::as_str).collect();
    assert_eq!(shown, public);
}

#[test]
fn each_published_package_has_the_license_texts() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| {
        std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    let packages = packages();
    // `publish = false` is an empty list of registries.
    let published = packages
        .iter()
        .filter(|package| package["publish"].is_null());
    let mut compared = 0;
    for package in published {
        let name = package["name"].as_str().expect("a name");
        for file in ["LICENSE-MIT", "LICENSE-APACHE"] {
            let copy = read(&format!("{name}/{file}"));
            assert_eq!(copy, read(file), "{name}/{file}");
            compared += 1;
        }
    }
    assert_eq!(compared, 16, "two texts in each of eight packages");
}
