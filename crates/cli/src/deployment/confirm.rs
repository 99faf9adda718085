//! Which plans a person should say yes to first: those that users notice.

use landfall_model::plan::{Action, Intent, Plan};

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
    asks
}
