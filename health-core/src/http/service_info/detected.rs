//! The names of the service on the status page, detected if [`ServiceInfo`] does not
//! set them.

use std::path::Path;
use std::sync::OnceLock;
use std::{env, fs};

use super::{MAX_TEXT, ServiceInfo};
use crate::text::bounded::cut;

/// The names from the environment of the process.
struct Detected {
    executable: Option<String>,
    pod: Option<String>,
    host: Option<String>,
}

/// Detects the names once, when a page first shows them.
fn detected() -> &'static Detected {
    static DETECTED: OnceLock<Detected> = OnceLock::new();
    DETECTED.get_or_init(|| {
        let shown = |text: String| {
            let text = cut(text.trim(), MAX_TEXT).to_owned();
            (!text.is_empty()).then_some(text)
        };
        let variable = |name| env::var(name).ok().and_then(shown);
        let executable = env::current_exe().ok();
        let executable = executable.as_deref().and_then(Path::file_stem);
        let kernel = || {
            fs::read_to_string("/proc/sys/kernel/hostname")
                .ok()
                .and_then(shown)
        };
        Detected {
            executable: executable.and_then(|name| shown(name.to_string_lossy().into_owned())),
            pod: variable("POD_NAME"),
            host: variable("NODE_NAME")
                .or_else(|| variable("HOSTNAME"))
                .or_else(kernel),
        }
    })
}

impl ServiceInfo {
    /// Returns the name that a client sees; `is_full` if it sees private details.
    pub(crate) fn shown_name(&self, is_full: bool) -> Option<&str> {
        let executable = || detected().executable.as_deref().filter(|_| is_full);
        self.name.as_deref().or_else(executable)
    }

    /// Returns the instance that a client sees.
    pub(crate) fn shown_instance(&self, is_full: bool) -> Option<&str> {
        let pod = || detected().pod.as_deref().filter(|_| is_full);
        self.service_id.as_deref().or_else(pod)
    }

    /// Returns the host, which is private.
    pub(crate) fn shown_host(&self) -> Option<&str> {
        self.host.as_deref().or_else(|| detected().host.as_deref())
    }
}
