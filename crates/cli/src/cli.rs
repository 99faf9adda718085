//! The command line: every verb, and the options that all of them take.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use landfall_model::EnvironmentName;

use crate::commands;
use crate::printer::ColorChoice;

/// Ships web applications and proves that they arrived
///
/// An app is a directory with a landfall.toml. `landfall init` writes one, `landfall plan` shows
/// what a deploy would do and why, `landfall deploy` does that and nothing else: it builds, starts
/// the new release beside the old one, rehearses it, switches without losing a request, watches
/// it, and goes back by itself when it turns out bad.
///
/// To see all of it in a minute, with an example app and load: `landfall demo`
#[derive(Debug, Parser)]
#[command(
    name = "landfall",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_long_help = crate::exit::table(),
    after_help = "`landfall --help` tells more, `landfall help COMMAND` teaches a command, \
                  `landfall help exit-codes` lists the exit codes.",
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The environment that is meant where none is named.
pub const DEFAULT_ENVIRONMENT: &str = "local";

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// The environment
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "LANDFALL_ENV",
        default_value = DEFAULT_ENVIRONMENT,
        help_heading = "Global options",
        hide_env_values = true
    )]
    pub env: EnvironmentName,
    /// The landfall.toml to use [default: the one in this directory or the nearest above]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        help_heading = "Global options"
    )]
    pub file: Option<PathBuf>,
    /// Print one JSON document on stdout; what people read goes to stderr
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// When to use colours: auto, always or never; auto respects NO_COLOR
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        help_heading = "Global options",
        hide_possible_values = true
    )]
    pub color: ColorChoice,
    /// Print only what was asked for, and errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say yes to every question
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub yes: bool,
}

/// The verbs, in the order in which a newcomer meets them.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(commands::init::InitArgs),
    Check(commands::check::CheckArgs),
    Config(commands::config::ConfigArgs),
    Plan(commands::plan::PlanArgs),
    Deploy(commands::deploy::DeployArgs),
    Adopt(commands::adopt::AdoptArgs),
    Status(commands::status::StatusArgs),
    Releases(commands::releases::ReleasesArgs),
    Rollback(commands::rollback::RollbackArgs),
    Logs(commands::logs::LogsArgs),
    History(commands::history::HistoryArgs),
    Report(commands::report::ReportArgs),
    Start(commands::start::StartArgs),
    Stop(commands::stop::StopArgs),
    Restart(commands::restart::RestartArgs),
    Scale(commands::scale::ScaleArgs),
    Run(commands::run::RunArgs),
    Attach(commands::attach::AttachArgs),
    Cancel(commands::cancel::CancelArgs),
    Cache(commands::cache::CacheArgs),
    Remove(commands::remove::RemoveArgs),
    Agent(commands::agent::AgentArgs),
    Server(commands::server::ServerArgs),
    #[command(hide = true)]
    DialStdio(commands::dial_stdio::DialStdioArgs),
    Demo(commands::demo::DemoArgs),
    Schema(commands::schema::SchemaArgs),
    Completions(commands::completions::CompletionsArgs),
    Help(commands::help::HelpArgs),
}
