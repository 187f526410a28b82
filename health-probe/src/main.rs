//! `health-probe URL`: exits with 0 if the service there is healthy, else with 1
//! and the reason on stderr. The library's documentation lists the URLs.

use std::env;
use std::process;

fn main() {
    let given = env::args_os().nth(1);
    let given = given.map(|url| url.to_string_lossy().into_owned());
    let url = given.or_else(|| env::var("HEALTH_PROBE_URL").ok());
    process::exit(health_probe::run(url.as_deref()));
}
