//! The writer's process: a floor that wakes, ours by loan, and blocks of frames published at absolute deadlines.

use std::collections::HashMap;

use billiards_video::{Format, Geometry, Name, Stamp, Writer, WriterOptions};

use crate::clock::{monotonic_ns, sleep_until};
use crate::side::{Orders, Outcome, Size, named};
use crate::slots::Slots;
use crate::sync::Ordering;

/// When the publishing call of a frame began, and what publishing it cost, without the stamping.
struct Published {
    began_ns: u64,
    cost_ns: u64,
}

trait Publisher {
    fn publish(&mut self, number: u32) -> Outcome<Published>;
}

/// A store and a wake; no pixel is copied, as none is by ours when the loan has been filled in place.
struct Floor(Slots);

impl Publisher for Floor {
    fn publish(&mut self, number: u32) -> Outcome<Published> {
        let frame = self.0.frame(number);
        frame[0].store(number, Ordering::Relaxed);
        frame[frame.len() - 1].store(number, Ordering::Relaxed);
        let began_ns = monotonic_ns();
        self.0.raise_to(number)?;
        Ok(Published { began_ns, cost_ns: monotonic_ns() - began_ns })
    }
}

/// A loan, stamped in place, and its publication.
struct Ours(Writer);

impl Publisher for Ours {
    fn publish(&mut self, number: u32) -> Outcome<Published> {
        let asked_ns = monotonic_ns();
        let mut loan = self.0.loan()?.ok_or_else(|| format!("no buffer was free for frame {number}"))?;
        let loaned_ns = monotonic_ns();
        let pixels = loan.pixels();
        let mark = number.to_ne_bytes();
        pixels[..mark.len()].copy_from_slice(&mark);
        let last = pixels.len() - mark.len();
        pixels[last..].copy_from_slice(&mark);
        let began_ns = monotonic_ns();
        loan.publish(&Stamp { frame_number: Some(number.into()), ..Stamp::default() })?;
        let cost_ns = (loaned_ns - asked_ns) + (monotonic_ns() - began_ns);
        Ok(Published { began_ns, cost_ns })
    }
}

fn open(kind: &str, name: &str, size: Size) -> Outcome<Box<dyn Publisher>> {
    match kind {
        "floor" => Ok(Box::new(Floor(Slots::create(name, size)?))),
        "ours" => {
            let geometry = Geometry::new(size.width, size.height, Format::Bgr24)?;
            Ok(Box::new(Ours(Writer::create(&Name::new(name)?, geometry, WriterOptions::default())?)))
        }
        _ => Err(format!("a writer knows no {kind}").into()),
    }
}

/// Publishes these frames and returns what is known of each, in their order, as JSON.
fn block(side: &mut dyn Publisher, numbers: impl Iterator<Item = u32>, period_ns: u64) -> Outcome<String> {
    let (mut began, mut costs, mut lateness) = (Vec::new(), Vec::new(), Vec::new());
    let mut deadline_ns = monotonic_ns();
    for number in numbers {
        deadline_ns += period_ns;
        sleep_until(deadline_ns)?;
        lateness.push(monotonic_ns().saturating_sub(deadline_ns));
        let published = side.publish(number)?;
        began.push(published.began_ns);
        costs.push(published.cost_ns);
    }
    Ok(format!(r#"{{"began": {began:?}, "costs": {costs:?}, "lateness": {lateness:?}}}"#))
}

/// Obeys until standard input ends; what was open is then removed.
pub(crate) fn serve() -> Outcome<()> {
    let mut sides = HashMap::new();
    let mut orders = Orders::new();
    while let Some(mut order) = orders.next()? {
        match order.word()?.as_str() {
            "open" => {
                let (kind, name) = (order.word()?, order.word()?);
                let side = open(&kind, &name, order.size()?)?;
                sides.insert(name, side);
                println!("{{}}");
            }
            "close" => {
                sides.remove(&order.word()?);
                println!("{{}}");
            }
            "publish" => {
                let side = named(&mut sides, &order.word()?)?;
                let numbers = order.number()?..=order.number()?;
                println!("{}", block(side, numbers, order.number()?)?);
            }
            other => return Err(format!("a writer does not {other}").into()),
        }
    }
    Ok(())
}
