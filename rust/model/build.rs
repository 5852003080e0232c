//! Writes each mutant of the protocol file, and the modules that compile and check it.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

mod mutants;

use mutants::{MUTANTS, Mutant};

const PROTOCOL: &str = "../core/src/protocol.rs";

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for input in [PROTOCOL, "mutants.rs"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let intact = fs::read_to_string(PROTOCOL).unwrap_or_else(|error| panic!("cannot read {PROTOCOL}: {error}"));
    let mut modules = String::new();
    for mutant in MUTANTS {
        let file = Path::new(&out).join(format!("{}.rs", mutant.name));
        fs::write(&file, mutant.of(&intact)).unwrap_or_else(|error| panic!("cannot write {}: {error}", file.display()));
        mutant.declare(&mut modules, &file, Path::new(&here)).expect("a String takes all that is written");
    }
    fs::write(Path::new(&out).join("mutants.rs"), modules).expect("OUT_DIR is writable");
}

impl Mutant {
    /// The file with its edits made.
    fn of(&self, intact: &str) -> String {
        self.edits.iter().fold(intact.to_owned(), |text, (original, replacement)| {
            let count = text.matches(original).count();
            assert!(count == 1, "mutant {}: {original:?} occurs {count} times in {PROTOCOL}, not once", self.name);
            text.replace(original, replacement)
        })
    }

    fn declare(&self, modules: &mut String, file: &Path, here: &Path) -> std::fmt::Result {
        let name = self.name;
        writeln!(modules, "#[allow(warnings, clippy::all, clippy::pedantic)]")?;
        writeln!(modules, "mod {name} {{")?;
        writeln!(modules, "    #[path = {file:?}] mod protocol;")?;
        for part in ["actors", "scenarios"] {
            writeln!(modules, "    #[path = {:?}] mod {part};", here.join(format!("src/{part}.rs")))?;
        }
        writeln!(modules, "    #[test] fn matrix() {{ for s in scenarios::ALL {{ s.matrix({name:?}); }} }}")?;
        for (scenario, promise) in self.caught_by {
            let test = scenario.to_lowercase();
            writeln!(modules, "    #[test]")?;
            writeln!(modules, "    fn is_caught_by_{test}() {{")?;
            writeln!(modules, "        scenarios::{scenario}.breaks({name:?}, crate::promise::{promise});")?;
            writeln!(modules, "    }}")?;
        }
        writeln!(modules, "}}")
    }
}
