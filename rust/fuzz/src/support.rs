//! What the attacks take from the tests' support, under the same name.

#[path = "../../core/tests/bus/support/pattern.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
pub(crate) mod pattern;
