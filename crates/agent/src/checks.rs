//! Questions asked through the proxy, of the live release or of a candidate.

use landfall_model::env::Secret;
use landfall_model::release::Release;
use landfall_model::snapshot::{CANDIDATE_HEADER, PROBE_HEADER, PROXY_ERROR_HEADER};
use landfall_model::spec::{AppSpec, BodyExpect, RouteSpec, SmokeSpec, VersionSource, VersionSpec};
use landfall_model::{Cause, CauseKind, ServiceName};
use regex::Regex;

use crate::instances::resolver;
use crate::ports::{Answer, Ask, AskError};
use crate::world::World;

/// How long an answer to a question of Landfall's own may take.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// Most of a body that is shown as evidence.
const SHOWN_BODY: usize = 200;

/// Asks through the proxy.
pub struct Through<'a> {
    /// The parts of the control plane.
    pub world: &'a World,
    /// Token of the candidate; `None` asks as the public does.
    pub candidate: Option<&'a Secret>,
}

impl Through<'_> {
    /// `GET path` as `host`, with the headers by which the proxy stamps its answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, host: &str, path: &str) -> Result<Answer, AskError> {
        self.ask(Ask::get(self.world.http_here(), host, path, TIMEOUT))
            .await
    }

    async fn ask(&self, mut ask: Ask) -> Result<Answer, AskError> {
        let headers = &mut ask.headers;
        headers.insert(PROBE_HEADER.into(), self.world.probe_token.reveal().into());
        if let Some(token) = self.candidate {
            headers.insert(CANDIDATE_HEADER.into(), token.reveal().into());
        }
        self.world.prober.ask(&ask).await
    }

    /// Runs a smoke check.
    ///
    /// # Errors
    /// When the answer is not as expected.
    pub async fn smoke(&self, spec: &AppSpec, smoke: &SmokeSpec) -> Result<(), Cause> {
        let host = smoke.host.clone().unwrap_or_else(|| default_host(spec));
        let ask = Ask {
            address: self.world.http_here(),
            method: smoke.method.clone(),
            path: smoke.path.clone(),
            host,
            headers: smoke.headers.clone(),
            timeout: smoke.timeout,
        };
        let place = format!("{} {}", smoke.method, smoke.path);
        let failed = |what: String| {
            Cause::new(
                CauseKind::SmokeFailed,
                format!("smoke check {place} failed: {what}"),
            )
        };
        let answer = self
            .ask(ask)
            .await
            .map_err(|error| failed(error.to_string()))?;
        judge(smoke, &answer).map_err(|what| failed(what).with_evidence(evidence(&answer)))
    }

    /// Asks the app for its own word on its version.
    ///
    /// # Errors
    /// When it says another, or nothing.
    pub async fn version(
        &self,
        release: &Release,
        service: &ServiceName,
        version: &VersionSpec,
    ) -> Result<(), Cause> {
        let Some(route) = release
            .spec
            .routes
            .iter()
            .find(|route| route.to == *service)
        else {
            return Ok(());
        };
        let expected = version
            .expect
            .resolve(&resolver(self.world, release, service)?);
        let expected = expected
            .map_err(crate::executor::internal)?
            .reveal()
            .to_owned();
        let path = match &version.source {
            VersionSource::Path(path) => public_path(route, path),
            VersionSource::Header(_) => route.path.clone(),
        };
        let wrong = |what: String| {
            let message = format!("{service} does not say that it is {expected}: {what}");
            Cause::new(CauseKind::WrongVersion, message)
        };
        let answer = self.get(&host_of(route), &path).await;
        let answer = answer.map_err(|error| wrong(format!("GET {path}: {error}")))?;
        let said = match &version.source {
            VersionSource::Path(_) => String::from_utf8_lossy(&answer.body).into_owned(),
            VersionSource::Header(name) => answer
                .header(&name.to_ascii_lowercase())
                .unwrap_or_default()
                .to_owned(),
        };
        match has_word(&said, &expected) {
            true => Ok(()),
            false => Err(wrong(format!("GET {path} says {:?}", shorten(&said)))
                .with_evidence(evidence(&answer))),
        }
    }
}

