//! Chance decides what is asked for, what is bad, what fails, when the agent and instances are
//! killed and when the proxy restarts; nothing of it may harm users who a good release could serve.

use std::time::Duration;

use landfall_testkit::fake::{Fault, Moment};

use crate::ask::{Ask, begun};
use crate::settled;
use crate::sim::{Agent, Begun};

const SEEDS: u64 = 200;
const VARIABLE: &str = "LANDFALL_SIM_SEED";

const ASKS: [Ask; 6] = [
    Ask::Deploy,
    Ask::DeployUnready,
    Ask::DeploySpoiled,
    Ask::Rollback,
    Ask::Scale,
    Ask::Restart,
];

fn faults(chance: &mut fastrand::Rng) -> Vec<Fault> {
    let mut fault = || Fault {
        call: chance.u64(..150),
        moment: if chance.bool() {
            Moment::Before
        } else {
            Moment::After
        },
        refuses: chance.bool(),
    };
    (0..3).map(|_| fault()).collect()
}

fn play(begun: &Begun, seed: u64) -> Vec<String> {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut image = begun.image.clone();
    for _ in 0..chance.u32(1..4) {
        let agent = begun.agent_on(&image);
        agent.host.inject(&faults(&mut chance));
        for _ in 0..chance.u32(1..3) {
            let ask = ASKS[chance.usize(..ASKS.len())];
            // What contradicts the state, or meets a fault, is refused; that is an answer too.
            let _ = agent.run(agent.deployments.submit(ask.request()));
        }
        let ms = chance.u64(..3000);
        agent.pass(ms);
        if chance.u8(..3) == 0 {
            let down = Duration::from_millis(chance.u64(..900));
            agent.run(async { agent.host.restart_proxy(down) });
        }
        image = agent.run(async { agent.host.image(begun.root.path()).unwrap() });
    }
    let agent = begun.agent_on(&image);
    agent.settle();
    let mut found = settled::faults(&agent);
    found.truncate(4);
    if !found.is_empty() {
        found.push(tell(&agent));
    }
    found
}

fn tell(agent: &Agent) -> String {
    settled::story(agent)
}

#[test]
fn b7_no_chance_of_faults_kills_and_bad_releases_harms_users() {
    let begun = begun(Ask::Deploy);
    let replayed = std::env::var(VARIABLE)
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = replayed.map_or(0..SEEDS, |seed: u64| seed..seed + 1);
    for seed in seeds {
        let found = play(&begun, seed);
        assert!(found.is_empty(), "{VARIABLE}={seed}:\n{}", found.join("\n"));
    }
}
