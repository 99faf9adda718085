//! `[[host_ip:]published:]target[/protocol]`, with ranges.

use std::net::IpAddr;

use crate::compose::tree::{Map, Node, Value};
use crate::diagnostics::Diagnostic;

/// One port of a container and where it is published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PortSpec {
    host_ip: String,
    /// A port, a range of which one is taken, or nothing.
    published: String,
    target: u16,
    protocol: String,
}

/// All ports that a text stands for, in the order in which Compose has them.
pub(crate) fn parse(spec: &str) -> Result<Vec<PortSpec>, String> {
    let (rest, target) = spec.rsplit_once(':').unwrap_or(("", spec));
    let (host_ip, published) = rest.rsplit_once(':').unwrap_or(("", rest));
    let (target, protocol) = match target.split_once('/') {
        Some((target, "")) => (target, "tcp".to_owned()),
        Some((target, protocol)) => (target, protocol.to_lowercase()),
        None => (target, "tcp".to_owned()),
    };
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!(
            "{protocol:?} is no protocol: it is tcp, udp or sctp"
        ));
    }
    if target.is_empty() {
        return Err("the port in the container is missing".into());
    }
    let host_ip = address(host_ip)?;
    let (first, last) = range(target)?;
    let published = match published {
        "" => None,
        published => Some(range(published)?),
    };
    let count = u32::from(last - first);
    if let Some((from, to)) = published
        && u32::from(to - from) != count
        && count > 0
    {
        return Err("the ranges have different lengths".into());
    }
    let mut ports: Vec<PortSpec> = (0..=count)
        .map(|offset| PortSpec {
            host_ip: host_ip.clone(),
            published: published.map_or_else(String::new, |(from, to)| match count {
                0 if from != to => format!("{from}-{to}"),
                _ => (u32::from(from) + offset).to_string(),
            }),
            target: first.saturating_add(offset as u16),
            protocol: protocol.clone(),
        })
        .collect();
    // As texts: 10 comes before 9.
    ports.sort_by_key(|port| port.target.to_string());
    Ok(ports)
}

fn address(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let bare = bare.unwrap_or(text);
    if !bare.is_empty() && bare.parse::<IpAddr>().is_err() {
        return Err(format!("{bare:?} is no IP address"));
    }
    Ok(bare.to_owned())
}

fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = plain.then(|| text.parse::<u16>().ok()).flatten();
        number.ok_or_else(|| format!("{text:?} is no port"))
    };
    let (first, last) = (number(first)?, number(last)?);
    if last < first {
        return Err(format!("the range {text} ends before it begins"));
    }
    Ok((first, last))
}

/// The mapping that a port stands for.
pub(crate) fn node(port: PortSpec, at: &Node) -> Node {
    let mut map = Map::new();
    map.insert("mode".into(), at.text_here("ingress"));
    if !port.host_ip.is_empty() {
        map.insert("host_ip".into(), at.text_here(port.host_ip));
    }
    map.insert("target".into(), at.here(Value::Int(port.target.into())));
    if !port.published.is_empty() {
        map.insert("published".into(), at.text_here(port.published));
    }
    map.insert("protocol".into(), at.text_here(port.protocol));
    at.here(Value::Map(map))
}

pub(crate) fn refused(at: &Node, error: &str) -> Diagnostic {
    let found = at.at.error(super::CODE, error);
    found.fix("write [[ADDRESS:]PORT:]PORT[/PROTOCOL], as in \"127.0.0.1:8080:80/tcp\"")
}
