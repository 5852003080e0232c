//! Every byte of a segment that is not a pixel. `docs/segment-layout.md` is this file in prose; a test holds them equal.
//!
//! All fields are atomics, so that a `&Header` over memory which another process changes is an honest reference. The
//! first 252 bytes are the header of an older system, kept current for its readers and never read here.

use std::mem::{align_of, offset_of, size_of};

use crate::FrameInfo;
use crate::protocol::{MAX_SLOTS, Words};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The older header's first word.
pub(crate) const LEGACY_MAGIC: u64 = 0x4249_5441_4C4C_5344;
pub(crate) const LEGACY_VERSION: u32 = 1;
/// Ours, at byte 256: "BVFRAMES".
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"BVFRAMES");
/// A lease file's first word: "BVLEASES".
pub(crate) const LEASES_MAGIC: u64 = u64::from_le_bytes(*b"BVLEASES");
/// A status file's first word: "BVSTATUS".
pub(crate) const STATUS_MAGIC: u64 = u64::from_le_bytes(*b"BVSTATUS");
/// Raised with every change of meaning.
pub(crate) const ABI: u32 = 1;

/// Where buffer 0 starts.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Buffers of a fresh segment.
pub(crate) const FIRST_SLOTS: usize = 3;
/// Reader handles that a segment has room for.
pub(crate) const LINES: usize = 64;
/// The most buffers one reader handle may hold.
pub(crate) const MAX_HELD: u32 = 3;
/// Bytes of a reader's name, cut to fit.
pub(crate) const READER_NAME_BYTES: usize = 64;
/// Bytes of a status file, head and text.
pub(crate) const STATUS_BYTES: usize = 65536;
/// Where the text of a status file starts.
pub(crate) const STATUS_HEAD_BYTES: usize = 64;
/// `Descriptor::position_ns` where the source has no positions.
pub(crate) const NO_POSITION: u64 = u64::MAX;
/// `Descriptor::flags`: frames are missing, or the source started anew, before this one.
pub(crate) const DISCONTINUITY: u32 = 1;

/// Marks types that any bytes are valid for and that may change under a shared reference.
pub(crate) trait Shared {}
impl Shared for Header {}
impl Shared for Leases {}
impl Shared for LeasesHead {}
impl Shared for AtomicU32 {}

/// The first page of the frames file.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) legacy: Legacy,
    pub(crate) identity: Identity,
    pub(crate) condition: Condition,
    pub(crate) latest: Line<AtomicU64>,
    pub(crate) notify: Line<AtomicU32>,
    pub(crate) counters: Counters,
    reserved: [[AtomicU64; 8]; 23],
    pub(crate) descriptors: [Descriptor; MAX_SLOTS],
}

/// A value with a cache line to itself.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Line<T>(pub(crate) T);

/// Bytes 0 to 255.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Legacy {
    pub(crate) magic: AtomicU64,
    pub(crate) version: AtomicU32,
    pub(crate) buffer_count: AtomicU32,
    pub(crate) width: AtomicU32,
    pub(crate) height: AtomicU32,
    pub(crate) format: AtomicU32,
    pub(crate) bytes_per_frame: AtomicU64,
    pub(crate) write_index: AtomicU32,
    pub(crate) read_index: AtomicU32,
    pub(crate) write_counter: AtomicU64,
    pub(crate) frame_number: AtomicU64,
    pub(crate) timestamp_sec: AtomicU64,
    pub(crate) timestamp_nsec: AtomicU64,
    pub(crate) writer_pid: AtomicU32,
    pub(crate) reader_count: AtomicU32,
    zero: [AtomicU64; 21],
}

/// What never changes in a segment's life.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) magic: AtomicU64,
    pub(crate) abi: AtomicU32,
    pub(crate) header_bytes: AtomicU32,
    pub(crate) epoch: AtomicU64,
    pub(crate) frame_bytes: AtomicU64,
    pub(crate) width: AtomicU32,
    pub(crate) height: AtomicU32,
    pub(crate) format: AtomicU32,
    pub(crate) max_buffers: AtomicU32,
    pub(crate) lease_lines: AtomicU32,
    pub(crate) descriptor_bytes: AtomicU32,
    pub(crate) created_ns: AtomicU64,
}

/// What the stream is doing: state in the low half of the word, reason in the high one.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) state: AtomicU64,
    pub(crate) since_ns: AtomicU64,
}

/// Figures for people.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) captured: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) heartbeat_ns: AtomicU64,
    pub(crate) buffers: AtomicU32,
}

