"""Writes the facts of a thousand hosts with 200 addresses each into the fact cache of ansible.cfg in the current
folder. No two addresses can be merged. Prints an inventory of the hosts."""

from ansible import constants
from ansible.plugins.loader import cache_loader, init_plugin_loader

init_plugin_loader([])
cache = cache_loader.get(constants.CACHE_PLUGIN)
for host in range(1000):
    ipv4 = []
    for number in range(host * 200, host * 200 + 200):
        half = number // 2
        address = "%d.%d.%d.%d" % ((10, 172)[number % 2], 16 + half // 8192, half % 8192 // 32, half % 32 * 8 + 1)
        ipv4.append({"address": address, "network": address, "netmask": "255.255.255.255", "prefix": "32"})
    eth0 = {"device": "eth0", "type": "ether", "ipv4": ipv4[0], "ipv4_secondaries": ipv4[1:]}
    name = "crowd%04d" % host
    cache.set(name, {"ansible_interfaces": ["lo", "eth0"], "ansible_eth0": eth0})
    print(name)
