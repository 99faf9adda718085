//! Which plans a person should say yes to first: those that users notice.

use landfall_model::plan::{Action, Intent, Plan};

use crate::printer::human;

/// What to ask before this plan is carried out; empty when nobody would notice it.
pub fn questions(plan: &Plan) -> Vec<String> {
    let named = |action: Action| -> Vec<&str> {
        plan.services
            .iter()
            .filter(|line| line.action == action)
            .map(|line| line.service.as_str())
            .collect()
    };
    let mut asks = Vec::new();
    let gaps = named(Action::ReplaceStopFirst);
    if !gaps.is_empty() {
        asks.push(format!("{} will not answer for a moment", gaps.join(", ")));
    }
    let stops = named(Action::Stop);
    // Who asks to stop services has named them already.
    if !stops.is_empty() && !matches!(plan.intent, Intent::Stop { .. }) {
        asks.push(format!("{} will be stopped", stops.join(", ")));
    }
    if let Some(first) = plan.adopts.first() {
        let others = match plan.adopts.len() - 1 {
            0 => String::new(),
            others => format!(" and {}", human::count(others as u64, "other container")),
        };
        asks.push(format!("{}{others} of Compose will be stopped", first.name));
    }
    asks
}