/// The host that a question without one is asked as.
pub fn default_host(spec: &AppSpec) -> String {
    spec.routes
        .iter()
        .find(|r| r.host.is_some())
        .map_or_else(|| "localhost".into(), host_of)
}

/// The host by which a route is asked.
pub fn host_of(route: &RouteSpec) -> String {
    let host = route.host.as_deref().unwrap_or("localhost");
    host.replacen('*', "www", 1)
}

/// The public path of a path of the app behind a route.
fn public_path(route: &RouteSpec, path: &str) -> String {
    match route.strip_prefix {
        true => format!("{}{path}", route.path.trim_end_matches('/')),
        false => path.to_owned(),
    }
}

fn judge(smoke: &SmokeSpec, answer: &Answer) -> Result<(), String> {
    if let Some(word) = answer.header(PROXY_ERROR_HEADER) {
        return Err(format!(
            "the proxy answered {} itself: {word}",
            answer.status
        ));
    }
    if !smoke
        .status
        .iter()
        .any(|range| range.contains(answer.status))
    {
        return Err(format!(
            "status {} instead of {}",
            answer.status,
            statuses(smoke)
        ));
    }
    if let Some(expected) = &smoke.location {
        let got = answer.header("location").unwrap_or("none");
        if got != expected {
            return Err(format!("location {got} instead of {expected}"));
        }
    }
    for (name, expected) in &smoke.expect_headers {
        let got = answer.header(name).unwrap_or("none");
        if got != expected {
            return Err(format!("header {name} is {got} instead of {expected}"));
        }
    }
    if let Some(expected) = &smoke.media_type {
        let got = answer.header("content-type").unwrap_or("none");
        let got = got.split(';').next().unwrap_or_default().trim();
        if !got.eq_ignore_ascii_case(expected) {
            return Err(format!("type {got} instead of {expected}"));
        }
    }
    judge_body(smoke.body.as_ref(), &answer.body)
}

fn judge_body(expect: Option<&BodyExpect>, body: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    match expect {
        None => Ok(()),
        Some(BodyExpect::Contains(wanted)) if text.contains(wanted) => Ok(()),
        Some(BodyExpect::Contains(wanted)) => Err(format!("the body does not contain {wanted:?}")),
        Some(BodyExpect::Matches(pattern)) => match Regex::new(pattern) {
            Ok(regex) if regex.is_match(&text) => Ok(()),
            Ok(_) => Err(format!("the body does not match {pattern:?}")),
            Err(error) => Err(format!("pattern {pattern:?}: {error}")),
        },
    }
}

fn statuses(smoke: &SmokeSpec) -> String {
    let range = |range: &landfall_model::spec::StatusRange| match range.from == range.to {
        true => range.from.to_string(),
        false => format!("{}-{}", range.from, range.to),
    };
    smoke
        .status
        .iter()
        .map(range)
        .collect::<Vec<_>>()
        .join(" or ")
}

fn evidence(answer: &Answer) -> Vec<String> {
    let mut lines = vec![format!("status {}", answer.status)];
    let names = ["location", "content-type", PROXY_ERROR_HEADER];
    let shown = |name: &str| Some(format!("{name}: {}", answer.header(name)?));
    lines.extend(names.into_iter().filter_map(shown));
    let body = String::from_utf8_lossy(&answer.body);
    if !body.trim().is_empty() {
        lines.push(format!("body: {}", shorten(&body)));
    }
    lines
}

fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_BODY) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether `text` holds `word` with no letter or digit right beside it.
fn has_word(text: &str, word: &str) -> bool {
    let free = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            free(text[..at].chars().next_back()) && free(text[at + word.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_a_version_is_found_as_a_whole_word_only() {
        assert!(has_word("{\"version\":\"v1\"}", "v1"));
        assert!(!has_word("{\"version\":\"v12\"}", "v1"));
        assert!(!has_word("", ""));
        assert!(has_word("v12 v1", "v1"));
    }
}
