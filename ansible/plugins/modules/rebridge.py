# SPDX-License-Identifier: MIT OR Apache-2.0
# MIT code may also be passed on under the GNU General Public License v3.0+ (https://www.gnu.org/licenses/gpl-3.0.txt).
# Only the documentation: the module itself is the binary for the target's architecture. The action plugin brings it.

DOCUMENTATION = r"""
---
module: rebridge
short_description: Moves Docker's bridges off the networks a host needs
version_added: "0.1.0"
description:
  - Docker gives C(docker0) the network 172.17.0.0/16 by default. From then on, every packet the host sends to servers in
    that range goes into the bridge. This module finds what Docker shadows. It gives Docker ranges the host does not need,
    restarts Docker, and verifies that C(docker0) moved and that the clash is gone. If anything fails, it puts everything
    back.
  - "Its priorities, in this order: never leave Docker dead or lock you out, never lie in a report, change little."
  - The module is one static binary. The target needs neither Python nor facts. The first task copies the binary to
    C(/var/cache/rebridge), where only root may write; later tasks find it there and make one trip. Without root, or if
    that folder cannot be used, Ansible brings the binary on every call, as it brings any module.
options:
  state:
    description:
      - V(fixed) fixes what clashes, verifies the change, and rolls it back if it does not work. If nothing clashes, it
        does nothing.
      - V(checked) checks and changes nothing. What it finds is in RV(clashes). It does not fail because of clashes, so
        that one play can check a whole fleet. Use C(failed_when) if you want it to fail.
      - V(rolled_back) undoes the last change that V(fixed) or V(pinned) made on the host, and verifies that. If there was
        none, it does nothing.
      - V(pinned) does what V(fixed) does, and also gives Docker the O(pools) if nothing clashes.
      - V(relieved) ends the outage without a restart, by routes past Docker's bridge. They last until the next boot, or
        until V(fixed) moves C(docker0). It heeds O(avoid), O(avoid_files), O(ignore), O(act_on), O(probe) and O(wait).
      - V(unrelieved) takes these routes away.
      - V(advice) changes nothing and does not fail because of clashes. RV(wanted) says what ought to stand in
        C(daemon.json), for roles and tools that own the file. It stays the same from run to run. With O(pools), it is
        about these pools, whether anything clashes or not.
      - V(facts) changes and judges nothing. It returns what C(rebridge facts) prints in RV(facts), for C(rebridge fleet),
        which finds one range for many hosts.
      - V(fleet) looks at no host. It judges the facts in O(folder) and leaves C(fleet.html) and C(fleet.json) there. The
        binary runs where the task is delegated to. It heeds O(avoid), O(avoid_files), O(pools) and O(ignore).
    type: str
    choices: [fixed, checked, rolled_back, pinned, relieved, unrelieved, advice, facts, fleet]
    default: fixed
  avoid:
    description:
      - Networks Docker must avoid. You need not name what the host itself shows.
    type: list
    elements: str
    default: []
  avoid_files:
    description:
      - Files with such networks, one a line. C(#) begins a comment.
      - The files are on the controller, where Ansible also finds the O(ignore:src) of the copy module. They may be
        vaulted.
    type: list
    elements: str
    default: []
  avoid_inventory:
    description:
      - Avoid every network and address of every other host in the inventory, according to their facts, so that no host's
        Docker shadows another host. Bridges that only hold containers or virtual machines do not count, Docker's own
        included.
      - Gather or cache the facts of all hosts first, not only of the hosts of this play. A warning and
        RV(avoid_inventory.without_facts) name the hosts without facts.
      - V(strict) fails instead, so that hosts of one play never get ranges by different facts. For many hosts, one range
        for all is better; see the playbook C(rebridge.docker.audit).
    type: raw
    default: false
  folder:
    description:
      - A folder on the controller, for O(state=fleet). Its folder C(facts) has a file C(NAME.json) for each host, with
        RV(facts), or with C(host), C(group) and C(facts).
    type: path
  pools:
    description:
      - Address pools to choose from, as C(base=10.200.0.0/16,size=24), as a bare network (size 24), or as a dictionary of
        C(base) and C(size), as in C(daemon.json). Without pools, rebridge prefers private space without any sign of use.
    type: list
    elements: raw
    default: []
  ignore:
    description:
      - Evidence you know is wrong. One of V(onlink), V(route), V(nameserver), V(configured), V(declared), V(neighbour),
        V(connection), V(ssh), a network, or the path of a file on the target that names networks.
    type: list
    elements: str
    default: []
  remember:
    description:
      - If the task goes well, keep O(avoid), O(avoid_files), O(pools) and O(ignore) in C(/etc/rebridge/options) on the
        target. Every later run there reads them, by a play, by hand or by a timer, so that all of them judge alike. Files
        are kept network by network. What O(avoid_inventory) finds is not kept, because hosts come and go.
      - The file only grows. Other pools replace those in it; to drop a network, remove its line.
      - RV(kept) shows the lines that are new. A new line makes the task changed.
    type: bool
    default: false
  use_options:
    description:
      - V(false) leaves out the options in C(/etc/rebridge/options) on the target.
      - V(true) adds them to those of the task. O(pools) of the task replace the pools in the file.
    type: bool
    default: true
  act_on:
    description:
      - Which clashes to act on. A clash is V(known) if lasting evidence shows it, such as a route, an address, a
        nameserver or O(avoid). It is V(suspected) if only traffic shows it, which may be over on the next run.
        V(suspected) acts on both. RV(clashes) lists both in any case.
    type: str
    choices: [known, suspected]
    default: known
  networks:
    description:
      - Existing networks keep their subnets until they are re-created. V(report) lists those that clash in
        RV(remaining). V(recreate) re-creates them on clear subnets and reconnects their containers.
    type: str
    choices: [report, recreate]
    default: report
  network_names:
    description:
      - Re-create only these networks, if they clash. Implies O(networks=recreate).
    type: list
    elements: str
    default: []
  probe:
    description:
      - Roll back unless each C(HOST:PORT) accepts a TCP connection from the target after the change.
    type: list
    elements: str
    default: []
  restart:
    description:
      - With V(false), the module writes C(daemon.json) and leaves the restart to you. It then verifies only the file.
    type: bool
    default: true
  restart_command:
    description:
      - Shell command that restarts Docker, if neither systemd, snap, OpenRC nor an init script does.
    type: str
  timeout:
    description:
      - How many seconds the restart of Docker may take, up to 3600.
      - With V(0), what suits the host, 120 at least.
    type: int
    default: 0
  wait:
    description:
      - How many seconds to wait for another rebridge on the same host to finish. Two names of one host in the inventory
        need it.
    type: int
    default: 60
  dead_man:
    description:
      - A systemd timer on the target rolls back after this many seconds, unless rebridge has verified the change by then.
        Use it if the change may cut your connection. From 5 to 86400; V(0) sets no timer.
    type: int
    default: 0
  accept:
    description:
      - Go ahead in spite of these blockers. Without them the module fails before it touches anything, and lists all in
        RV(blockers).
      - V(container-stop) means that containers that C(live-restore) keeps alive stop for the restart and start again.
      - V(mac-loss) means that a container loses its fixed MAC address (Docker 25 and later).
      - V(old-address) means that something uses the present address of C(docker0) by number.
      - V(old-range-rules) means that a rule of the firewall or of the routing policy covers the present range and not
        the new one.
      - V(pending-settings) means that the restart also puts other settings into force that Docker does not have now.
      - V(lockout) means that a rollback brings back a range that hides the network you work from.
    type: list
    elements: str
    choices: [container-stop, mac-loss, old-address, old-range-rules, pending-settings, lockout]
    default: []
  root:
    description:
      - An unpacked image on the target instead of the target itself. The module only writes files and restarts nothing.
    type: path
  executable:
    description:
      - A rebridge that is already on the target, instead of the binary of the collection. For other architectures, and
        for shops that forbid binaries in collections. Does not work with C(async).
    type: path
    version_added: "0.1.0"
attributes:
  check_mode:
    support: full
    description: Can run in check mode, and previews every key, subnet and restart.
  diff_mode:
    support: full
    description: Shows the keys of C(daemon.json) that change, never the rest of the file, and the networks that move.
  platform:
    support: full
    platforms: linux
    description: Linux on x86_64 and aarch64; other architectures with O(executable).
notes:
  - Changing Docker needs root; set C(become).
  - A task that rolls back fails, and the host is as it was; RV(rolled_back) and RV(msg) say so.
  - The controller asks C(uname) for the target's architecture, so you need neither facts nor C(delegate_facts).
author:
  - the rebridge authors (@rebridge)
"""

