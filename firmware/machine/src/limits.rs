//! The limits on a print file, each with the attack that it stops.

/// How large the parts of a print file may be. Each is checked before anything of the size in question is read,
/// decompressed or allocated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Entries of an archive. Stops an entry count bomb, which makes every look at the directory slow.
    pub entries: u64,
    /// Bytes of an archive's directory. Stops long names, extra fields and comments that fill the memory.
    pub directory: u64,
    /// Bytes of an entry's name. Stops names that no log line can show.
    pub name: usize,
    /// Bytes of G-code, decompressed. Stops a zip bomb that declares its size, and a check that takes hours.
    pub gcode: u64,
    /// How many times larger than its compressed form the G-code may be. Stops a zip bomb by ratio. Slicers' G-code
    /// comes to 3 to 20 times; deflate's own bound is 1032.
    pub ratio: u64,
    /// Bytes of G-code that no ratio is asked of: what decompresses at once harms nobody.
    pub ratio_free: u64,
    /// Bytes of a plate's MD5 file. Stops one that fills the memory; 32 digits are needed.
    pub md5: u64,
    /// Bytes of a line's code, the part before its comment. Stops an endless line that fills the memory.
    pub code: usize,
    /// Bytes of a line with its comment. Stops a comment that goes on for gigabytes, during which a printing machine
    /// would hear nobody. Slicers put their whole start G-code, tens of kilobytes, into one comment.
    pub line: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 4096,
            directory: 1 << 20,
            name: 512,
            gcode: 2 << 30,
            ratio: 200,
            ratio_free: 16 << 20,
            md5: 128,
            code: 512,
            line: 256 << 10,
        }
    }
}
