//! What a frame is: its size and its pixel format, checked once.

use std::fmt;

use crate::Error;

/// The widest and the highest a frame may be.
pub const MAX_SIDE: u32 = 16384;

/// How the pixels of a frame are laid out: 8 bits a channel, channels interleaved, rows without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Red, green, blue.
    Rgb24 = 1,
    /// Blue, green, red: what OpenCV produces.
    Bgr24 = 2,
    /// One channel of brightness.
    Gray8 = 3,
    /// Red, green, blue, alpha.
    Rgba32 = 4,
    /// Blue, green, red, alpha.
    Bgra32 = 5,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [Format::Rgb24, Format::Bgr24, Format::Gray8, Format::Rgba32, Format::Bgra32];

    /// The number that stands for it in a segment's header.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// The format that a header's number stands for.
    pub fn from_code(code: u32) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.code() == code)
    }

    /// Bytes in a pixel.
    pub fn channels(self) -> usize {
        match self {
            Format::Gray8 => 1,
            Format::Rgb24 | Format::Bgr24 => 3,
            Format::Rgba32 | Format::Bgra32 => 4,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Format::Rgb24 => "RGB24",
            Format::Bgr24 => "BGR24",
            Format::Gray8 => "GRAY8",
            Format::Rgba32 => "RGBA32",
            Format::Bgra32 => "BGRA32",
        })
    }
}

/// Width, height and format of every frame of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    width: u32,
    height: u32,
    format: Format,
}

impl Geometry {
    /// A geometry of 1 to [`MAX_SIDE`] pixels each way.
    ///
    /// # Errors
    /// [`Error::BadGeometry`] for anything else.
    pub fn new(width: u32, height: u32, format: Format) -> Result<Geometry, Error> {
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(Error::BadGeometry { width, height });
        }
        Ok(Geometry { width, height, format })
    }

    /// Pixels in a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixel format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes in a pixel.
    pub fn channels(&self) -> usize {
        self.format.channels()
    }

    /// Bytes in a frame: at most 2^30, so that no sum of a segment's sizes can overflow.
    pub fn frame_bytes(&self) -> usize {
        self.width as usize * self.height as usize * self.channels()
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}x{} {}", self.width, self.height, self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_a_size_within_bounds() {
        let largest = Geometry::new(MAX_SIDE, MAX_SIDE, Format::Rgba32).unwrap();
        assert_eq!(1 << 30, largest.frame_bytes());
        for (width, height) in [(0, 1), (1, 0), (MAX_SIDE + 1, 1), (1, u32::MAX)] {
            assert!(matches!(Geometry::new(width, height, Format::Gray8), Err(Error::BadGeometry { .. })));
        }
    }

    #[test]
    fn a_format_comes_back_from_its_code() {
        for format in Format::ALL {
            assert_eq!(Some(format), Format::from_code(format.code()));
        }
        assert_eq!(None, Format::from_code(0));
        assert_eq!(None, Format::from_code(6));
    }
}