EXAMPLES = r"""
- name: Keep Docker off the office and off every host in the inventory
  rebridge.docker.rebridge:
    avoid:
      - 172.17.0.0/16
      - 10.20.0.0/14
    avoid_inventory: true
    probe: 172.17.50.10:443
  become: true

- name: Which hosts clash?
  rebridge.docker.rebridge:
    state: checked
    avoid_files: on-prem.txt
  become: true
  register: audit
  failed_when: audit.outcome == 'clashing'

- name: Give Docker this pool, even if nothing clashes
  rebridge.docker.rebridge:
    state: pinned
    pools:
      - base: 10.200.0.0/16
        size: 24
  become: true

- name: Also re-create existing networks, with a timer that rolls back if the connection is lost
  rebridge.docker.rebridge:
    avoid: 172.16.0.0/12
    networks: recreate
    dead_man: 300
  become: true

- name: Stop the bleeding now, without a restart; the cure may come at night
  rebridge.docker.rebridge:
    state: relieved
    avoid: 172.17.0.0/16
    probe: 172.17.50.10:8080
  become: true

- name: What this host needs and what Docker has, for rebridge fleet
  rebridge.docker.rebridge:
    state: facts
  become: true
  register: seen

- name: What belongs into daemon.json, for a role that writes it
  rebridge.docker.rebridge:
    state: advice
    avoid: 172.17.0.0/16
  become: true
  register: docker_ranges

- name: Undo the last change
  rebridge.docker.rebridge:
    state: rolled_back
  become: true
"""

