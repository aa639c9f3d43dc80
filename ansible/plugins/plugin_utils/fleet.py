# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which networks the hosts of an inventory have, as their facts tell."""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import json
import os
import re

# Ends of a virtual cable to a container or a virtual machine: no way out of the host.
_INWARD = re.compile(r"^(veth|vnet|tap|vif|cali|lxc)")
# Bridges that are behind NAT on every host that has them, whatever is plugged in.
_LOCAL = re.compile(r"^(docker0|docker_gwbridge|br-[0-9a-f]{12}|virbr\d+|cni\d*|cni-podman\d+|podman\d+|lxdbr\d+|lxcbr\d+)$")


def _leads_out(device):
    """False for bridges that only hold containers or virtual machines: nobody elsewhere can reach what is behind."""
    name = device.get("device", "")
    if _LOCAL.match(name) or _INWARD.match(name):
        return False
    if device.get("type") == "bridge":
        return any(not _INWARD.match(port) for port in device.get("interfaces") or [])
    return True


def networks_of(facts):
    """The IPv4 networks of a host, Docker's own and other inner ones left out. rebridge moves IPv4 only."""
    found = {}
    for name in facts.get("interfaces") or []:
        device = facts.get(name.replace("-", "_"))
        if not isinstance(device, dict) or not _leads_out(device):
            continue
        first = device.get("ipv4") or {}
        for one in ([first] if isinstance(first, dict) else list(first)) + list(device.get("ipv4_secondaries") or []):
            address, prefix = one.get("address"), one.get("prefix") or one.get("netmask")
            if not address or address.startswith(("127.", "169.254.")):
                continue
            network = one.get("network")
            if network and str(prefix).isdigit():
                found["%s/%s" % (network, prefix)] = None
            else:
                found[str(ipaddress.ip_network("%s/%s" % (address, prefix or 32), strict=False))] = None
    return list(found)


def _address(value):
    """The address a host is reached by, where it is written as one."""
    try:
        address = ipaddress.IPv4Address(str(value))
    except ValueError:
        return None
    return None if address.is_loopback else "%s/32" % address


def _survey(hostvars, names):
    hosts = {}
    for name in names:
        # Not `hostvars[name]`, which prepares every variable of the host for templates: facts need none.
        raw = hostvars.raw_get(name)
        facts = raw.get("ansible_facts") or {}
        nets = networks_of(facts)
        reached = _address(raw.get("ansible_host"))
        if reached and not nets:
            nets = [reached]
        hosts[str(name)] = {"nets": nets, "facts": bool(facts.get("interfaces"))}
    return hosts


def survey(hostvars, names, folder, key):
    """The networks of every host of the inventory. Every host of a play needs them, each in a process of its own: the
    first writes them down for the others, in Ansible's own folder for this run. `key` tells one task from the next."""
    path = os.path.join(folder, "rebridge-" + hashlib.sha256(key.encode()).hexdigest()[:32])
    with open(path, "a+", encoding="utf-8") as cache:
        fcntl.flock(cache, fcntl.LOCK_EX)
        cache.seek(0)
        text = cache.read()
        if text:
            return json.loads(text)
        hosts = _survey(hostvars, names)
        cache.write(json.dumps(hosts))
        return hosts


def declared(hosts, own):
    """Every network of the hosts but `own`, which sees its own networks itself: once each, under a host's name."""
    seen = set()
    records = []
    for name, host in hosts.items():
        if name == own:
            continue
        nets = [net for net in host["nets"] if net not in seen]
        seen.update(nets)
        if nets:
            records.append({"name": "inventory host " + name, "nets": nets})
    without = sorted(name for name, host in hosts.items() if name != own and not host["facts"])
    return records, len(seen), without
