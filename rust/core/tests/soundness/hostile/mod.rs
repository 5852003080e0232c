//! Hostile memory: files that say anything, and change while they are read.

mod attack;
mod changing;
mod cut;
mod random;