/// What is known of the frame in one buffer.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) sequence: AtomicU64,
    pub(crate) frame_number: AtomicU64,
    pub(crate) captured_ns: AtomicU64,
    pub(crate) published_ns: AtomicU64,
    pub(crate) wall_ns: AtomicU64,
    pub(crate) position_ns: AtomicU64,
    pub(crate) loop_count: AtomicU32,
    pub(crate) flags: AtomicU32,
}

/// The lease file.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Leases {
    pub(crate) head: LeasesHead,
    pub(crate) line: [LeaseLine; LINES],
}

/// The first page of the lease file: the writer's part of it.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct LeasesHead {
    pub(crate) magic: AtomicU64,
    pub(crate) abi: AtomicU32,
    pub(crate) lines: AtomicU32,
    pub(crate) epoch: AtomicU64,
    pub(crate) bell: Line<AtomicU32>,
    reserved: [[AtomicU64; 8]; 62],
}

/// What one reader handle holds, and its figures: written by that handle alone.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct LeaseLine {
    pub(crate) mask: AtomicU32,
    pub(crate) pid: AtomicU32,
    pub(crate) frames_read: AtomicU64,
    pub(crate) missed: AtomicU64,
    pub(crate) held_since_ns: AtomicU64,
    pub(crate) attached_ns: AtomicU64,
    pub(crate) last_sequence: AtomicU64,
    reserved: [AtomicU64; 2],
    pub(crate) name: [AtomicU64; READER_NAME_BYTES / 8],
}

impl Legacy {
    /// Shows readers of the older system the frame in `slot`, the `count`-th that they can see.
    pub(crate) fn advance(&self, slot: usize, info: &FrameInfo, count: u64) {
        self.frame_number.store(info.frame_number, Ordering::Relaxed);
        self.timestamp_sec.store(info.wall_ns / 1_000_000_000, Ordering::Relaxed);
        self.timestamp_nsec.store(info.wall_ns % 1_000_000_000, Ordering::Relaxed);
        #[allow(clippy::cast_possible_truncation, reason = "0 to 2")]
        let (now, next) = (slot as u32, ((slot + 1) % FIRST_SLOTS) as u32);
        self.write_index.store(next, Ordering::Relaxed);
        // Release, twice: those readers take pixels and 56-79 by the read index, and the index by the counter. What they
        // make of it is theirs; the order is what they were written for.
        self.read_index.store(now, Ordering::Release);
        self.write_counter.store(count, Ordering::Release);
    }
}

impl Words for Header {
    fn latest(&self) -> &AtomicU64 {
        &self.latest.0
    }

    fn sequence(&self, slot: usize) -> &AtomicU64 {
        &self.descriptors[slot].sequence
    }
}

/// Byte offsets in the head pages, for whoever reads them with `pread`.
pub(crate) mod at {
    use super::{Condition, Counters, Descriptor, Header, Identity, LeasesHead, MAX_SLOTS, offset_of, size_of};

    const IDENTITY: usize = offset_of!(Header, identity);
    pub(crate) const MAGIC: usize = IDENTITY + offset_of!(Identity, magic);
    pub(crate) const ABI: usize = IDENTITY + offset_of!(Identity, abi);
    pub(crate) const HEADER_BYTES: usize = IDENTITY + offset_of!(Identity, header_bytes);
    pub(crate) const EPOCH: usize = IDENTITY + offset_of!(Identity, epoch);
    pub(crate) const FRAME_BYTES: usize = IDENTITY + offset_of!(Identity, frame_bytes);
    pub(crate) const WIDTH: usize = IDENTITY + offset_of!(Identity, width);
    pub(crate) const HEIGHT: usize = IDENTITY + offset_of!(Identity, height);
    pub(crate) const FORMAT: usize = IDENTITY + offset_of!(Identity, format);
    pub(crate) const MAX_BUFFERS: usize = IDENTITY + offset_of!(Identity, max_buffers);
    pub(crate) const LEASE_LINES: usize = IDENTITY + offset_of!(Identity, lease_lines);
    pub(crate) const DESCRIPTOR_BYTES: usize = IDENTITY + offset_of!(Identity, descriptor_bytes);
    pub(crate) const IN_DESCRIPTOR_FRAME_NUMBER: usize = offset_of!(Descriptor, frame_number);
    pub(crate) const IN_DESCRIPTOR_PUBLISHED: usize = offset_of!(Descriptor, published_ns);

