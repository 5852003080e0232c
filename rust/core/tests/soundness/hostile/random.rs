//! The fuzzer's attacks with random scripts: not as thorough as the fuzzer, which looks for what is new to it, but on any
//! machine and in any build.

use std::path::Path;
use std::time::Instant;

use super::attack::{self, Outcome};
use crate::support::place::Place;
use crate::support::size::{report, sized};

/// Readers attach to files that are patched, cut or drawn out, and go on while they are patched further.
#[test]
fn any_files_are_read_or_refused() {
    let total = play("attach", attack::attach, sized(3_000, 300_000));
    assert!(total.refused > 0 && total.frames > 0, "both happen: {total:?}");
}

/// Whatever is written over the header and over a reader's own line, those who keep to the rules have whole frames.
#[test]
fn a_live_stream_goes_on_under_attack() {
    let total = play("live", attack::live, sized(1_000, 50_000));
    assert!(total.frames > 0, "somebody read something: {total:?}");
}

/// Whatever stands under the names of a stream's files, a writer starts or says why not, and touches nothing else.
#[test]
fn a_writer_starts_among_anything_or_says_why_not() {
    let total = play("start", attack::start, sized(1_000, 100_000));
    assert!(total.refused > 0 && total.frames > 0, "both happen: {total:?}");
}

#[derive(Debug, Default)]
struct Total {
    refused: u64,
    frames: u64,
}

fn play(what: &str, attack: fn(&Path, &[u8]) -> Outcome, scripts: u64) -> Total {
    let (place, begun) = (Place::new(), Instant::now());
    let mut total = Total::default();
    for seed in 0..scripts {
        let _named = Named { what, seed };
        let outcome = attack(place.path(), &script(seed));
        total.refused += u64::from(outcome.refused);
        total.frames += outcome.frames;
    }
    report(&format!(
        "hostile {what}: {scripts} random scripts, {} refused, {} frames read, {:.1} s",
        total.refused,
        total.frames,
        begun.elapsed().as_secs_f64()
    ));
    total
}

/// Bytes without a pattern, of a length without a pattern.
fn script(seed: u64) -> Vec<u8> {
    let mut noise = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        noise >> 33
    };
    let length = next() % 400;
    (0..length).map(|_| next().to_le_bytes()[0]).collect()
}

/// Says which script it was, where one fails.
struct Named<'w> {
    what: &'w str,
    seed: u64,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report(&format!("hostile {}: script {} fails", self.what, self.seed));
        }
    }
}
