//! Services that wait for each other.

use std::collections::HashMap;

use crate::compose::tree::{Map, Node};

/// A way from a service back to itself, if there is one.
pub(super) fn find(services: &Map) -> Option<Vec<&str>> {
    let mut seen: HashMap<&str, Seen> = HashMap::new();
    for start in services.keys() {
        let mut path: Vec<(&str, Vec<&str>)> = Vec::new();
        enter(start, services, &mut seen, &mut path);
        while let Some((name, rest)) = path.last_mut() {
            let name = *name;
            match rest.pop() {
                None => {
                    seen.insert(name, Seen::Done);
                    path.pop();
                }
                Some(next) if seen.get(next) == Some(&Seen::Open) => {
                    let names = path.iter().map(|(name, _)| *name);
                    let mut cycle: Vec<&str> = names.skip_while(|name| *name != next).collect();
                    cycle.push(next);
                    return Some(cycle);
                }
                Some(next) => enter(next, services, &mut seen, &mut path),
            }
        }
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Open,
    Done,
}

fn enter<'a>(
    name: &'a str,
    services: &'a Map,
    seen: &mut HashMap<&'a str, Seen>,
    path: &mut Vec<(&'a str, Vec<&'a str>)>,
) {
    if seen.contains_key(name) {
        return;
    }
    let Some(service) = services.get(name) else {
        return;
    };
    let needs = service.get("depends_on").and_then(Node::map);
    let needs = needs.into_iter().flat_map(Map::keys).map(String::as_str);
    seen.insert(name, Seen::Open);
    path.push((name, needs.collect()));
}
