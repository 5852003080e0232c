//! The reader's process: a floor that is woken, ours, and blocks of frames taken as they come.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

use billiards_video::{Name, Reader, ReaderOptions};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::clock::{monotonic_ns, processor_ns};
use crate::side::{Orders, Outcome, Size, named};
use crate::slots::Slots;
use crate::sync::Ordering;

/// A frame that takes longer is a failure, not a latency.
const PATIENCE: Duration = Duration::from_secs(10);

/// A frame that was taken, looked at and let go of.
struct Taken {
    number: u32,
    /// When its pixels could be used.
    ready_ns: u64,
    /// Whether its first and last bytes bear its number.
    whole: bool,
}

trait Receiver {
    fn take(&mut self) -> Outcome<Taken>;
}

/// Waits on the futex; the frame is its slot.
struct Floor {
    slots: Slots,
    seen: u32,
}

impl Receiver for Floor {
    fn take(&mut self) -> Outcome<Taken> {
        let number = self.slots.wait_past(self.seen);
        self.seen = number;
        let pixels = black_box(self.slots.frame(number));
        let ready_ns = monotonic_ns();
        let marks = [&pixels[0], &pixels[pixels.len() - 1]].map(|word| word.load(Ordering::Relaxed));
        Ok(Taken { number, ready_ns, whole: marks == [number; 2] })
    }
}

/// Waits for a frame and looks at the shared buffer; its hold ends with the call.
struct Ours(Reader);

impl Receiver for Ours {
    fn take(&mut self) -> Outcome<Taken> {
        let frame = self.0.wait(Some(PATIENCE))?.ok_or("no frame came in time")?;
        let pixels: &[u8] = black_box(&frame);
        let ready_ns = monotonic_ns();
        let number = u32::try_from(frame.info().frame_number)?;
        let mark = number.to_ne_bytes();
        Ok(Taken { number, ready_ns, whole: pixels.starts_with(&mark) && pixels.ends_with(&mark) })
    }
}

fn open(kind: &str, name: &str, size: Size) -> Outcome<Box<dyn Receiver>> {
    let low_latency = match kind {
        "floor" => {
            let slots = Slots::open(name, size)?;
            let seen = slots.newest();
            return Ok(Box::new(Floor { slots, seen }));
        }
        "ours" => false,
        "ours,low-latency" => true,
        _ => return Err(format!("a reader knows no {kind}").into()),
    };
    let options = ReaderOptions { low_latency, ..ReaderOptions::default() };
    Ok(Box::new(Ours(Reader::attach(&Name::new(name)?, options)?)))
}

/// Takes frames until `last` comes and returns what is known of those from `first` on, as JSON. The processor time lies
/// between two frames just taken, so that it has as many waits as frames.
fn block(receiver: &mut dyn Receiver, first: u32, last: u32) -> Outcome<String> {
    let (mut numbers, mut ready, mut torn) = (Vec::new(), Vec::new(), 0);
    let (mut spent_before, mut spent) = (0, 0);
    let mut number = 0;
    while number < last {
        let taken = receiver.take()?;
        number = taken.number;
        if number < first {
            continue;
        }
        spent = processor_ns();
        if numbers.is_empty() {
            spent_before = spent;
        }
        numbers.push(number);
        ready.push(taken.ready_ns);
        torn += u32::from(!taken.whole);
    }
    let spent = spent - spent_before;
    Ok(format!(r#"{{"numbers": {numbers:?}, "ready": {ready:?}, "torn": {torn}, "processor": {spent}}}"#))
}

/// Obeys until standard input ends. It dies with its parent, since a floor's reader may wait for a frame for ever.
pub(crate) fn serve() -> Outcome<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
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
            "read" => {
                let side = named(&mut sides, &order.word()?)?;
                let (first, last) = (order.number()?, order.number()?);
                println!("{{}}"); // from here on it waits: the writer may begin
                println!("{}", block(side, first, last)?);
            }
            other => return Err(format!("a reader does not {other}").into()),
        }
    }
    Ok(())
}
