//! Writes a copy of the protocol file for each mutant, and the modules that compile and test them.

mod mutants;

use mutants::{MUTANTS, Mutant};
use std::path::{Path, PathBuf};
use std::{env, fs};

const PROTOCOL: &str = "../core/src/protocol.rs";

fn main() {
    for input in [PROTOCOL, "build.rs", "mutants.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let intact = fs::read_to_string(PROTOCOL).unwrap_or_else(|error| panic!("cannot read {PROTOCOL}: {error}"));
    let modules = MUTANTS.iter().map(|mutant| {
        let file = out.join(format!("{}.rs", mutant.name));
        write(&file, &mutant.text(&intact));
        mutant.module(&file, &here.join("src"))
    });
    write(&out.join("mutants.rs"), &modules.collect::<String>());
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
}

/// The path as Rust source.
fn literal(path: &Path) -> String {
    format!("{:?}", path.to_str().expect("rustc takes paths in UTF-8"))
}

impl Mutant {
    /// The protocol file with this mutant's edits.
    fn text(&self, intact: &str) -> String {
        self.edits.iter().fold(intact.to_owned(), |text, (original, replacement)| {
            let count = text.matches(original).count();
            assert!(
                count == 1,
                "mutants.rs: the mutant {} replaces {original:?}, which must occur once in {PROTOCOL} and occurs \
                 {count} times: write it again for the file as it is now",
                self.name
            );
            text.replace(original, replacement)
        })
    }

    /// The module of this mutant: its file, the actors that follow it, their stories, and a test for each that fails.
    fn module(&self, file: &Path, sources: &Path) -> String {
        assert!(!self.caught_by.is_empty(), "mutants.rs: no story catches {}", self.name);
        let name = self.name;
        let [file, actors, scenarios] =
            [file, &sources.join("actors.rs"), &sources.join("scenarios/mod.rs")].map(literal);
        let tests = self.caught_by.iter().map(|(scenario, promise)| {
            let test = scenario.to_lowercase();
            format!(
                "    #[test]
    fn is_caught_by_{test}() {{
        scenarios::{scenario}.breaks({name:?}, crate::promise::{promise});
    }}
"
            )
        });
        let tests: String = tests.collect();
        format!(
            "#[allow(warnings, reason = \"only the intact file is for reading\")]
mod {name} {{
    #[path = {actors}]
    mod actors;
    #[path = {file}]
    mod protocol;
    #[path = {scenarios}]
    mod scenarios;
{tests}}}
"
        )
    }
}
