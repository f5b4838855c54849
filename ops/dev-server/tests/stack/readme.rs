//! What the README shows is what the program does.

use crate::harness::Place;

const README: &str = include_str!("../../README.md");

/// Commands in the README's table, as arguments.
fn commands() -> Vec<Vec<&'static str>> {
    README
        .lines()
        .filter_map(|line| line.strip_prefix("| `tasker-dev "))
        .filter_map(|line| line.split('`').next())
        .map(|command| command.split_whitespace().collect())
        .collect()
}

#[test]
fn every_command_of_the_table_is_understood() {
    let place = Place::new();
    let commands = commands();
    assert!(commands.len() >= 8);
    for command in commands {
        // Help comes only after everything before it was understood.
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let output = place.run(&arguments);
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn the_ready_line_has_the_fields_of_the_readme() {
    let shown = README
        .lines()
        .find(|line| line.starts_with("{\"event\":\"ready\""))
        .unwrap();
    let place = Place::new();
    let stack = place.up(&[]);
    let keys = |value: &serde_json::Value| -> Vec<String> {
        let nested = value["phases_ms"].as_object().unwrap().keys();
        value
            .as_object()
            .unwrap()
            .keys()
            .chain(nested)
            .cloned()
            .collect()
    };
    assert_eq!(
        keys(&stack.ready),
        keys(&serde_json::from_str(shown).unwrap())
    );
    stack.stop();
}
