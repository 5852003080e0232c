//! Numbers from Python, which has no bounds, on their way to types that have: out of range is a `ValueError` that says
//! what is allowed, and not an `OverflowError` that says nothing.

use billiards_video::{Format, Geometry, MAX_SIDE};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A number between `first` and `last`.
pub(crate) fn within<T: TryFrom<i64>>(option: &str, value: i64, first: i64, last: i64) -> PyResult<T> {
    let number = T::try_from(value).ok().filter(|_| (first..=last).contains(&value));
    number.ok_or_else(|| PyValueError::new_err(format!("{option} is {value}: allowed are {first} to {last}")))
}

/// A frame's geometry.
pub(crate) fn geometry(width: i64, height: i64, format: Format) -> PyResult<Geometry> {
    let side = |name, value| within(name, value, 1, MAX_SIDE.into());
    Geometry::new(side("width", width)?, side("height", height)?, format).map_err(crate::errors::to_python)
}
