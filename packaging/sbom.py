#!/usr/bin/env python3
"""Writes the binary's bill of materials (CycloneDX 1.5) from cargo's own resolution: sbom.py TARGET >FILE."""
import datetime
import json
import os
import subprocess
import sys
import tomllib
import uuid


def main(target):
    command = ["cargo", "metadata", "--format-version=1", "--locked", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    with open("Cargo.lock", "rb") as lock:
        sums = {(p["name"], p["version"]): p.get("checksum") for p in tomllib.load(lock)["package"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    root = metadata["resolve"]["root"]
    # Only what is linked in, or generates code that is: no dependencies of tests or build scripts.
    needs = lambda id: sorted(
        dep["pkg"] for dep in nodes[id]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])
    )
    reached, todo = {root}, [root]
    while todo:
        for dep in needs(todo.pop()):
            if dep not in reached:
                reached.add(dep)
                todo.append(dep)

    def ref(id):
        return f"pkg:cargo/{packages[id]['name']}@{packages[id]['version']}"

    def component(id):
        package = packages[id]
        out = {"type": "library", "bom-ref": ref(id), "name": package["name"], "version": package["version"], "purl": ref(id)}
        if package.get("description"):
            out["description"] = " ".join(package["description"].split())
        if package.get("license"):
            out["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := sums.get((package["name"], package["version"])):
            out["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        if package.get("repository"):
            out["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
        return out

    made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**component(root), "type": "application"},
        },
        "components": [component(id) for id in sorted(reached - {root}, key=ref)],
        "dependencies": [{"ref": ref(id), "dependsOn": [ref(dep) for dep in needs(id)]} for id in sorted(reached, key=ref)],
    }
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True)).urn
    json.dump(bom, sys.stdout, indent=2)
    print()


main(sys.argv[1])
