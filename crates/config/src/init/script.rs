//! Scripts of package.json.

use super::Command;

/// A script as a command, with the variables that it sets before it.
pub(super) struct Script {
    pub(super) run: Command,
    pub(super) env: Vec<(String, String)>,
}

/// Programs that are found without the package manager.
const INSTALLED: &[&str] = &[
    "node", "npm", "npx", "pnpm", "yarn", "bun", "deno", "sh", "bash", "python3", "python",
];

impl Script {
    /// Of a file of JavaScript.
    pub(super) fn of_node(file: &str) -> Self {
        Self {
            run: Command::argv(["node", file]),
            env: Vec::new(),
        }
    }

    /// Of a line that npm gives to a shell, with the programs of `node_modules` in its path.
    pub(super) fn read(line: &str) -> Self {
        let (env, line) = without_assignments(line);
        match Command::from_shell(&line) {
            run @ Command::Argv(_) => Self {
                run: run.with_program(in_node_modules),
                env,
            },
            Command::Shell(_) => Self {
                run: Command::argv(["npm", "run", "start"]),
                env: Vec::new(),
            },
        }
    }
}

/// Where a program of a package is, when it is not one that is installed by itself.
pub(super) fn in_node_modules(program: &str) -> Option<String> {
    let installed = INSTALLED.contains(&program) || program.contains('/');
    (!installed).then(|| format!("node_modules/.bin/{program}"))
}

/// `A=1 B=2 program` in two. `PORT` and `HOST` are Landfall's to set.
fn without_assignments(line: &str) -> (Vec<(String, String)>, String) {
    let mut env = Vec::new();
    let mut rest = line.trim();
    rest = rest.strip_prefix("cross-env ").unwrap_or(rest).trim_start();
    while let Some((word, after)) = rest.split_once(char::is_whitespace) {
        let Some((name, value)) = word.split_once('=') else {
            break;
        };
        let plain = |text: &str, more: &str| {
            text.chars()
                .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        if !plain(name, "_") || !plain(value, "_-./:,@") {
            break;
        }
        if !matches!(name, "PORT" | "HOST") {
            env.push((name.to_owned(), value.to_owned()));
        }
        rest = after.trim_start();
    }
    (env, rest.to_owned())
}
