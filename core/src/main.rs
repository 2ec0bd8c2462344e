//! The `tapedeck` command. Everything it does is in the library.

fn main() -> std::process::ExitCode {
    tapedeck_core::cli::main()
}
