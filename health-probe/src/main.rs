//! `health-probe URL`: exits with 0 if the service there is healthy, else with 1
//! and the reason on stderr. `health-probe --why URL` prints the causes. The
//! library's documentation lists the URLs.

use std::env;
use std::process;

fn main() {
    process::exit(health_probe::run(env::args_os().skip(1), || None));
}
