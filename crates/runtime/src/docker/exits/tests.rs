//! Ends of containers, told from the engine's record and its events.

use std::time::Duration;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn fact(second: i64, what: What) -> Fact {
    Fact {
        at: at(second),
        what,
    }
}

fn ended(code: i32) -> Record {
    Record {
        created: at(0),
        started: Some(at(1)),
        finished: Some(at(9)),
        code,
        ..Record::default()
    }
}

fn reason(record: &Record, facts: &[Fact]) -> ExitReason {
    last_exit(record, facts).expect("an exit").reason
}

#[test]
fn an_exit_has_its_code_and_its_time() {
    let exit = last_exit(
        &ended(7),
        &[fact(1, What::Started), fact(10, What::Died(7))],
    );
    let expected = Exit {
        at: at(9),
        code: Some(7),
        signal: None,
        reason: ExitReason::Itself,
        ran_ms: 8000,
    };
    assert_eq!(exit, Some(expected));
}

#[test]
fn a_kill_for_memory_is_no_kill_by_others_and_a_survived_one_is_no_end() {
    let mut record = ended(137);
    record.out_of_memory = true;
    assert_eq!(reason(&record, &[]), ExitReason::OutOfMemory);
    record.code = 0;
    assert_eq!(reason(&record, &[]), ExitReason::Itself);
}

#[test]
fn a_signal_of_nobody_known_is_someone_elses_and_a_crash_is_its_own() {
    assert_eq!(reason(&ended(137), &[]), ExitReason::KilledByOther);
    assert_eq!(reason(&ended(143), &[]), ExitReason::KilledByOther);
    assert_eq!(reason(&ended(139), &[]), ExitReason::Itself);
    assert_eq!(
        last_exit(&ended(255), &[]).expect("an exit").code,
        Some(255)
    );
}

#[test]
fn a_stop_of_ours_is_told_by_its_mark_and_by_what_was_needed() {
    let mut record = ended(143);
    record.is_stopped_by_us = true;
    let term = [fact(1, What::Started), fact(8, What::Signalled(15))];
    assert_eq!(reason(&record, &term), ExitReason::Stopped);
    record.code = 137;
    assert_eq!(reason(&record, &term), ExitReason::StopTimedOut);
    // What was heard of it is lost: the mark is all there is.
    assert_eq!(reason(&record, &[]), ExitReason::StopTimedOut);
    let kill = [fact(1, What::Started), fact(8, What::Signalled(9))];
    assert_eq!(reason(&record, &kill), ExitReason::Stopped);
}

#[test]
fn what_ended_by_itself_before_it_was_marked_was_not_stopped() {
    let mut record = ended(3);
    record.is_stopped_by_us = true;
    let facts = [fact(1, What::Started), fact(9, What::Died(3))];
    assert_eq!(reason(&record, &facts), ExitReason::Itself);
}

#[test]
fn the_exit_before_the_present_run_is_read_from_its_own_events_only() {
    let mut record = ended(0);
    record.runs = true;
    record.started = Some(at(20));
    let facts = [
        fact(1, What::Started),
        fact(2, What::Signalled(15)),
        fact(3, What::Died(143)),
        fact(4, What::Started),
        fact(5, What::OutOfMemory),
        fact(6, What::Died(137)),
        fact(20, What::Started),
    ];
    let exit = last_exit(&record, &facts).expect("an exit");
    assert_eq!((exit.reason, exit.ran_ms), (ExitReason::OutOfMemory, 2000));
    assert_eq!(last_exit(&record, &facts[6..]), None);
}

#[test]
fn a_container_that_could_not_be_started_says_so() {
    let record = Record {
        error: "no such file".to_owned(),
        code: 127,
        created: at(0),
        ..Record::default()
    };
    assert_eq!(reason(&record, &[]), ExitReason::CouldNotStart);
}

#[test]
fn a_crash_loop_is_called_by_its_window_with_events_and_without() {
    let spec = RestartSpec {
        crash_loop_exits: 3,
        crash_loop_window: Duration::from_secs(5),
        ..RestartSpec::default()
    };
    let mut record = ended(1);
    let deaths = [5, 7, 9].map(|second| fact(second, What::Died(1)));
    assert!(is_crash_looping(&record, &deaths, &spec));
    assert!(!is_crash_looping(&record, &deaths[1..], &spec));
    record.restarts = 3;
    assert!(!is_crash_looping(&record, &[], &spec), "made too long ago");
    record.created = at(5);
    assert!(is_crash_looping(&record, &[], &spec));
}
