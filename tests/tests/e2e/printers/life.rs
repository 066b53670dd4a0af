//! A release's life on a printer: installed, tried, confirmed or given up.

use firstlayer_tests::fixture::Fixture;

use super::{Scene, on_both};

#[test]
fn a_release_is_installed_tried_and_confirmed() {
    on_both(|board| {
        let mut scene = Scene::new(board);
        let installed = scene.printer.report(&["update", "install"]);
        assert_eq!(installed["installed"], "1.1.0", "{installed}");
        assert_eq!(scene.printer.inactive_slot(), scene.fixture.image());
        assert_eq!(scene.printer.status()["state"], "pending-reboot");
        scene.printer.reboot();
        let trial = scene.printer.status();
        assert_eq!(
            (&trial["state"], &trial["running"]),
            (&"trial".into(), &"1.1.0".into()),
            "{trial}"
        );
        assert_eq!(trial["counter"], 10, "what runs is 10: {trial}");
        scene.printer.report(&["update", "confirm"]);
        scene.printer.reboot();
        let confirmed = scene.printer.status();
        assert_eq!(
            (&confirmed["state"], &confirmed["running"]),
            (&"confirmed".into(), &"1.1.0".into())
        );
        assert_eq!(
            (&confirmed["counter"], &confirmed["trial"]),
            (&10.into(), &serde_json::Value::Null)
        );
        let again = scene.printer.report(&["update", "install"]);
        assert_eq!(
            (&again["check"]["outcome"], &again["installed"]),
            (&"up-to-date".into(), &serde_json::Value::Null)
        );
    });
}

#[test]
fn a_trial_that_is_not_confirmed_falls_back_and_is_remembered() {
    on_both(|board| {
        let mut scene = Scene::new(board);
        scene.printer.report(&["update", "install"]);
        for _ in 0..2 {
            scene.printer.reboot();
            assert_eq!(scene.printer.status()["running"], "1.1.0");
        }
        scene.printer.reboot();
        let status = scene.printer.status();
        assert_eq!(
            (&status["running"], &status["state"]),
            (&"1.0.0".into(), &"rolled-back".into()),
            "{status}"
        );
        assert_eq!(
            status["counter"], 5,
            "the counter rises only when a release is confirmed: {status}"
        );
        let again = scene.printer.run(&["update", "install"]);
        assert_eq!(again.code, Some(8), "{again}");
        assert!(
            again.stdout.contains("it failed on this printer before"),
            "{again}"
        );
        // The next release is another matter.
        Fixture::new(board)
            .release("1.1.0")
            .release("1.2.0")
            .at_version(2)
            .publish(scene.folder());
        assert_eq!(
            scene.printer.report(&["update", "install"])["installed"],
            "1.2.0"
        );
    });
}

#[test]
fn a_rolled_back_release_is_not_tried_again() {
    on_both(|board| {
        let mut scene = Scene::new(board);
        scene.printer.report(&["update", "install"]);
        scene.printer.reboot();
        assert_eq!(
            scene.printer.report(&["update", "rollback"])["reboot_needed"],
            true
        );
        scene.printer.reboot();
        assert_eq!(scene.printer.status()["running"], "1.0.0");
        assert_eq!(scene.printer.run(&["update", "install"]).code, Some(8));
    });
}

#[test]
fn nothing_can_be_confirmed_that_is_not_on_trial() {
    on_both(|board| {
        let (code, message) = Scene::new(board).printer.failure(&["update", "confirm"]);
        assert_eq!(code, 4, "{message}");
    });
}

#[test]
fn a_printer_with_the_trust_anchor_missing_or_empty_refuses_everything() {
    on_both(|board| {
        let scene = Scene::new(board);
        let anchor = scene.printer.root().join("usr/share/printerd/root.json");
        std::fs::write(&anchor, "").unwrap();
        let (_, message) = scene.printer.failure(&["update", "install"]);
        assert!(message.contains("trust anchor"), "{message}");
        std::fs::remove_file(&anchor).unwrap();
        let (_, message) = scene.printer.failure(&["update", "install"]);
        assert!(message.contains("trust anchor"), "{message}");
        assert!(scene.server.requests_for(".bundle").is_empty());
        assert!(!scene.printer.state().join("slots").exists());
    });
}
