//! Short answers: values of secrets, logins, and that we are still there.

use std::collections::{BTreeMap, HashMap};

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::Health;
use bollard_buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::Secrets;
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::Auth;
use bollard_buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use futures_util::stream::Empty;
use tonic::{Request, Response, Status};

use crate::image::RegistryCredentials;

type Answer<T> = Result<Response<T>, Status>;

/// Values of secrets, by their ids.
pub(in crate::image) struct SecretValues(pub BTreeMap<String, Vec<u8>>);

impl std::fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[tonic::async_trait]
impl Secrets for SecretValues {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Answer<GetSecretResponse> {
        let id = request.into_inner().id;
        let unknown = || Status::not_found(format!("no secret {id:?} is given to the build"));
        let data = self.0.get(&id).cloned().ok_or_else(unknown)?;
        Ok(Response::new(GetSecretResponse { data }))
    }
}

/// Logins at registries.
#[derive(Debug)]
pub(in crate::image) struct Logins(pub RegistryCredentials);

#[tonic::async_trait]
impl Auth for Logins {
    /// For a registry that we do not know we are nobody, which may be enough.
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Answer<CredentialsResponse> {
        let host = request.into_inner().host;
        let answer = match self.0.get(&host) {
            None => CredentialsResponse::default(),
            Some(login) => CredentialsResponse {
                username: login.user.clone(),
                secret: login.password.reveal().to_owned(),
            },
        };
        Ok(Response::new(answer))
    }

    // Without these three the engine fetches tokens itself.

    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Answer<FetchTokenResponse> {
        Err(Status::unimplemented("fetch tokens"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Answer<GetTokenAuthorityResponse> {
        Err(Status::unimplemented("sign for tokens"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Answer<VerifyTokenAuthorityResponse> {
        Err(Status::unimplemented("sign for tokens"))
    }
}

/// That we are there. The engine ends a session that does not say so every few seconds.
#[derive(Debug)]
pub(in crate::image) struct Healthy;

#[tonic::async_trait]
impl Health for Healthy {
    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Answer<HealthCheckResponse> {
        Ok(Response::new(serving()))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Answer<HealthListResponse> {
        let statuses = HashMap::from([(String::new(), serving())]);
        Ok(Response::new(HealthListResponse { statuses }))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Answer<Self::WatchStream> {
        Err(Status::unimplemented("tell of changes"))
    }
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    }
}
