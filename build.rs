//! Lists and compresses the files of the page (`ui/`) for the program.

fn main() {
    memory_serve::load_directory("./ui");
}
