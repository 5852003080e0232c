#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| billiards_video_fuzz::live(script));
