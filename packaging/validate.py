#!/usr/bin/env python3
"""Validates JSON against the published schemas: validate.py FILE|FOLDER...

A file may hold several objects, one a line or pretty-printed. The object itself shows which schema applies.
"""
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

HERE = pathlib.Path(__file__).parent / "schema"


def schema(name):
    text = json.loads((HERE / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(text)
    # Within one version, a field that the schema does not name is a fault.
    closed(text)
    return Draft202012Validator(text)


def closed(node):
    if isinstance(node, dict):
        if "properties" in node and "additionalProperties" not in node:
            node["additionalProperties"] = False
        for child in node.values():
            closed(child)
    elif isinstance(node, list):
        for child in node:
            closed(child)


def kind(value):
    for name, key in (("news", "appeared"), ("result", "outcome"), ("fleet", "groups"), ("forecast", "capacity"), ("map", "needed"), ("explanation", "answer"), ("facts", "kernel")):
        if isinstance(value, dict) and key in value:
            return name
    return None


def objects(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value
        while at < len(text) and text[at].isspace():
            at += 1


def main(paths):
    files = [file for path in map(pathlib.Path, paths) for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    schemas = {name: schema(name) for name in ("news", "result", "fleet", "forecast", "map", "explanation", "facts")}
    seen = dict.fromkeys(schemas, 0)
    faults = 0
    for file in files:
        if not file.is_file() or file.name not in ("report.json", "facts.json") and file.suffix != ".report":
            continue
        for value in objects(file.read_text()):
            name = kind(value)
            # Golden cases also hold facts that older versions wrote; those stay readable for ever.
            if name == "facts" and file.name == "facts.json":
                continue
            errors = list(schemas[name].iter_errors(value)) if name else ["matches no known schema"]
            for error in errors[:3]:
                faults += 1
                where = "/".join(map(str, getattr(error, "absolute_path", ())))
                print(f"{file}: {where}: {getattr(error, 'message', error)}", file=sys.stderr)
            if name:
                seen[name] += 1
    print("validated: " + ", ".join(f"{count} {name}" for name, count in seen.items()) + f"; {faults} faults")
    return 1 if faults or not seen["result"] else 0


sys.exit(main(sys.argv[1:]))