    pub(crate) const STATE: usize = offset_of!(Header, condition) + offset_of!(Condition, state);
    pub(crate) const LATEST: usize = offset_of!(Header, latest);
    pub(crate) const NOTIFY: usize = offset_of!(Header, notify);
    pub(crate) const CAPTURED: usize = offset_of!(Header, counters) + offset_of!(Counters, captured);
    pub(crate) const PUBLISHED: usize = offset_of!(Header, counters) + offset_of!(Counters, published);
    pub(crate) const DROPPED: usize = offset_of!(Header, counters) + offset_of!(Counters, dropped);
    pub(crate) const HEARTBEAT: usize = offset_of!(Header, counters) + offset_of!(Counters, heartbeat_ns);
    pub(crate) const BUFFERS: usize = offset_of!(Header, counters) + offset_of!(Counters, buffers);
    pub(crate) const LEASES_ABI: usize = offset_of!(LeasesHead, abi);
    pub(crate) const LEASES_EPOCH: usize = offset_of!(LeasesHead, epoch);
    pub(crate) const LEASES_BELL: usize = offset_of!(LeasesHead, bell);
    pub(crate) const WRITER_PID: usize = offset_of!(Header, legacy) + offset_of!(super::Legacy, writer_pid);

    /// Where the descriptor of `slot` starts.
    pub(crate) const fn descriptor(slot: usize) -> usize {
        assert!(slot < MAX_SLOTS);
        offset_of!(Header, descriptors) + slot * size_of::<Descriptor>()
    }
}

/// Where buffer `slot` starts in the frames file.
pub(crate) fn buffer_start(slot: usize, frame_bytes: usize) -> usize {
    HEADER_BYTES + slot * frame_bytes
}

/// Bytes of a frames file of `slots` buffers: at most 4096 + 16 * 2^30.
pub(crate) fn file_bytes(slots: usize, frame_bytes: usize) -> usize {
    buffer_start(slots, frame_bytes)
}

const _: () = {
    assert!(size_of::<Header>() == HEADER_BYTES);
    assert!(offset_of!(Header, identity) == 256);
    assert!(offset_of!(Header, descriptors) == 2048);
    assert!(size_of::<Descriptor>() == 128 && size_of::<LeaseLine>() == 128);
    assert!(size_of::<LeasesHead>() == HEADER_BYTES && size_of::<Leases>() == HEADER_BYTES + LINES * 128);
    assert!(align_of::<Header>() <= 4096 && align_of::<Leases>() <= 4096);
};

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/segment-layout.md");

    /// Offsets and names of the table under a heading of the page.
    fn table(heading: &str) -> Vec<(usize, &'static str)> {
        let (_, rest) = PAGE.split_once(&format!("\n### {heading}\n")).unwrap_or_else(|| panic!("no '{heading}'"));
        let section = rest.split("\n#").next().unwrap();
        let row = |line: &'static str| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let offset = cells.next()?.parse().ok()?;
            Some((offset, cells.nth(1)?))
        };
        section.lines().filter_map(row).collect()
    }

    macro_rules! fields {
        ($base:expr, $type:ty: $($field:ident)*) => { vec![$(($base + offset_of!($type, $field), stringify!($field)),)*] };
    }

    #[test]
    fn the_page_and_the_compiler_agree() {
        let legacy = fields!(offset_of!(Header, legacy), Legacy: magic version buffer_count width height format bytes_per_frame
            write_index read_index write_counter frame_number timestamp_sec timestamp_nsec writer_pid reader_count);
        assert_eq!(legacy, table("Legacy"));
        let identity = fields!(offset_of!(Header, identity), Identity: magic abi header_bytes epoch frame_bytes width height
            format max_buffers lease_lines descriptor_bytes created_ns);
        assert_eq!(identity, table("Identity"));
        assert_eq!(fields!(offset_of!(Header, condition), Condition: state since_ns), table("Condition"));
        assert_eq!(fields!(0, Header: latest notify), table("Latest and notify"));
        let counters = fields!(offset_of!(Header, counters), Counters: captured published dropped heartbeat_ns buffers);
        assert_eq!(counters, table("Counters"));
        let descriptor = fields!(0, Descriptor: sequence frame_number captured_ns published_ns wall_ns position_ns
            loop_count flags);
        assert_eq!(descriptor, table("Descriptors"));
        assert_eq!(fields!(0, LeasesHead: magic abi lines epoch bell), table("Leases head"));
        let line = fields!(0, LeaseLine: mask pid frames_read missed held_since_ns attached_ns last_sequence name);
        assert_eq!(line, table("Lease line"));
        for reason in crate::Reason::ALL.iter().skip(1) {
            let words = PAGE.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(&format!("{} {}", reason.code(), reason.as_str())), "{reason} is not on the page");
        }
        for state in crate::State::ALL {
            assert!(PAGE.contains(&format!("{state} {}", state.code())), "{state} is not on the page");
        }
    }
}
