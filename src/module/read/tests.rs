#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const NAMES: [&str; 3] = ["avoid", "timeout", "pools"];

fn args(value: Value) -> Args {
    Args::new(
        json!({"avoid": value}).as_object().unwrap().clone(),
        &NAMES,
        &["own"],
    )
    .unwrap()
}

#[test]
fn words_for_yes_and_no() {
    for (value, wanted) in [
        (json!("Yes"), Ok(true)),
        (json!("off"), Ok(false)),
        (json!(1), Ok(true)),
        (json!(false), Ok(false)),
        (Value::Null, Ok(true)),
        (json!("2"), Err(())),
        (json!(["yes"]), Err(())),
        (json!(""), Err(())),
    ] {
        assert_eq!(
            args(value.clone()).flag("avoid", true).map_err(|_| ()),
            wanted,
            "{value}"
        );
    }
}

#[test]
fn numbers_come_in_words_too() {
    for (value, wanted) in [
        (json!(5), Ok(5)),
        (json!("5 "), Ok(5)),
        (json!(5.0), Ok(5)),
        (Value::Null, Ok(7)),
        (json!(5.5), Err(())),
        (json!(-1), Err(())),
        (json!("5s"), Err(())),
        (json!(true), Err(())),
        (json!(11), Err(())),
        (json!({}), Err(())),
    ] {
        assert_eq!(
            args(value.clone())
                .seconds("avoid", 7, 1..=10)
                .map_err(|_| ()),
            wanted,
            "{value}"
        );
    }
}

#[test]
fn lists_may_be_comma_lists() {
    for (value, wanted) in [
        (json!("a, b,,"), Ok(vec!["a", "b"])),
        (json!(["a", 5]), Ok(vec!["a", "5"])),
        (json!(""), Ok(vec![])),
        (Value::Null, Ok(vec![])),
        (json!([["a"]]), Err(())),
        (json!([null]), Err(())),
        (json!({"a": 1}), Err(())),
    ] {
        let wanted: Result<Vec<String>, ()> =
            wanted.map(|words| words.into_iter().map(str::to_owned).collect());
        assert_eq!(
            args(value.clone()).words("avoid").map_err(|_| ()),
            wanted,
            "{value}"
        );
    }
}

#[test]
fn pools_are_spelled_as_docker_spells_them() {
    for value in [
        json!("base=10.0.0.0/16,size=24,192.168.0.0/16"),
        json!([{"base": "10.0.0.0/16", "size": 24}, {"base": "192.168.0.0/16"}]),
        json!(["base=10.0.0.0/16,size=24", "192.168.0.0/16"]),
    ] {
        assert_eq!(
            args(value).pools("avoid").unwrap(),
            ["base=10.0.0.0/16,size=24", "192.168.0.0/16"]
        );
    }
    assert!(
        args(json!([{"base": "10.0.0.0/16", "sice": 24}]))
            .pools("avoid")
            .unwrap_err()
            .why
            .contains("base and size")
    );
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest_option() {
    let refused = |name: &str| {
        let given = json!({name: 1}).as_object().unwrap().clone();
        Args::new(given, &NAMES, &["own"]).unwrap_err().why
    };
    assert_eq!(
        refused("timeuot"),
        "\"timeuot\" is not an option; did you mean timeout?"
    );
    assert!(refused("xyz").ends_with("the options are avoid, timeout, pools"));
    assert!(
        Args::new(
            json!({"_ansible_of_next_year": 1})
                .as_object()
                .unwrap()
                .clone(),
            &NAMES,
            &["own"]
        )
        .is_ok()
    );
}

#[test]
fn a_fleets_worth_is_not_repeated() {
    let mut args = args(json!(vec!["10.0.0.0/8"; 200_000]));
    assert_eq!(args.words("avoid").unwrap().len(), 200_000);
    let shown = args.shown();
    assert_eq!(
        (
            shown["avoid"].as_array().unwrap().len(),
            &shown["avoid"][50]
        ),
        (51, &json!("and 199950 more"))
    );
}
