//! Services that wait for each other.

use std::collections::BTreeSet;

use landfall_model::ServiceName;

use crate::diagnostics::Diagnostic;
use crate::reader::Context;
use crate::sections::{AppDraft, Use};

/// Says every cycle in `needs`, once.
pub(super) fn check(draft: &AppDraft, context: &Context) {
    let mut done = BTreeSet::new();
    for name in draft.services.keys() {
        walk(name, draft, context, &mut done);
    }
}

/// Follows `needs` from `start` in depth. The stack is our own: a file of a megabyte can hold a
/// chain that is too long for that of the program.
fn walk<'a>(
    start: &'a ServiceName,
    draft: &'a AppDraft,
    context: &Context,
    done: &mut BTreeSet<&'a ServiceName>,
) {
    let mut path: Vec<(&ServiceName, std::slice::Iter<'_, Use>)> = Vec::new();
    let mut on_path = BTreeSet::new();
    let mut next = Some(start);
    loop {
        if let Some(name) = next.take()
            && done.insert(name)
        {
            on_path.insert(name);
            path.push((name, needs(draft, name)));
        }
        let Some((_, rest)) = path.last_mut() else {
            return;
        };
        match rest.next() {
            Some(need) if on_path.contains(&need.service) => {
                let names = path.iter().map(|(name, _)| *name);
                let cycle: Vec<_> = names.skip_while(|name| **name != need.service).collect();
                report(&cycle, need, draft, context);
            }
            Some(need) => next = Some(&need.service),
            None => {
                if let Some((name, _)) = path.pop() {
                    on_path.remove(name);
                }
            }
        }
    }
}

fn needs<'a>(draft: &'a AppDraft, name: &ServiceName) -> std::slice::Iter<'a, Use> {
    let service = draft.services.get(name);
    service.map_or(&[][..], |service| &service.needs).iter()
}

fn report(cycle: &[&ServiceName], closing: &Use, draft: &AppDraft, context: &Context) {
    let mut names: Vec<String> = cycle.iter().map(|name| format!("`{name}`")).collect();
    names.push(format!("`{}`", closing.service));
    let message = match cycle {
        [only] => format!("service `{only}` needs itself"),
        _ => format!("services wait for each other: {}", names.join(" needs ")),
    };
    let mut diagnostic = Diagnostic::error("needs-cycle", message).at(
        context.source(),
        closing.span.into(),
        "closes the circle",
    );
    for pair in cycle.windows(2) {
        if let Some(need) = needs(draft, pair[0]).find(|need| need.service == *pair[1]) {
            diagnostic = diagnostic.near(context.source(), need.span.into(), "");
        }
    }
    context.report(diagnostic.fix("remove one of these needs"));
}
