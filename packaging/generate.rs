//! Writes files from the source that are not in the binary: `generate schema DIR` writes the JSON
//! Schemas of the results, `generate man DIR` the manual pages, `generate completions DIR` the shell
//! completions.

use clap::CommandFactory;
use clap_complete::Shell;
use rebridge::assess::forecast::Forecast;
use rebridge::cli::Cli;
use rebridge::facts::Facts;
use rebridge::fleet::result::Fleet;
use rebridge::report::Report;
use rebridge::report::explanation::Explanation;
use rebridge::report::map::Map;
use rebridge::report::news::News;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder] = arguments.as_slice() else {
        return Err("usage: generate schema|man|completions DIR".into());
    };
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    match what.as_str() {
        "schema" => schemas(&folder),
        "man" => Ok(clap_mangen::generate_to(Cli::command(), &folder)?),
        "completions" => {
            for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
                let file =
                    clap_complete::generate_to(shell, &mut Cli::command(), "rebridge", &folder)?;
                complete_networks(shell, &file)?;
            }
            Ok(())
        }
        _ => Err(format!("{what}: not schema, man or completions").into()),
    }
}

/// clap knows nothing about the host. This makes shells complete the host's networks after
/// `--network`.
fn complete_networks(shell: Shell, file: &Path) -> Result<(), Box<dyn Error>> {
    let names = format!("rebridge {} 2>/dev/null", rebridge::verbs::networks::NAME);
    let (before, after) = match shell {
        Shell::Bash => {
            let files = "--network)\n                    COMPREPLY=($(compgen ";
            (
                format!("{files}-f "),
                format!("{files}-W \"$({names})\" -- "),
            )
        }
        Shell::Zsh => (":NAME:_default".to_owned(), format!(":NAME:($({names}))")),
        Shell::Fish | _ => (
            "--networks recreate' -r\n".to_owned(),
            format!("--networks recreate' -r -f -a '({names})'\n"),
        ),
    };
    let text = fs::read_to_string(file)?;
    if text.matches(&before).count() != 1 {
        return Err(format!(
            "{}: clap no longer writes --network as expected",
            file.display()
        )
        .into());
    }
    Ok(fs::write(file, text.replace(&before, &after))?)
}

fn schemas(folder: &Path) -> Result<(), Box<dyn Error>> {
    write::<Report>(
        folder,
        "result",
        "What check, apply and rollback print with --json",
    )?;
    write::<News>(
        folder,
        "news",
        "What watch prints with --json, an object a line, and gives to --on-change",
    )?;
    write::<Forecast>(folder, "forecast", "What forecast prints with --json")?;
    write::<Map>(folder, "map", "What map prints with --json")?;
    write::<Explanation>(folder, "explanation", "What explain prints with --json")?;
    write::<Fleet>(folder, "fleet", "What fleet prints with --json")?;
    write::<Facts>(folder, "facts", "What facts prints")
}

/// The schema describes what rebridge writes, not what it accepts: a field it always writes is
/// required.
fn write<T: JsonSchema>(folder: &Path, name: &str, title: &str) -> Result<(), Box<dyn Error>> {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema: Schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    // ipnet's schema says "exactly one of IPv4 and IPv6", but its IPv6 pattern also matches IPv4
    // networks.
    if let Some(net) = schema
        .pointer_mut("/$defs/IpNet")
        .and_then(|net| net.as_object_mut())
        && let Some(either) = net.remove("oneOf")
    {
        net.insert("anyOf".to_owned(), either);
    }
    let text = serde_json::to_string_pretty(&schema)? + "\n";
    Ok(fs::write(folder.join(format!("{name}.schema.json")), text)?)
}
