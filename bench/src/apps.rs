//! Small apps to supervise: `bench app idle` does nothing, `bench app flood LINES FILE`
//! makes a file and writes lines.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

/// Length of a line of the flood, its end included: that of an ordinary access log line.
pub const LINE: usize = 100;

/// Runs one. Neither ends by itself.
pub fn run(args: &[String]) -> ExitCode {
    let done = match args {
        [name] if name == "idle" => Ok(()),
        [name, lines, mark] if name == "flood" => lines
            .parse()
            .map_err(io::Error::other)
            .and_then(|lines| flood(lines, mark)),
        _ => Err(io::Error::other("no such app")),
    };
    match done {
        Ok(()) => loop {
            std::thread::park();
        },
        Err(error) => {
            eprintln!("bench app: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The age of the file `mark` tells when it began.
fn flood(lines: u64, mark: &str) -> io::Result<()> {
    std::fs::write(mark, "")?;
    let mut out = BufWriter::new(io::stdout().lock());
    for number in 0..lines {
        writeln!(out, "{}", line(number))?;
    }
    out.flush()
}

/// The line of this number.
pub fn line(number: u64) -> String {
    let fill = "what an app has to say, and says again and again, because it was asked to";
    let mut line = format!("line {number:012} {fill}");
    line.extend(std::iter::repeat_n('.', LINE - 1 - line.len()));
    line
}

/// A web app for Node.js that listens on `PORT` and stops gracefully, as both supervisors ask for.
pub const NODE: &str = r"
const server = require('http').createServer((request, response) => response.end('ok\n'));
const stop = () => server.close(() => process.exit(0));
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
server.listen(Number(process.env.PORT), '127.0.0.1');
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_flood_are_of_one_length_and_all_different() {
        assert_eq!(line(0).len() + 1, LINE);
        assert_ne!(line(1), line(2));
    }
}
