//! The published JSON Schemas are those of the types.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::temp_dir().join(format!("rebridge-schema-{}", std::process::id()));
    let made = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--locked",
            "--features",
            "schema",
            "--example",
            "generate",
            "--",
            "schema",
        ])
        .arg(&folder)
        .current_dir(base)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    for name in [
        "news",
        "result",
        "fleet",
        "forecast",
        "map",
        "explanation",
        "facts",
    ] {
        let name = format!("{name}.schema.json");
        let published = fs::read_to_string(base.join("packaging/schema").join(&name)).unwrap();
        assert!(
            fs::read_to_string(folder.join(&name)).unwrap() == published,
            "{name} is of older types: make schema"
        );
    }
    fs::remove_dir_all(folder).unwrap();
}
