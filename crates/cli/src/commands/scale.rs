//! `landfall scale`.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::Args;
use landfall_model::ServiceName;
use landfall_model::plan::Intent;

use crate::command_error::{CommandError, CommandResult};
use crate::context::Context;
use crate::deployment::{self, RunOptions, deployment_request};

/// Change how many instances run
///
/// Makes a release that differs in nothing else. The next deploy goes by landfall.toml again, so
/// write a number that should stay there: `replicas = 3`.
///
/// Examples:
///   landfall scale web=3
///   landfall scale web=3 worker=1
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ScaleArgs {
    /// How many instances of which service
    #[arg(value_name = "SERVICE=N", required = true)]
    pub replicas: Vec<Replicas>,
    /// Only show the plan
    #[arg(long)]
    pub dry_run: bool,
}

/// A service and how many instances of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replicas {
    service: ServiceName,
    count: u32,
}

impl FromStr for Replicas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (service, count) = text
            .split_once('=')
            .ok_or("write SERVICE=N, for example web=3")?;
        Ok(Self {
            service: service.parse().map_err(|error| format!("{error}"))?,
            count: count
                .parse()
                .map_err(|_| format!("{count:?} is not a number of instances"))?,
        })
    }
}

/// Scales.
///
/// # Errors
/// When nothing is deployed, a service is unknown or named twice, or the agent cannot be reached.
pub async fn cmd_scale(context: &Context, args: &ScaleArgs) -> CommandResult {
    let mut replicas = BTreeMap::new();
    for Replicas { service, count } in args.replicas.iter().cloned() {
        if replicas.insert(service.clone(), count).is_some() {
            return Err(CommandError::usage(format!(
                "service {service} is named twice"
            )));
        }
    }
    let project = context.project()?;
    let client = context.client().await?;
    let request = deployment_request(&project, Intent::Scale { replicas }, None);
    let options = RunOptions {
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    deployment::run(context, &client, request, options).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_service_and_a_number_is_refused_with_the_form() {
        assert_eq!(
            "web=3".parse(),
            Ok(Replicas {
                service: "web".parse().unwrap(),
                count: 3
            })
        );
        for bad in ["web", "web=", "web=-1", "=3", "../x=1", "web=3.5"] {
            assert!(bad.parse::<Replicas>().is_err(), "{bad:?} was accepted");
        }
    }
}
