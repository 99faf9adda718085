//! Errors of the API: a status and a body that a person can read.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use landfall_model::{Cause, CauseKind};
use landfall_store::StoreError;

use super::types::ApiError;
use crate::deployments::Rejected;
use crate::world::chain;

/// A failed request.
#[derive(Debug)]
pub struct Failed {
    status: StatusCode,
    body: ApiError,
}

impl Failed {
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub(super) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    pub(super) fn forbidden(message: impl Into<String>, fix: impl Into<String>) -> Self {
        let mut failed = Self::new(StatusCode::FORBIDDEN, "forbidden", message);
        failed.body.fix = Some(fix.into());
        failed
    }

    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let body = ApiError {
            code: code.into(),
            message: message.into(),
            fix: None,
        };
        Self { status, body }
    }
}

impl From<Cause> for Failed {
    fn from(cause: Cause) -> Self {
        let (status, code) = match cause.kind {
            CauseKind::Refused | CauseKind::ArtifactGone => (StatusCode::CONFLICT, "refused"),
            CauseKind::BuildFailed => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let mut failed = Self::new(status, code, cause.summary);
        failed.body.fix = cause.fix;
        failed
    }
}

impl From<Rejected> for Failed {
    fn from(rejected: Rejected) -> Self {
        match rejected {
            Rejected::Cause(cause) => cause.into(),
            Rejected::PlanChanged => {
                let message = "another plan is due than the one that was shown";
                let mut failed = Self::new(StatusCode::CONFLICT, "plan-changed", message);
                failed.body.fix = Some("look at the plan again: `landfall plan`".into());
                failed
            }
        }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(what) => Self::not_found(format!("there is no {what}")),
            error => {
                tracing::error!(?error, "a request failed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", chain(&error))
            }
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

pub(super) async fn no_such_path(uri: Uri) -> Failed {
    Failed::not_found(format!(
        "the API has no {}; /v1/openapi.json lists what it has",
        uri.path()
    ))
}
