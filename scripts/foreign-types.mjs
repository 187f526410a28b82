// Types and traits of other crates in the public items of the published crates,
// which must all be in the list below: a new major version of such a crate is
// one of ours: `node foreign-types.mjs <directory of rustdoc's JSON>`.

import { readFileSync } from "node:fs";
import { join } from "node:path";

/// By crate: whose items may be public.
const ALLOWED = {
  // The feature `tower` needs its traits and those of http-body.
  "health-core": ["async_trait", "bytes", "health_macros", "http", "http_body", "http_body_util",
    "serde", "serde_json", "tokio", "tower_layer", "tower_service"],
  "health-axum": ["async_trait", "axum", "health_core", "health_macros"],
  "health-opentelemetry": ["health_core", "opentelemetry"],
  // Of prost, tower-service and http-body only what tonic's generator writes is public.
  "health-tonic": ["async_trait", "bytes", "futures_core", "health_core", "health_macros", "http", "http_body",
    "prost", "tonic", "tower_service"],
  "health-actix": ["actix_web", "async_trait", "health_core", "health_macros"],
};
const STANDARD = new Set(["std", "core", "alloc"]);

const [directory] = process.argv.slice(2);

function documentation(crate) {
  return JSON.parse(readFileSync(join(directory, `${crate.replace("-", "_")}.json`), "utf8"));
}

/// Everything in a value that names an item by its id, and `use` statements. The
/// JSON of Rust 1.85 has `name`, that of newer versions `path`.
function* references(value) {
  if (value === null || typeof value !== "object") return;
  const name = value.path ?? value.source ?? value.name;
  if (!Array.isArray(value) && typeof value.id === "number" && typeof name === "string") {
    yield value.id;
  }
  for (const inner of Object.values(value)) {
    yield* references(inner);
  }
}

/// By foreign crate: one of its items, and one of ours in which it stands.
function foreign(crate) {
  const { index, paths, external_crates: crates } = documentation(crate);
  const found = new Map();
  for (const item of Object.values(index)) {
    const implementation = item.inner.impl;
    if (item.crate_id !== 0 || implementation?.is_synthetic || implementation?.blanket_impl) continue;
    for (const id of references(item.inner)) {
      const path = paths[id];
      if (path === undefined || path.crate_id === 0) continue;
      const owner = crates[path.crate_id].name;
      if (!STANDARD.has(owner) && !found.has(owner)) {
        found.set(owner, `${path.path.join("::")} in ${item.name ?? item.span?.filename}`);
      }
    }
  }
  return found;
}

let isFine = true;
for (const [crate, allowed] of Object.entries(ALLOWED)) {
  const found = foreign(crate);
  for (const [owner, where] of found) {
    if (!allowed.includes(owner)) {
      console.error(`${crate}: ${where} is public, and ${owner} is not in the list`);
      isFine = false;
    }
  }
  for (const owner of allowed.filter((owner) => !found.has(owner))) {
    console.error(`${crate}: ${owner} is in the list, and nothing of it is public`);
    isFine = false;
  }
}
process.exit(isFine ? 0 : 1);
