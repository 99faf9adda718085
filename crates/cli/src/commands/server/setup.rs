//! `landfall server setup`: the server's end of `landfall server add`, as root.

use landfall_server::install::{InstallRequest, Part, install};

use super::SetupArgs;
use crate::command_error::{CommandError, CommandResult, ErrorKind};
use crate::context::Context;
use crate::exit::ExitCode;

pub(super) fn setup(context: &Context, args: &SetupArgs) -> CommandResult {
    let request = InstallRequest {
        program: args.program.clone(),
        version: args.version.clone(),
        http: args.http,
        docker: args.docker,
        behind: args.behind.clone(),
        member: args.member.clone(),
    };
    let mut tell = |part: Part| {
        context.printer.json_line(&part);
        context.printer.show(part.what);
    };
    match install(&request, &mut tell) {
        Ok(()) => Ok(ExitCode::Ok),
        Err(error) => Err(CommandError::from_error(ErrorKind::Refused, &error)),
    }
}
