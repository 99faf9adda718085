//! What is deployed in the demo, in order, and what is expected of it.

use landfall_model::CauseKind;
use landfall_model::rollout::Outcome;

/// One deployment of the demo.
#[derive(Debug)]
pub struct Act {
    /// What it is called in the end.
    pub name: &'static str,
    /// The version it ships; for the rollback the one that it returns to.
    pub version: &'static str,
    /// What is told before it begins.
    pub told: &'static str,
    /// How the app behaves, as `hello.json` has it; `None` for the rollback.
    behaviour: Option<&'static str>,
    /// How it must end.
    pub outcome: Outcome,
    /// The causes of which it must give one.
    pub causes: &'static [CauseKind],
    /// The version that is live after it.
    pub live: &'static str,
}

/// The demo.
pub const ACTS: [Act; 6] = [
    Act {
        name: "v1, the first release",
        version: "v1",
        told: "The first release: built, started, rehearsed, then given the routes.",
        behaviour: Some("good"),
        outcome: Outcome::Succeeded,
        causes: &[],
        live: "v1",
    },
    Act {
        name: "v2, a good release",
        version: "v2",
        told: "A good release. It starts beside v1; users move over without losing a request, and \
               it is watched under their traffic.",
        behaviour: Some("good"),
        outcome: Outcome::Succeeded,
        causes: &[],
        live: "v2",
    },
    Act {
        name: "v3 crashes at start",
        version: "v3",
        told: "It crashes at start, for want of a variable. The wait ends with the crash, not with \
               a timeout.",
        behaviour: Some("exits-at-once"),
        outcome: Outcome::Stopped,
        causes: &[CauseKind::ExitedAtStart, CauseKind::CrashLoop],
        live: "v2",
    },
    Act {
        name: "v4 answers wrongly",
        version: "v4",
        told: "It starts and is healthy, but /orders shows everyone's orders instead of asking to \
               log in. The rehearsal finds that before any user does.",
        behaviour: Some("wrong-smoke"),
        outcome: Outcome::Stopped,
        causes: &[CauseKind::SmokeFailed],
        live: "v2",
    },
    Act {
        name: "v5 errs under traffic",
        version: "v5",
        told: "It passes every check, goes live, and then answers two in five pages with 500. Its \
               errors under real traffic are compared with v2's, and v2 is still warm.",
        behaviour: Some("errs-under-traffic"),
        outcome: Outcome::RolledBack,
        causes: &[CauseKind::WorseThanBefore],
        live: "v2",
    },
    Act {
        name: "rollback by hand",
        version: "v1",
        told: "`landfall rollback`: back to v1, with its code, configuration and environment.",
        behaviour: None,
        outcome: Outcome::Succeeded,
        causes: &[],
        live: "v1",
    },
];

impl Act {
    /// Whether this is the rollback.
    pub fn is_rollback(&self) -> bool {
        self.behaviour.is_none()
    }

    /// The app's own configuration.
    pub fn hello_json(&self) -> String {
        let behaviour = self.behaviour.unwrap_or("good");
        format!(
            "{{ \"version\": \"{}\", \"behaviour\": \"{behaviour}\" }}\n",
            self.version
        )
    }

    /// The project's configuration. The windows are short, because this is a demo.
    pub fn landfall_toml(&self, build: &str) -> String {
        let version = self.version;
        format!(
            r#"app = "hello"
drain = "4s"

[service.web]
run   = "./hello"
ready = {{ path = "/health", within = "30s" }}

[service.web.build]
shell = '''
{build}'''
inputs = ["hello.json"]
output = "dist"

[service.web.version]
path   = "/version"
expect = "{version}"

[[route]]
to = "web"

[[smoke]]
get    = "/orders"
expect = {{ status = 307, location = "/auth/login" }}

# Slowness is left out: the machine that shows this may be busy with other things.
[watch]
window       = "8s"
max_slowdown = 50.0
"#
        )
    }
}
