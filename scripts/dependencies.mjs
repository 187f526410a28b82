// Licences and duplicate versions of what the published crates depend on, with
// all features: `node dependencies.mjs <workspace of the unpacked crates>`.

import { execFileSync } from "node:child_process";

/// Licences that MIT OR Apache-2.0 can be combined with.
const ALLOWED = new Set([
  "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause",
  "BSL-1.0", "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
]);

/// Crates of which several versions are known, and the dependency that needs the
/// other version.
const DUPLICATES = new Map([
  ["base64", "tonic"],
  // Also in the API of actix-web.
  ["http", "actix-web"],
  // A feature for each of the last two versions.
  ["opentelemetry", "health-opentelemetry"],
  // derive_more, which actix-web uses, is on syn 2.
  ["syn", "actix-web"],
]);

/// Each of its features brings a client with dependencies of its own.
const CLIENTS = "health-indicators";
const PUBLISHED = ["health-core", "health-axum", "health-actix", "health-tonic", "health-opentelemetry",
  "health-probe", "health-indicators"];

const [workspace] = process.argv.slice(2);

function lines(...args) {
  const output = execFileSync("cargo", args, { cwd: workspace, encoding: "utf8" });
  return output.split("\n").filter((line) => line !== "");
}

/// `A OR B` is fine if one is allowed, `A AND B` if both are.
function isAllowed(expression) {
  const alternatives = expression.replace(/[()]/g, "").split(/ OR |\//);
  return alternatives.some((one) => one.split(" AND ").every((part) => ALLOWED.has(part.trim())));
}

/// Name, version and licence of each crate in the graph of one package.
function graph(crate) {
  const args = ["-p", crate, "--all-features", "-e", "normal,build", "--prefix", "none"];
  const found = lines("tree", ...args, "-f", "{p}\t{l}");
  return found.map((line) => {
    const [spec, licence] = line.replace(/ \(\*\)$/, "").split("\t");
    const [name, version] = spec.split(" ");
    return { name, version, licence: licence?.replace(/ \(\*\)$/, "") ?? "" };
  });
}

const problems = new Set();
for (const crate of PUBLISHED) {
  const versions = new Map();
  for (const { name, version, licence } of graph(crate)) {
    if (!isAllowed(licence)) {
      problems.add(`${name} ${version}: the licence "${licence}" is not in the list`);
    }
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  }
  for (const [name, those] of versions) {
    if (those.size > 1 && crate !== CLIENTS && !DUPLICATES.has(name)) {
      problems.add(`${crate}: ${those.size} versions of ${name}: ${[...those].join(", ")}`);
    }
  }
}
for (const problem of problems) {
  console.error(problem);
}
process.exit(problems.size > 0 ? 1 : 0);
