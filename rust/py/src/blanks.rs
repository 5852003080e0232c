//! Arrays over a writer's slots, made while nobody waits for a frame.
//!
//! As for a reader's frames (see `prepared`): a publisher that has waited for its camera runs cold, and an array made then
//! costs twenty microseconds, sixteen made at once hardly more.

use billiards_video::SlotAddress;
use pyo3::prelude::*;

use crate::hold::Hold;
use crate::prepared::is_free_threaded;
use crate::view::View;

/// How many are made at a time for a slot.
const IN_STOCK: usize = 16;

/// Views without a loan, by the number of their slot.
#[derive(Default)]
pub(crate) struct Blanks {
    epoch: u64,
    stocks: Vec<Vec<View>>,
}

impl Blanks {
    /// One for this slot.
    pub(crate) fn take(&mut self, address: &SlotAddress) -> Option<View> {
        let stock = self.stocks.get_mut(address.slot())?;
        if self.epoch == address.epoch() { stock.pop() } else { None }
    }

    /// Whether there is none for this slot.
    pub(crate) fn lack(&self, address: &SlotAddress) -> bool {
        self.epoch != address.epoch() || self.stocks.get(address.slot()).is_none_or(Vec::is_empty)
    }

    /// Whether all are for another segment, which must not stay mapped for them.
    pub(crate) fn are_past(&self, epoch: u64) -> bool {
        self.epoch != epoch && !self.stocks.is_empty()
    }

    /// Takes new ones. What it gives back is to be dropped outside of any lock.
    #[must_use]
    pub(crate) fn put(&mut self, address: &SlotAddress, views: Vec<View>) -> Blanks {
        let past = if self.epoch == address.epoch() { Blanks::default() } else { std::mem::take(self) };
        self.epoch = address.epoch();
        while self.stocks.len() <= address.slot() {
            self.stocks.push(Vec::new());
        }
        self.stocks[address.slot()].extend(views);
        past
    }
}

/// Makes a stock for a slot.
pub(crate) fn make(py: Python<'_>, address: &SlotAddress) -> PyResult<Vec<View>> {
    if is_free_threaded(py)? {
        return Ok(Vec::new()); // as in `prepared`
    }
    (0..IN_STOCK).map(|_| View::with_array(py, Hold::blank(address.clone()))).collect()
}
