//! Bytes as a script: each choice takes a few of them, so that any bytes are a script, and a fuzzer can vary each choice.

/// What is left of a script. Behind its end every choice is the first.
#[derive(Debug)]
pub(crate) struct Script<'b>(&'b [u8]);

impl<'b> Script<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Script<'b> {
        Script(bytes)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// The next bytes as they are, or as many as are left.
    pub(crate) fn bytes(&mut self, count: usize) -> &'b [u8] {
        let (taken, left) = self.0.split_at(count.min(self.0.len()));
        self.0 = left;
        taken
    }

    /// Any word.
    pub(crate) fn word(&mut self) -> u64 {
        self.number(8)
    }

    /// Something below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        let bytes = if limit <= 1 << 8 { 1 } else { 3 };
        self.number(bytes) % limit
    }

    /// A length below `limit`, or an index.
    pub(crate) fn length(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).expect("below a usize")
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.length(among.len())]
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) + 1 == times
    }

    fn number(&mut self, bytes: usize) -> u64 {
        let mut word = [0; 8];
        let taken = self.bytes(bytes);
        word[..taken.len()].copy_from_slice(taken);
        u64::from_le_bytes(word)
    }
}
