//! Route tables from a release and its instances. Pure.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use landfall_model::ServiceName;
use landfall_model::release::Release;
use landfall_model::snapshot::{Address, Files, Route, Table, Target, Upstream};
use landfall_model::spec::ServiceKind;
use landfall_store::InstanceRow;

/// What a table is made from.
pub struct TableParts<'a> {
    /// The release whose routes these are.
    pub release: &'a Release,
    /// Instances that get requests, whichever release they were started for, and where they are
    /// reached.
    pub instances: &'a [(InstanceRow, SocketAddr)],
    /// Services that someone stopped: routes still lead to them, and nothing answers.
    pub stopped: &'a [ServiceName],
    /// Ports of the services' stable addresses.
    pub addresses: &'a BTreeMap<ServiceName, u16>,
    /// Where the trees of the release are.
    pub trees: &'a Path,
}

/// The table of a release.
pub fn table(parts: &TableParts<'_>) -> Table {
    let spec = &parts.release.spec;
    let answering = spec.services.keys();
    let services = answering
        .filter(|name| !parts.stopped.contains(name))
        .map(|name| (name.clone(), upstream(parts, name)));
    let route = |route: &landfall_model::spec::RouteSpec| Route {
        host: route.host.clone(),
        path: route.path.clone(),
        service: route.to.clone(),
        strip_prefix: route.strip_prefix,
    };
    let address = |(service, port): (&ServiceName, &u16)| Address {
        listen: loopback(*port),
        service: service.clone(),
    };
    let known = |(service, _): &(&ServiceName, &u16)| spec.services.contains_key(*service);
    Table {
        app: spec.app.clone(),
        environment: spec.environment.clone(),
        release: Some(parts.release.number),
        routes: spec.routes.iter().map(route).collect(),
        services: services.collect(),
        addresses: parts.addresses.iter().filter(known).map(address).collect(),
    }
}

/// A port of loopback.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn upstream(parts: &TableParts<'_>, name: &ServiceName) -> Upstream {
    match &parts.release.spec.services[name].kind {
        ServiceKind::Process(_) | ServiceKind::Container(_) => {
            Upstream::Instances(targets(parts.instances, name))
        }
        ServiceKind::Static(files) => Upstream::Files(Files {
            root: parts
                .trees
                .join(name.as_str())
                .join(&files.dir)
                .to_string_lossy()
                .into_owned(),
            release: parts.release.number,
            fallback: files.fallback.clone(),
            immutable: files.immutable.clone(),
        }),
    }
}

fn targets(instances: &[(InstanceRow, SocketAddr)], name: &ServiceName) -> Vec<Target> {
    let target = |(row, address): &(InstanceRow, SocketAddr)| Target {
        instance: row.id.clone(),
        release: row.release,
        address: *address,
    };
    instances
        .iter()
        .filter(|(row, _)| row.service == *name)
        .map(target)
        .collect()
}