RETURN = r"""
msg:
  description: One sentence you can act on. After a failure it says what failed, why, and how the host is now.
  returned: always
  type: str
  sample: moved docker0 from 172.17.0.1/16 to 10.200.255.1/24
kept:
  description: What O(remember) kept; C(file), and the lines that are new in it, C(added).
  returned: with O(remember=true), if the task did not fail
  type: dict
  sample: {file: /etc/rebridge/options, added: ["--avoid 172.17.0.0/16"]}
options:
  description: The lines of C(/etc/rebridge/options) on the target that counted, each with its place.
  returned: if there are any
  type: list
  elements: str
  sample: ["--avoid 172.17.0.0/16, /etc/rebridge/options line 3"]
facts:
  description: What C(rebridge facts) prints on the host. Then only this, RV(msg) and RV(warnings) are returned.
  returned: with O(state=facts)
  type: dict
  sample: {schema: 1, root: true}
outcome:
  description:
    - V(clean), V(clashing), V(changed) and verified, V(would_change) in check mode, V(refused) with the host untouched,
      V(rolled_back) with the host as before, or V(stranded) if the host needs you.
  returned: always
  type: str
  sample: changed
clashes:
  description: What clashed before, the most urgent first, at most one hundred.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: V(present), or V(latent) if Docker has yet to take the subnet, from its pools or when it starts.
      type: str
    certainty:
      description: V(known), or V(suspected) if only traffic shows it.
      type: str
    loser:
      description: Who loses packets, V(host) or V(containers).
      type: str
    docker:
      description: Docker's C(network), C(bridge) and C(subnet).
      type: dict
    with:
      description: What it clashes with, in C(net), C(source), C(dev), C(via), C(table), C(detail), C(file), C(line) and
        C(rule).
      type: dict
    explain:
      description: The clash in one sentence.
      type: str
clashes_total:
  description: How many clashes there were.
  returned: always
  type: int
remaining:
  description: What still clashes now or, in check mode, what still would. In the form of RV(clashes).
  returned: always
  type: list
  elements: dict
remaining_total:
  description: How many clashes remain.
  returned: always
  type: int
ignored:
  description: What O(ignore) set aside. In the form of RV(clashes).
  returned: always
  type: list
  elements: dict
blockers:
  description: What is in the way of the change, all of it. Docker is untouched. Empty if nothing is, or if O(accept) names it.
  returned: always
  type: list
  elements: dict
  contains:
    accept:
      description: The word of O(accept) that accepts it; null if nothing but settling it helps.
      type: str
    what:
      description: What is in the way, and what it would lose.
      type: str
    where:
      description: The file and line, the process, the container or the rule; null where none is known.
      type: str
    next:
      description: What to do.
      type: str
plan:
  description: The keys to set (C(daemon_json)), whether to C(restart), the C(networks) to move, and the new address of C(docker0).
  returned: always
  type: dict
wanted:
  description: What ought to be, whether it is or not. The same from run to run.
  returned: always
  type: dict
  contains:
    daemon_json:
      description: The keys of C(daemon.json); empty if Docker's own choice will do.
      type: dict
    flags:
      description: The same as flags of dockerd. Docker does not start with a setting in both places.
      type: list
      elements: str
fleet:
  description: The answer without its hosts, which C(fleet.json) has.
  returned: with O(state=fleet)
  type: dict
relief:
  description: What leads past Docker's bridges, in C(ranges) with their C(routes), and what only the cure reaches, in C(out_of_reach).
  returned: with O(state=relieved)
  type: dict
docker:
  description: >-
    Docker's C(state), C(version), C(service) and C(config_file), and C(docker0_before) and C(docker0_after). Null if
    rebridge did not look at Docker.
  returned: always
  type: dict
restarted:
  description: Whether Docker was restarted.
  returned: always
  type: bool
rolled_back:
  description: Whether the old state was put back.
  returned: always
  type: bool
verified:
  description: What rebridge verified after the restart, each with C(what), C(wanted), C(found) and C(ok).
  returned: always
  type: list
  elements: dict
notes:
  description: What is worth knowing but no clash, one sentence each.
  returned: always
  type: list
  elements: str
backup_file:
  description: The copy of the old C(daemon.json) on the target.
  returned: always
  type: str
  sample: /etc/docker/daemon.json.rebridge-2026-01-01T12:00:00Z
phases:
  description: How long each phase took, C(name), C(what) and C(seconds), and the C(steps) of a restart of Docker.
  returned: when rebridge changed something
  type: list
  elements: dict
schema:
  description: The version of this result. Fields are added, never renamed.
  returned: always
  type: int
  sample: 1
avoid_inventory:
  description: What O(avoid_inventory) found.
  returned: when O(avoid_inventory) is set
  type: dict
  contains:
    hosts:
      description: How many hosts the inventory has.
      type: int
    networks:
      description: How many networks the other hosts have.
      type: int
    without_facts:
      description: Hosts without facts.
      type: list
      elements: str
"""
