//! Host names of routes and checks.

use std::net::IpAddr;

use crate::reader::Problem;

/// A host in lower case: a name, an address, or `*.` and a name.
pub(crate) fn host(text: &str) -> Result<String, Problem> {
    let host = text.to_ascii_lowercase();
    if let Some((_, rest)) = host.split_once("://") {
        let name = rest.split(['/', ':']).next().unwrap_or_default();
        return Err(invalid(text)
            .label("an address, not a host")
            .fix(format!("write only the host: \"{name}\"")));
    }
    if let Some(at) = host.find('/') {
        return Err(invalid(text)
            .label("a host has no path")
            .fix(format!("write \"{}\", and the path as `path`", &host[..at])));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return Ok(host);
    }
    if let Some((name, port)) = host.rsplit_once(':')
        && port.parse::<u16>().is_ok()
    {
        return Err(invalid(text)
            .label("a host has no port")
            .fix(format!("write \"{name}\"; it matches on every port")));
    }
    let name = host.strip_prefix("*.").unwrap_or(&host);
    if name.contains('*') {
        return Err(invalid(text)
            .label("`*` stands for the whole first part or nothing")
            .fix("write \"*.shop.example\""));
    }
    if !name.is_ascii() {
        return Err(invalid(text)
            .label("not ASCII")
            .fix("write its ASCII form, which starts with `xn--`"));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if host.len() > 253 || !name.split('.').all(is_label) {
        return Err(invalid(text)
            .label("not a host")
            .fix("write a name like \"shop.example\""));
    }
    Ok(host)
}

fn invalid(text: &str) -> Problem {
    Problem::new("invalid-host", format!("{text:?} is not a host"))
}
