//! What may be asked over a limited connection. Everything that is not listed here is refused.

use std::collections::HashMap;

use axum::RequestExt;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use landfall_model::DeploymentId;
use serde::de::DeserializeOwned;

use super::{Scope, request};
use crate::api::error::Failed;
use crate::api::types::{DeployRequest, PlanRequest};
use crate::api::{Api, BODY_LIMIT};

/// What has to be true of a request for it to be let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Nothing: it is about no environment.
    Nothing,
    /// Its path names the environment.
    Environment,
    /// Its path names a deployment of the environment.
    Deployment,
    /// Its body asks for a plan of the environment.
    Plan,
    /// Its body asks for a deployment of the environment.
    Deploy,
}

/// All that is let through, with what it needs.
const ALLOWED: [(Method, &str, Need); 14] = [
    (Method::GET, "/v1/agent", Need::Nothing),
    (Method::POST, "/v1/plan", Need::Plan),
    (Method::POST, "/v1/deployments", Need::Deploy),
    (Method::GET, "/v1/deployments/{id}", Need::Deployment),
    (Method::GET, "/v1/deployments/{id}/events", Need::Deployment),
    (Method::GET, "/v1/deployments/{id}/report", Need::Deployment),
    (
        Method::POST,
        "/v1/deployments/{id}/cancel",
        Need::Deployment,
    ),
    (
        Method::GET,
        "/v1/environments/{app}/{environment}",
        Need::Environment,
    ),
    (
        Method::GET,
        "/v1/environments/{app}/{environment}/releases",
        Need::Environment,
    ),
    (
        Method::GET,
        "/v1/environments/{app}/{environment}/history",
        Need::Environment,
    ),
    (
        Method::GET,
        "/v1/environments/{app}/{environment}/logs",
        Need::Environment,
    ),
    // A tree is named by its digest: who can name it has it, or has made it.
    (Method::POST, "/v1/trees/{digest}/offer", Need::Nothing),
    (Method::POST, "/v1/trees/{digest}/content", Need::Nothing),
    (Method::POST, "/v1/trees/{digest}/finish", Need::Nothing),
];

/// Lets a request through, or refuses it. Requests of connections without a limit pass.
///
/// # Errors
/// When the connection is limited, and not to what is asked.
pub async fn enforce(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failed> {
    let Some(scope) = request.extensions().get::<Scope>().cloned() else {
        return Ok(next.run(request).await);
    };
    let asked = format!("{} {}", request.method(), request.uri().path());
    let no = || scope.refuse(format!("{asked} is not allowed"));
    let need = request
        .extensions()
        .get::<MatchedPath>()
        .and_then(|path| need(request.method(), path.as_str()))
        .ok_or_else(no)?;
    match need {
        Need::Nothing => {}
        Need::Environment => {
            let named = parameters(&mut request).await;
            let is = |name: &str, value: &str| named.get(name).is_some_and(|given| given == value);
            let key = &scope.key;
            if !is("app", key.app.as_str()) || !is("environment", key.environment.as_str()) {
                return Err(no());
            }
        }
        Need::Deployment => {
            let named = parameters(&mut request).await;
            let id = named.get("id").and_then(|id| id.parse().ok());
            let row = id.and_then(|id| api.world.store.deployment(DeploymentId(id)).ok());
            if row.is_none_or(|row| row.key != scope.key) {
                return Err(no());
            }
        }
        Need::Plan => {
            let (plan, same) = body::<PlanRequest>(request).await?;
            request::check(&api, &scope, &plan)?;
            request = same;
        }
        Need::Deploy => {
            let (deploy, same) = body::<DeployRequest>(request).await?;
            request::check(&api, &scope, &deploy.plan)?;
            request = same;
        }
    }
    Ok(next.run(request).await)
}

fn need(method: &Method, path: &str) -> Option<Need> {
    let mut allowed = ALLOWED.iter();
    let found = allowed.find(|(allowed, route, _)| allowed == method && *route == path);
    found.map(|(_, _, need)| *need)
}

/// The parameters of the path, decoded as the handler gets them.
async fn parameters(request: &mut Request) -> HashMap<String, String> {
    let path: Result<Path<HashMap<String, String>>, _> = request.extract_parts().await;
    path.map(|Path(named)| named).unwrap_or_default()
}

/// What the body asks for, and the request again. The handler reads the same bytes into the same
/// type, so both mean the same by them.
async fn body<T: DeserializeOwned>(request: Request) -> Result<(T, Request), Failed> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_LIMIT).await;
    let bytes = bytes.map_err(|error| Failed::invalid(error.to_string()))?;
    let asked = serde_json::from_slice(&bytes);
    let asked = asked.map_err(|error| Failed::invalid(error.to_string()))?;
    Ok((asked, Request::from_parts(parts, Body::from(bytes))))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::openapi;

    fn described() -> BTreeSet<(String, String)> {
        let document = serde_json::to_value(openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap().keys();
                methods.map(|method| (method.to_uppercase(), path.clone()))
            })
            .collect()
    }

    #[test]
    fn g5_every_route_is_refused_to_a_limited_key_unless_it_is_listed() {
        let refused: Vec<String> = described()
            .iter()
            .filter(|(method, path)| need(&method.parse().unwrap(), path).is_none())
            .map(|(method, path)| format!("{method} {path}"))
            .collect();
        assert_eq!(
            refused,
            [
                "GET /v1/compose",
                "GET /v1/compose/{project}",
                "GET /v1/environments",
                "POST /v1/agent/stop",
                "POST /v1/environments/{app}/{environment}/cache/clear",
                "POST /v1/environments/{app}/{environment}/remove",
                "POST /v1/environments/{app}/{environment}/tasks/{task}",
                "POST /v1/limit",
            ]
        );
    }

    #[test]
    fn g5_what_is_allowed_to_a_limited_key_exists_and_is_about_one_environment() {
        let described = described();
        for (method, path, need) in &ALLOWED {
            let route = (method.to_string(), (*path).to_owned());
            assert!(described.contains(&route), "{method} {path} is no route");
            let due = match *path {
                path if path.contains("{environment}") => Need::Environment,
                path if path.contains("{id}") => Need::Deployment,
                "/v1/plan" => Need::Plan,
                "/v1/deployments" => Need::Deploy,
                _ => Need::Nothing,
            };
            assert_eq!(*need, due, "{method} {path}");
        }
    }
}
