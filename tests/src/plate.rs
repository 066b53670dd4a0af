//! Print archives: what slicers make and owners upload.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use firstlayer_bundle::Sha256;
use md5::{Digest, Md5};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A short job: heats, and prints two layers.
pub const SHORT: &str = "M140 S55\nM104 S215\nM190 S55\nM109 S215\nG28\n; CHANGE_LAYER\nG1 X10 Y10 F3000\nG1 X20 Y20 E5\n\
    ; CHANGE_LAYER\nG1 Z0.4\nG1 X10 Y10 E5\nM104 S0\nM140 S0\n";

/// A job that goes on for an hour of the machine's time.
pub fn long() -> String {
    let waits = "G4 S60\n; CHANGE_LAYER\n".repeat(60);
    format!("M140 S55\nM104 S215\nM190 S55\nM109 S215\nG28\n; CHANGE_LAYER\n{waits}")
}

/// A `.3mf` whose first plate holds this G-code, with so many bytes beside it that do not compress.
pub fn archive(gcode: &str, beside: usize) -> Vec<u8> {
    let mut digest = String::new();
    for byte in Md5::digest(gcode.as_bytes()) {
        digest.push_str(&format!("{byte:02X}"));
    }
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, options) in [
        ("3D/3dmodel.model", noise(beside), stored),
        (
            "Metadata/plate_1.gcode",
            gcode.as_bytes().to_vec(),
            deflated,
        ),
        ("Metadata/plate_1.gcode.md5", digest.into_bytes(), stored),
    ] {
        zip.start_file(name, options).expect("a member");
        zip.write_all(&bytes).expect("memory");
    }
    zip.finish().expect("an archive").into_inner()
}

/// The archive as a file in a folder.
pub fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("writing an archive");
    path
}

/// Bytes that are the same in every run, and compress to nothing less.
pub fn noise(length: usize) -> Vec<u8> {
    let blocks =
        (0..length.div_ceil(32)).flat_map(|index| *Sha256::of(&index.to_le_bytes()).as_bytes());
    blocks.take(length).collect()
}
