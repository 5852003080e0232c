//! Runs a scenario through every execution that loom can think of.

use crate::size::{is_full, report};
use crate::sync::Fences;
use loom::model::Builder;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Instant;

/// A story about a few threads and one segment, told once per execution.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) bound: Bound,
    pub(crate) story: fn(),
}

/// How many times at most a thread is interrupted where it could have gone on; `None` is every interleaving.
#[derive(Debug)]
pub(crate) struct Bound {
    usual: Option<usize>,
    /// In `make soundness`, for the intact file. A mutant is to be caught within the usual bound.
    full: Option<usize>,
}

/// Every interleaving.
pub(crate) const COMPLETE: Bound = Bound { usual: None, full: None };

impl Bound {
    /// So many interruptions, and one more where time does not count.
    pub(crate) const fn preemptions(usual: usize) -> Bound {
        Bound { usual: Some(usual), full: Some(usual + 1) }
    }

    /// As many as there can be, where time does not count.
    pub(crate) const fn or_all(self) -> Bound {
        Bound { full: None, ..self }
    }
}

/// What an exploration came to.
struct Outcome {
    executions: u64,
    failure: Option<String>,
}

impl Scenario {
    /// Explores all of it; panics with loom's message, or the story's, if any execution breaks a promise.
    pub(crate) fn holds(&self) {
        self.holds_with(if is_full() { self.bound.full } else { self.bound.usual }, Fences::Attached);
    }

    /// The same with fences that are steps, and fewer interruptions: for a story in which two threads make some.
    pub(crate) fn holds_in_every_order_of_fences(&self) {
        self.holds_with(Some(if is_full() { 3 } else { 2 }), Fences::Steps);
    }

    fn holds_with(&self, bound: Option<usize>, fences: Fences) {
        let begun = Instant::now();
        let Outcome { executions, failure } = self.explore(bound, fences);
        if let Some(failure) = failure {
            panic!("{} fails in execution {executions}, fences as {fences:?}: {failure}", self.name);
        }
        let bound = bound.map_or("complete".to_owned(), |bound| format!("at most {bound} preemptions"));
        let seconds = begun.elapsed().as_secs_f64();
        report(&format!("{}: {executions} executions, {bound}, fences as {fences:?}, {seconds:.1} s", self.name));
    }

    /// Explores until an execution breaks `promise`; panics if none does, or if something else goes wrong first.
    pub(crate) fn breaks(&self, mutant: &str, promise: &str) {
        let Outcome { executions, failure } = self.explore(self.bound.usual, Fences::Attached);
        let Some(failure) = failure else {
            panic!("{mutant} survives {}: none of {executions} executions shows it", self.name);
        };
        assert!(failure.contains(promise), "{mutant} fails in {}, but not by {promise:?}: {failure}", self.name);
        report(&format!("{mutant}: caught by {} in execution {executions}: {promise}", self.name));
    }

    fn explore(&self, preemptions: Option<usize>, fences: Fences) -> Outcome {
        let mut builder = Builder::new();
        // Set here, so that an environment variable cannot make the check smaller.
        builder.preemption_bound = preemptions;
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.checkpoint_file = None;
        let story = self.story;
        let executions = Arc::new(Mutex::new(0));
        let count = Arc::clone(&executions);
        let explored = quietly(|| {
            builder.check(move || {
                *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                fences.begin();
                story();
            });
        });
        let executions = *executions.lock().unwrap_or_else(PoisonError::into_inner);
        Outcome { executions, failure: explored.err() }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `action` with its panic caught and not printed; gives the panic's message.
fn quietly(action: impl FnOnce()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(action));
    QUIET.set(false);
    result.map_err(|payload| {
        payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without a message".to_owned())
    })
}
