//! The one place where memory is mapped and where bytes of it become references.

#![allow(unsafe_code, reason = "memory shared with other processes has no safe type")]

use std::fs::File;
use std::io;
use std::ptr::{self, NonNull};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap};

use crate::layout::Shared;

/// Pages of a file, shared, from its start. The mapping may be longer than the file is yet; who asks for bytes beyond
/// the end of the file gets a SIGBUS on touching them, so callers compare with the file's size first.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
    writable: bool,
}

// SAFETY: the pages belong to the process, not to a thread; everything reachable through a shared `Mapping` is atomics,
// or raw pointers whose users state their own case.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `length` bytes for reading only. A store through it is a SIGSEGV, by the kernel's hand.
    pub(crate) fn read_only(file: &File, length: usize) -> io::Result<Mapping> {
        Mapping::new(file, length, false)
    }

    /// Maps the first `length` bytes for reading and writing.
    pub(crate) fn writable(file: &File, length: usize) -> io::Result<Mapping> {
        Mapping::new(file, length, true)
    }

    fn new(file: &File, length: usize, writable: bool) -> io::Result<Mapping> {
        let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a new mapping at an address of the kernel's choice disturbs no other memory.
        let start = unsafe { mmap(ptr::null_mut(), length, protection, MapFlags::SHARED, file, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::Other)?;
        Ok(Mapping { start, length, writable })
    }

    /// The structure at `offset`. All of it lies inside the file, as the caller has checked or made sure.
    pub(crate) fn shared<T: Shared>(&self, offset: usize) -> &T {
        assert!(offset.is_multiple_of(align_of::<T>()) && align_of::<T>() <= 4096);
        let first = self.bytes(offset, size_of::<T>());
        // SAFETY: in bounds and aligned (asserted; mappings start on a page), mapped for as long as `self` is borrowed,
        // and `Shared` types are made of atomics: valid for any bytes, whoever changes them.
        unsafe { first.cast::<T>().as_ref() }
    }

    /// The first of `length` bytes at `offset`.
    pub(crate) fn bytes(&self, offset: usize, length: usize) -> NonNull<u8> {
        assert!(offset.checked_add(length).is_some_and(|end| end <= self.length));
        // SAFETY: in bounds (asserted).
        unsafe { self.start.add(offset) }
    }

    /// Bytes that nobody changes while the result lives.
    ///
    /// # Safety
    /// They lie inside the file, and the protocol keeps every process from writing to them for as long as `self` is
    /// borrowed: they are in a slot that the caller holds.
    pub(crate) unsafe fn held(&self, offset: usize, length: usize) -> &[u8] {
        let first = self.bytes(offset, length);
        // SAFETY: in bounds, initialised (files are zero-filled), and unchanged, by this function's contract.
        unsafe { std::slice::from_raw_parts(first.as_ptr(), length) }
    }

    /// Bytes that only the caller changes while the result lives.
    ///
    /// # Safety
    /// They lie inside the file, the mapping is writable, and nobody else in this process has a reference to them: they
    /// are in a slot that the caller has claimed.
    #[allow(clippy::mut_from_ref, reason = "the claim, not the borrow, makes it exclusive")]
    pub(crate) unsafe fn claimed(&self, offset: usize, length: usize) -> &mut [u8] {
        debug_assert!(self.writable);
        let first = self.bytes(offset, length);
        // SAFETY: in bounds, initialised (files are zero-filled), and exclusive, by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(first.as_ptr(), length) }
    }

    /// Has the kernel map the pages of a range now and not at the first touch, without changing a byte. A favour: where
    /// the kernel does not know it (before 5.14) the first touch costs what it costs.
    pub(crate) fn populate(&self, offset: usize, length: usize) {
        let page = rustix::param::page_size();
        let first = offset / page * page;
        let length = length + (offset - first);
        let start = self.bytes(first, length);
        let advice = if self.writable { Advice::LinuxPopulateWrite } else { Advice::LinuxPopulateRead };
        // SAFETY: the range lies in this mapping (asserted by `bytes`), and populating changes no content.
        let _unknown_to_old_kernels = unsafe { madvise(start.as_ptr().cast(), length, advice) };
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and whoever has references into it borrows or owns `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        debug_assert!(unmapped.is_ok());
    }
}
