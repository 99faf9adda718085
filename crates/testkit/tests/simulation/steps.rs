//! Every step twice in a row, and every undo twice in a row: the second one changes nothing.

use landfall_agent::executor::Context;
use landfall_agent::planner::plan_request;
use landfall_agent::steps;
use landfall_model::plan::StepName;
use landfall_model::rollout::Happened;
use landfall_store::{NewDeployment, StepState};

use crate::app::key;
use crate::ask::{Ask, begun};
use crate::kills::describe;
use crate::sim::{Agent, Begun};

/// A deployment whose plan is written, as the agent begins it.
async fn begin(agent: &Agent, ask: Ask) -> Context {
    let (world, plan) = (&agent.world, ask.request().plan);
    let deploy = plan.deploy.as_ref();
    let request = NewDeployment {
        intent: plan.intent.clone(),
        spec: deploy.map(|deploy| deploy.spec.clone()),
        root: deploy.and_then(|deploy| deploy.from.directory().cloned()),
        source: Default::default(),
    };
    let planned = plan_request(world, &key(), &request, None).await.unwrap();
    let store = &world.store;
    let id = store
        .queue_deployment(&key(), &request, "tester", world.now())
        .unwrap();
    if planned.plan.makes_release {
        store.take_release_number(&key()).unwrap();
    }
    store
        .begin_deployment(id, &planned.plan, world.now())
        .unwrap();
    let mut ctx = Context::from_row(world.clone(), store.deployment(id).unwrap()).unwrap();
    ctx.artifacts = planned.artifacts;
    ctx.holds = planned.holds;
    ctx.release = planned.release;
    ctx.request.spec = Some(planned.spec);
    ctx
}

fn state(agent: &Agent, begun: &Begun) -> String {
    describe(&agent.host, &agent.world.store, begun.root.path())
}

async fn run(agent: &Agent, ctx: &mut Context, step: StepName) {
    let store = &agent.world.store;
    let seq = store.begin_step(ctx.id, step, agent.world.now()).unwrap();
    let summary = steps::run(ctx, step).await;
    let summary = summary.unwrap_or_else(|cause| panic!("{step}: {cause}"));
    let now = agent.world.now();
    store
        .end_step(ctx.id, seq, StepState::Done, now, &summary)
        .unwrap();
}

async fn prove(agent: &Agent, ctx: &mut Context) {
    if ctx.plan.makes_release {
        let (release, now) = (ctx.release.clone().unwrap(), agent.world.now());
        agent
            .world
            .store
            .insert_release(&key(), &release, "tester", now)
            .unwrap();
    }
    ctx.advance(Happened::Proved).unwrap();
}

async fn every_step_twice(agent: &Agent, begun: &Begun, ask: Ask) {
    let mut ctx = begin(agent, ask).await;
    for step in ctx.plan.steps.clone() {
        if step == StepName::Drain {
            prove(agent, &mut ctx).await;
        }
        run(agent, &mut ctx, step).await;
        if step == StepName::Switch {
            // It moves the deployment to a phase in which there is no other switch.
            continue;
        }
        let once = state(agent, begun);
        // A task that runs again is another process, gone when the step is over.
        run(agent, &mut ctx, step).await;
        let twice = state(agent, begun);
        if !matches!(step, StepName::BeforeTasks | StepName::AfterTasks) {
            assert_eq!(once, twice, "{ask:?}: {step}");
        }
    }
}

async fn every_undo_twice(agent: &Agent, begun: &Begun, ask: Ask) {
    let mut ctx = begin(agent, ask).await;
    let early = |step: &StepName| *step < StepName::Switch;
    let begun_steps: Vec<StepName> = ctx.plan.steps.iter().copied().filter(early).collect();
    for step in &begun_steps {
        run(agent, &mut ctx, *step).await;
    }
    for step in begun_steps.iter().rev() {
        steps::undo(&mut ctx, *step).await.unwrap();
        let once = state(agent, begun);
        steps::undo(&mut ctx, *step).await.unwrap();
        assert_eq!(once, state(agent, begun), "{ask:?}: undo of {step}");
    }
}

const ASKS: [Ask; 6] = [
    Ask::Deploy,
    Ask::Rollback,
    Ask::Scale,
    Ask::Restart,
    Ask::Stop,
    Ask::Start,
];

#[test]
fn b7_a_step_that_is_repeated_changes_nothing() {
    for ask in ASKS {
        let begun = begun(ask);
        let agent = begun.idle_agent();
        agent.run(every_step_twice(&agent, &begun, ask));
    }
}

#[test]
fn b7_an_undo_that_is_repeated_changes_nothing() {
    for ask in ASKS {
        let begun = begun(ask);
        let agent = begun.idle_agent();
        agent.run(every_undo_twice(&agent, &begun, ask));
    }
}
