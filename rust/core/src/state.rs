//! What a stream is doing, and why: two small numbers in one shared word.

use std::fmt;

macro_rules! coded {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$inner])* $variant = $code,)* }

        impl $name {
            /// Every value.
            pub const ALL: &[$name] = &[$($name::$variant,)*];

            /// The number that stands for it in a segment's header.
            pub fn code(self) -> u32 {
                self as u32
            }

            /// The value that a header's number stands for.
            pub fn from_code(code: u32) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.code() == code)
            }

            /// Its name, in words.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

coded! {
    /// The state of a stream, as its writer last said.
    State {
        /// Frames come as they should.
        Live = 1, "LIVE";
        /// The source is there but gives no frames, or bad ones.
        Stalled = 2, "STALLED";
        /// The source is gone and is being opened again.
        Reconnecting = 3, "RECONNECTING";
        /// The source came to its end: there will be no more frames.
        Ended = 4, "ENDED";
        /// The source is lost and will not be tried again.
        Failed = 5, "FAILED";
        /// A newer segment has taken this one's name: readers follow.
        Superseded = 6, "SUPERSEDED";
        /// The writer has stopped.
        Closed = 7, "CLOSED";
    }
}

coded! {
    /// Why a stream is in its state.
    Reason {
        /// Nothing to say.
        None = 0, "";
        /// Asked to stop.
        Stopped = 1, "stopped";
        /// The last frame of the source was published.
        EndOfSource = 2, "end of the source";
        /// The source could not be opened.
        OpenFailed = 3, "the source cannot be opened";
        /// No frame came in the time it should have.
        NoFrames = 4, "no frames arrive";
        /// The source went away.
        Disconnected = 5, "the source is gone";
        /// Frames come slower than agreed.
        SlowFrames = 6, "frames arrive too slowly";
        /// The picture does not change.
        FrozenPicture = 7, "the picture is frozen";
        /// The picture is black, green or torn.
        BadPicture = 8, "the picture is bad";
        /// Another writer has published under the name.
        NameTaken = 9, "another writer has taken the name";
        /// The frames have another size or format now.
        NewGeometry = 10, "the frames have a new size";
        /// The name was removed and has been published again.
        Healed = 11, "the name was removed and published again";
        /// A new writer publishes under the name.
        NewWriter = 12, "a new writer publishes";
        /// The capture process met an error of its own.
        InternalError = 13, "an error in the capture process";
    }
}

/// State and reason as one word, so that readers see them change together.
pub(crate) fn pack(state: State, reason: Reason) -> u64 {
    u64::from(reason.code()) << 32 | u64::from(state.code())
}

/// What a word says. A number that this version does not know is a state of a later one: it reads as `Live` with no
/// reason, since only the states known here change what a reader does.
pub(crate) fn unpack(word: u64) -> (State, Reason) {
    #[allow(clippy::cast_possible_truncation, reason = "the word is two halves")]
    let (state, reason) = (word as u32, (word >> 32) as u32);
    (State::from_code(state).unwrap_or(State::Live), Reason::from_code(reason).unwrap_or(Reason::None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_reason_come_back_from_their_word() {
        for &state in State::ALL {
            for &reason in Reason::ALL {
                assert_eq!((state, reason), unpack(pack(state, reason)));
            }
        }
        assert_eq!((State::Live, Reason::None), unpack(u64::MAX));
    }
}
