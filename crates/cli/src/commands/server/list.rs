//! `landfall server list`.

use futures_util::future::join_all;
use landfall_model::{EnvironmentName, ServerAddress};
use landfall_server::Ssh;
use serde_json::json;

use super::ask;
use crate::command_error::CommandResult;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::printer::{Cell, Table, Tone};
use crate::project;

pub(super) async fn list(context: &Context) -> CommandResult {
    let printer = &context.printer;
    let file = project::find(context.global.file.as_deref())?;
    let servers = project::servers(&file)?;
    let rows = join_all(servers.into_iter().map(look)).await;
    let mut table = Table::new(["environment", "server", "state"]);
    for row in &rows {
        let (state, tone) = match &row.state {
            Ok(version) => (format!("version {version}"), Tone::Good),
            Err(why) => (why.clone(), Tone::Bad),
        };
        table.row([
            row.environment.to_string().into(),
            row.server.to_string().into(),
            Cell::new(state, tone),
        ]);
    }
    match rows.is_empty() {
        true => printer.note(
            "no environment of this app is on a server; `server = \"user@host\"` in \
                              [environment.NAME] puts one there",
        ),
        false => printer.show(table.render(printer.paint(), printer.width())),
    }
    let rows = rows.iter().map(|row| {
        json!({
            "environment": row.environment,
            "server": row.server,
            "version": row.state.as_ref().ok(),
            "error": row.state.as_ref().err(),
        })
    });
    printer.json(&json!({ "servers": rows.collect::<Vec<_>>() }));
    Ok(ExitCode::Ok)
}

struct Row {
    environment: EnvironmentName,
    server: ServerAddress,
    state: Result<String, String>,
}

async fn look((environment, server): (EnvironmentName, ServerAddress)) -> Row {
    let state = match Ssh::to(&server) {
        Ok(ssh) => ask(&ssh)
            .await
            .map(|info| info.version)
            .map_err(|e| e.message().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Row {
        environment,
        server,
        state,
    }
}
