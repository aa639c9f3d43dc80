# SPDX-License-Identifier: MIT OR Apache-2.0
"""The networks of the hosts of an inventory, from their facts."""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import json
import os
import re

# The host's end of a cable to a container or a virtual machine: it leads nowhere else.
_INWARD = re.compile(r"^(veth|vnet|tap|vif|cali|lxc)")
# Bridges that are always behind NAT, whatever is plugged in.
_LOCAL = re.compile(r"^(docker0|docker_gwbridge|br-[0-9a-f]{12}|virbr\d+|cni\d*|cni-podman\d+|podman\d+|lxdbr\d+|lxcbr\d+)$")


def _leads_out(device):
    """False for bridges that only hold containers or virtual machines: other hosts cannot reach what is behind them."""
    name = device.get("device", "")
    if _LOCAL.match(name) or _INWARD.match(name):
        return False
    if device.get("type") == "bridge":
        return any(not _INWARD.match(port) for port in device.get("interfaces") or [])
    return True


def networks_of(facts):
    """The networks of a host, without Docker's own and other internal ones."""
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
        for one in device.get("ipv6") or []:
            address, prefix = one.get("address"), one.get("prefix")
            if address and one.get("scope") not in ("link", "host"):
                found[str(ipaddress.ip_network("%s/%s" % (address, prefix or 128), strict=False))] = None
    return list(found)


def _address(value):
    """The address in ansible_host, if it is an address and not a name."""
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        return None
    return None if address.is_loopback else "%s/%d" % (address, address.max_prefixlen)


def _survey(hostvars, names):
    hosts = {}
    for name in names:
        # Not `hostvars[name]`: that prepares every variable of the host for templates, and facts do not need it.
        raw = hostvars.raw_get(name)
        facts = raw.get("ansible_facts") or {}
        nets = networks_of(facts)
        reached = _address(raw.get("ansible_host"))
        if reached and not nets:
            nets = [reached]
        hosts[str(name)] = {"nets": nets, "facts": bool(facts.get("interfaces"))}
    return hosts


def survey(hostvars, names, folder, key):
    """The networks of every host in the inventory. Ansible runs each host of a play in its own process. The first one
    writes the networks to a file for the others, in Ansible's folder for this run. `key` tells one task from the next."""
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
    """The networks of all hosts but `own`, which sees its own itself. Each network once, under one host's name."""
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
