//! What an operator sets.

/// The addresses of the program.
#[derive(Clone, Debug)]
pub struct Settings {
    pub address: String,
    pub internal_address: String,
    pub log: String,
}

impl Settings {
    pub fn from_env() -> Self {
        let var = |name: &str, default: &str| std::env::var(name).unwrap_or(default.to_owned());
        Settings {
            address: var("ADDRESS", "127.0.0.1:8080"),
            internal_address: var("INTERNAL_ADDRESS", "127.0.0.1:9090"),
            log: var("RUST_LOG", "info"),
        }
    }
}
