//! Files that are G-code and nothing else.

use std::{io::Write, sync::Arc};

use firstlayer_machine::{ArchiveError, Limits, Plate};

use crate::support::text;

fn plain(gcode: &str) -> Result<Plate, ArchiveError> {
    Plate::of_text(Arc::new(gcode.as_bytes().to_vec()), &Limits::default())
}

#[test]
fn a_plain_file_is_printed_as_it_is() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"G28\r\nG1 X1").unwrap();
    let plate = Plate::plain(file).unwrap();
    assert_eq!((plate.number(), plate.outline().lines), (None, 2));
    assert_eq!(text(&plate).unwrap(), "G28\nG1 X1\n");
}

#[test]
fn layers_are_counted_by_whatever_marks_them() {
    for (gcode, layers) in [
        ("G28\n", 0),
        (";LAYER_CHANGE\n;LAYER_CHANGE\n", 2),
        ("; total layer number: 7\n; CHANGE_LAYER\n", 7),
        ("; layer num/total_layer_count: 1/3\n", 3),
        ("M73 L1\nM73 L2\n", 2),
        (";LAYER_COUNT:5\n;LAYER:0\n", 5),
        (
            "; layer num/total_layer_count: x/y\n; total layer number: -3\n",
            0,
        ),
    ] {
        assert_eq!(plain(gcode).unwrap().outline().layers, layers, "{gcode}");
    }
}

#[test]
fn a_line_without_an_end_is_refused() {
    let error = plain(&format!("G28\n{}", "1".repeat(5000))).unwrap_err();
    assert!(matches!(error, ArchiveError::LineTooLong(2)));
}

#[test]
fn long_comments_are_shortened() {
    let gcode = format!("G1 X1 ;{}\nG28\n", "c".repeat(50_000));
    let plate = plain(&gcode).unwrap();
    let text = text(&plate).unwrap();
    assert!(text.starts_with("G1 X1 ;c") && text.ends_with("\nG28\n") && text.len() < 1000);
}

#[test]
fn a_file_changed_after_the_check_is_found_out() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "G28\n").unwrap();
    let plate = Plate::plain(file.reopen().unwrap()).unwrap();
    std::fs::write(&file, "G29\n").unwrap();
    assert!(matches!(text(&plate), Err(ArchiveError::Crc)));
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let mut limits = Limits::default();
    limits.gcode = 3;
    let error = Plate::of_text(Arc::new(b"G28\n".to_vec()), &limits).unwrap_err();
    assert!(matches!(error, ArchiveError::TooLarge { .. }));
}
