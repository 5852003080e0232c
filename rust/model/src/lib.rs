//! x
#[cfg(test)] mod sync;
#[cfg(test)] mod memory;
#[cfg(test)] mod exploration;
#[cfg(test)] mod promise;
#[cfg(test)] mod intact;
#[cfg(test)] mod mutants { include!(concat!(env!("OUT_DIR"), "/mutants.rs")); }
