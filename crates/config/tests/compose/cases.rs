//! Every case, compared with what Compose itself makes of it.

use landfall_config::render;

use crate::difference::difference;
use crate::oracle::config;
use crate::support::{Case, cases};

/// How a case differs from Compose or from what it was written for, if it does.
fn compared(case: &Case) -> Option<String> {
    let name = case.directory.file_name()?.to_string_lossy().into_owned();
    match (config(case), case.load(), &case.refused) {
        (Ok(theirs), Ok(ours), None) => {
            let found = difference("", &theirs, &ours.project.canonical())?;
            Some(format!("{name}{found}"))
        }
        (Err(theirs), Err(found), Some(code)) => (found.0[0].code != code).then(|| {
            let ours = render(&found, false, 100);
            format!("{name} is refused for another reason:\n{ours}\nthere: {theirs}")
        }),
        (Err(theirs), Err(_), None) => Some(format!("{name} is refused by both: {theirs}")),
        (Ok(_), Err(found), _) => {
            let ours = render(&found, false, 100);
            Some(format!("{name} is refused here only:\n{ours}"))
        }
        (Err(theirs), Ok(_), _) => Some(format!("{name} is refused there only: {theirs}")),
        (Ok(_), Ok(_), Some(_)) => Some(format!("{name} is accepted by both")),
    }
}

#[test]
fn d1_every_case_is_resolved_or_refused_as_compose_does_it() {
    let cases = cases();
    assert!(cases.len() > 100, "{} cases", cases.len());
    let different: Vec<String> = cases.iter().filter_map(compared).collect();
    assert!(different.is_empty(), "\n{}\n", different.join("\n"));
}
