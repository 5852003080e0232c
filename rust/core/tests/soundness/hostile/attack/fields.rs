//! Where the fields of a segment's files are, by the page that describes them, and what to write over them.

use std::sync::OnceLock;

use super::script::Script;

const PAGE: &str = include_str!("../../../../../../docs/segment-layout.md");

/// Bytes of the page that the frames file begins with.
const HEADER_BYTES: u64 = 4096;
/// Where the descriptors of the buffers start, and how far they are apart.
const DESCRIPTORS: u64 = 2048;
/// Where the lease lines start.
const LINES: u64 = 4096;
/// Bytes of a descriptor, and of a line.
const STEP: u64 = 128;

/// The files of a segment that have fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Frames,
    Leases,
    Status,
}

impl Which {
    pub(crate) const ALL: [Which; 3] = [Which::Frames, Which::Leases, Which::Status];

    fn heading(self) -> &'static str {
        match self {
            Which::Frames => "Header page of the frames file",
            Which::Leases => "Lease file",
            Which::Status => "Status file",
        }
    }
}

/// A field, everywhere it occurs.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: &'static str,
    at: u64,
    width: usize,
    repeats: u64,
}

/// The fields of a file.
fn fields(which: Which) -> &'static [Field] {
    static FIELDS: OnceLock<[Vec<Field>; 3]> = OnceLock::new();
    &FIELDS.get_or_init(|| Which::ALL.map(read_page))[which as usize]
}

fn read_page(which: Which) -> Vec<Field> {
    let (_, rest) = PAGE.split_once(&format!("\n## {}\n", which.heading())).expect("the page has a heading per file");
    let section = rest.split("\n## ").next().expect("a section");
    let mut found = Vec::new();
    for part in section.split("\n### ") {
        let (base, repeats) = match part.lines().next() {
            Some("Descriptors") => (DESCRIPTORS, 16),
            Some("Lease line") => (LINES, 64),
            _ => (0, 1),
        };
        found.extend(part.lines().filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let at: u64 = cells.next()?.parse().ok()?;
            let width = if cells.next()? == "u32" { 4 } else { 8 };
            Some(Field { name: cells.next()?, at: base + at, width, repeats })
        }));
    }
    assert!(found.len() >= 5, "the page's tables have fields: {found:?}");
    found
}

/// Where a field of the header is.
pub(crate) fn header(name: &str) -> u64 {
    fields(Which::Frames).iter().rfind(|field| field.name == name).expect("a field of the header").at
}

/// Where the sequence of a buffer is.
pub(crate) fn sequence(slot: u64) -> u64 {
    DESCRIPTORS + STEP * slot
}

/// Where a lease line is.
pub(crate) fn line(index: u64) -> u64 {
    LINES + STEP * index
}

/// Some bytes to be written somewhere.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) at: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Patch {
    /// A field with a value that may be on some edge, or anything anywhere.
    pub(crate) fn draw(script: &mut Script<'_>, which: Which) -> Patch {
        if script.once_in(4) {
            // Of the frames file only the first page: pixels are its writer's alone.
            let at = script.below(if which == Which::Frames { HEADER_BYTES - 16 } else { 3 * HEADER_BYTES });
            let length = 1 + script.length(16);
            return Patch { at, bytes: script.bytes(length).to_vec() };
        }
        let field = script.pick(fields(which));
        // Mostly one of the first of its kind: those are in use.
        let among = if script.once_in(2) { field.repeats } else { field.repeats.min(3) };
        let at = field.at + STEP * script.below(among);
        Patch { at, bytes: value(script).to_le_bytes()[..field.width].to_vec() }
    }

    /// Whether it touches any of these bytes.
    pub(crate) fn touches(&self, from: u64, length: u64) -> bool {
        self.at < from + length && from < self.at + self.bytes.len() as u64
    }
}

/// A number on the edge of something that the files count, a frame's name, or any number.
fn value(script: &mut Script<'_>) -> u64 {
    const EDGES: [u64; 28] = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        15,
        16,
        17,
        63,
        64,
        65,
        128,
        255,
        4096,
        16384,
        16385,
        65472,
        65473,
        u32::MAX as u64,
        1 << 31,
        1 << 55,
        1 << 63,
        u64::MAX,
    ];
    match script.below(4) {
        0 | 1 => script.pick(&EDGES),
        2 => script.below(32) << 8 | script.below(18), // as `latest` is
        _ => script.word(),
    }
}
