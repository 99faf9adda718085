//! What a benchmark is told.

use std::path::PathBuf;

/// Which benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// The proxy against nginx and haproxy.
    Proxy,
    /// Supervision against PM2.
    Supervisor,
    /// What a deployment adds to the app's own start.
    Deploy,
    /// Bringing an image over, against a registry and `docker save | docker load`.
    Image,
    /// The cut-over of a container, against `docker compose up -d` and a script with nginx.
    Container,
    /// Bringing builds to a server, against rsync, an archive, and PM2.
    Server,
}

/// The command line.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which benchmark.
    pub bench: Bench,
    /// One JSON object instead of tables.
    pub json: bool,
    /// Run ahead of what else this machine does.
    pub ahead: bool,
    /// How often everything is measured, where someone says so.
    pub rounds: Option<usize>,
    /// Only the cases whose name contains this; empty for all.
    pub only: String,
    /// The peers of the proxy write no access log.
    pub peers_without_log: bool,
    /// The binary under test.
    pub landfall: PathBuf,
    /// The example app.
    pub hello: PathBuf,
    /// The pm2 to compare with.
    pub pm2: Option<PathBuf>,
    /// The docker-compose to compare with.
    pub compose: Option<PathBuf>,
}

impl Options {
    /// Of these arguments; `None` when they are not understood.
    pub fn parse(args: &[String]) -> Option<Self> {
        let (bench, rest) = args.split_first()?;
        let bench = match bench.as_str() {
            "proxy" => Bench::Proxy,
            "supervisor" => Bench::Supervisor,
            "deploy" => Bench::Deploy,
            "image" => Bench::Image,
            "container" => Bench::Container,
            "server" => Bench::Server,
            _ => return None,
        };
        let mut options = Self {
            bench,
            json: false,
            ahead: false,
            rounds: None,
            only: String::new(),
            peers_without_log: false,
            landfall: beside("landfall"),
            hello: beside("hello"),
            pm2: None,
            compose: None,
        };
        let mut rest = rest.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--json" => options.json = true,
                "--ahead" => options.ahead = true,
                "--peers-without-log" => options.peers_without_log = true,
                "--rounds" => options.rounds = Some(rest.next()?.parse().ok().filter(|n| *n > 0)?),
                "--only" => options.only.clone_from(rest.next()?),
                "--landfall" => options.landfall = rest.next()?.into(),
                "--pm2" => options.pm2 = Some(rest.next()?.into()),
                "--compose" => options.compose = Some(rest.next()?.into()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// The program of this name in the directory of this one.
fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_understood_or_refused_whole() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Options::parse(&words)
        };
        let options = parse("proxy --json --rounds 5").expect("these are good");
        assert_eq!((options.json, options.rounds), (true, Some(5)));
        for bad in [
            "",
            "what",
            "proxy --what",
            "proxy --rounds",
            "proxy --rounds 0",
        ] {
            assert!(parse(bad).is_none(), "{bad:?} was accepted");
        }
    }
}
