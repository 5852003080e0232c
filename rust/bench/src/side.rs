//! What writer and reader have in common: orders by the line, sides by their names.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Lines, StdinLock, stdin};
use std::str::FromStr;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// Frames of three bytes a pixel, as OpenCV has them.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) fn frame_bytes(self) -> usize {
        3 * self.width as usize * self.height as usize
    }
}

/// The words of one order.
pub(crate) struct Order {
    words: std::vec::IntoIter<String>,
}

impl Order {
    pub(crate) fn word(&mut self) -> Outcome<String> {
        self.words.next().ok_or_else(|| "an order is a word too short".into())
    }

    pub(crate) fn number<T: FromStr<Err: Error + 'static>>(&mut self) -> Outcome<T> {
        Ok(self.word()?.parse()?)
    }

    pub(crate) fn size(&mut self) -> Outcome<Size> {
        Ok(Size { width: self.number()?, height: self.number()? })
    }
}

/// What is left of standard input.
pub(crate) struct Orders(Lines<StdinLock<'static>>);

impl Orders {
    pub(crate) fn new() -> Orders {
        Orders(stdin().lines())
    }

    /// The next order; `None` when the caller has gone.
    pub(crate) fn next(&mut self) -> Outcome<Option<Order>> {
        let Some(line) = self.0.next().transpose()? else { return Ok(None) };
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Ok(Some(Order { words: words.into_iter() }))
    }
}

/// The side of this name.
pub(crate) fn named<'s, T: ?Sized>(sides: &'s mut HashMap<String, Box<T>>, name: &str) -> Outcome<&'s mut T> {
    sides.get_mut(name).map(|side| &mut **side).ok_or_else(|| format!("no side is called {name}").into())
}
