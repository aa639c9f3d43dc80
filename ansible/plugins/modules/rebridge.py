# SPDX-License-Identifier: MIT OR Apache-2.0
# What is MIT may be passed on under the GNU General Public License v3.0+ as well (https://www.gnu.org/licenses/gpl-3.0.txt).
# The documentation. The module itself is the binary for the target's architecture, which the action plugin brings.

DOCUMENTATION = r"""
---
module: rebridge
short_description: Moves Docker's bridges off the networks a host needs
version_added: "0.1.0"
description:
  - Docker gives C(docker0) the network 172.17.0.0/16 unless it is told otherwise, and every packet that the host sends to
    servers there goes into it. This module finds what Docker shadows, gives Docker ranges that nobody needs, restarts it,
    proves that C(docker0) moved and that the way is free, and otherwise puts everything back.
  - It values, in this order, never to leave Docker dead or a person locked out, never to lie in a report, to change little.
  - The module is one static binary. The target needs neither Python nor facts. The binary is copied to the target once,
    into C(/var/cache/rebridge), where only root may write; later tasks find it there and make one trip. Where that folder
    cannot be used, or without root, it is brought on every call as Ansible brings any module.
options:
  state:
    description:
      - V(fixed) fixes what clashes, verifies it, and rolls back what does not work. Where nothing clashes, nothing is done.
      - V(checked) looks, and changes nothing. What it finds is in RV(clashes) and no failure, because a report that stops
        at the first host that needs it reports nothing; fail the task with C(failed_when) where you want that.
      - V(rolled_back) undoes the last change that V(fixed) or V(pinned) made on the host, verified. A host where none
        was made is left as it is.
      - V(pinned) is V(fixed), and Docker gets the O(pools) you give even when nothing clashes.
    type: str
    choices: [fixed, checked, rolled_back, pinned]
    default: fixed
  avoid:
    description:
      - Networks that Docker must keep off. What the host itself shows need not be named.
    type: list
    elements: str
    default: []
  avoid_files:
    description:
      - Files of such networks, one a line, C(#) begins a comment.
      - They lie on the controller, where the O(ignore:src) of the copy module would be looked for, and may be vaulted.
    type: list
    elements: str
    default: []
  avoid_inventory:
    description:
      - Keep off every network and address of every other host of the inventory, as their facts tell, so that no host's
        Docker hides another host. Bridges that only hold containers or virtual machines, Docker's own among them, do
        not count.
      - The facts must have been gathered, or come from a cache, for all hosts and not only those of this play. What is
        missing is said in a warning and in RV(avoid_inventory.without_facts).
    type: bool
    default: false
  pools:
    description:
      - Address pools to choose from, as C(base=10.200.0.0/16,size=24), as a bare network (size 24), or as a dictionary of
        C(base) and C(size), as in C(daemon.json). Without them rebridge takes private space without any sign of use.
    type: list
    elements: raw
    default: []
  ignore:
    description:
      - Evidence you know to be wrong. One of V(onlink), V(route), V(nameserver), V(declared), V(neighbour), V(connection),
        V(ssh), or a network.
    type: list
    elements: str
    default: []
  networks:
    description:
      - Networks that exist keep their subnets until they are made anew. V(report) lists those that clash in
        RV(remaining), V(recreate) makes them anew on clear subnets with their containers on them.
    type: str
    choices: [report, recreate]
    default: report
  network_names:
    description:
      - Make only these networks anew, if they clash. Means O(networks=recreate).
    type: list
    elements: str
    default: []
  probe:
    description:
      - Each C(HOST:PORT) must accept a TCP connection from the target after the change, or the change is rolled back.
    type: list
    elements: str
    default: []
  restart:
    description:
      - With V(false) C(daemon.json) is written and the restart is left to you; nothing is verified then.
    type: bool
    default: true
  restart_command:
    description:
      - What restarts Docker, for a shell, where neither systemd, snap, OpenRC nor an init script does.
    type: str
  timeout:
    description:
      - How many seconds Docker may take to restart, up to 3600.
    type: int
    default: 120
  wait:
    description:
      - Wait so many seconds for another rebridge on the same host to end.
    type: int
    default: 0
  dead_man:
    description:
      - A timer of systemd on the target rolls back after so many seconds, unless the change has been verified by then. For
        when the connection may be lost over the very change. From 5 to 86400; V(0) is none.
    type: int
    default: 0
  allow_container_stop:
    description:
      - Where C(live-restore) keeps containers alive over a restart, Docker leaves C(docker0) where it is. Stop them for the
        restart and start them again.
    type: bool
    default: false
  accept_mac_loss:
    description:
      - Move a network although a container on it loses its fixed MAC address (Docker 25 and later).
    type: bool
    default: false
  root:
    description:
      - An unpacked image on the target instead of the target itself. Only files are written, nothing is restarted.
    type: path
  executable:
    description:
      - A rebridge that is on the target already, instead of the binary of the collection. For architectures that the
        collection does not have, and for where collections must not hold binaries. Not with C(async).
    type: path
    version_added: "0.1.0"
attributes:
  check_mode:
    support: full
    description: Can run in check mode, and foretells every key, subnet and restart.
  diff_mode:
    support: full
    description: Shows the keys of C(daemon.json) that change, never the rest of the file, and the networks that move.
  platform:
    support: full
    platforms: linux
    description: Linux on x86_64 and aarch64; others by O(executable).
notes:
  - Changing Docker wants root; set C(become).
  - A task that is rolled back fails, and the host is as it was; RV(rolled_back) and RV(msg) say so.
  - The controller tells the target's architecture by C(uname), so neither a fact nor C(delegate_facts) is needed.
author:
  - the rebridge authors (@rebridge)
"""

EXAMPLES = r"""
- name: Keep Docker off the office and off every host of the inventory
  rebridge.docker.rebridge:
    avoid:
      - 172.17.0.0/16
      - 10.20.0.0/14
    avoid_inventory: true
    probe: 172.17.50.10:443
  become: true

- name: Which hosts would need it?
  rebridge.docker.rebridge:
    state: checked
    avoid_files: on-prem.txt
  become: true
  register: audit
  failed_when: audit.outcome == 'clashing'

- name: Give Docker this pool, whatever clashes
  rebridge.docker.rebridge:
    state: pinned
    pools:
      - base: 10.200.0.0/16
        size: 24
  become: true

- name: Move the networks that exist already, too, with a timer that rolls back should the connection be lost
  rebridge.docker.rebridge:
    avoid: 172.16.0.0/12
    networks: recreate
    dead_man: 300
  become: true

- name: Undo it
  rebridge.docker.rebridge:
    state: rolled_back
  become: true
"""

RETURN = r"""
msg:
  description: One sentence a person can act on. Of a failure it says what could not be done, why, and how the host is now.
  returned: always
  type: str
  sample: moved docker0 from 172.17.0.1/16 to 10.200.255.1/24
outcome:
  description:
    - V(clean), V(clashing), V(changed) and verified, V(would_change) in check mode, V(refused) with the host untouched,
      V(rolled_back) with the host as before, or V(stranded), which needs a person.
  returned: always
  type: str
  sample: changed
clashes:
  description: What clashed at first; the one to act on comes first, and no more than a hundred are listed.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: V(present), or V(latent) where the address pools could hand the network out.
      type: str
    docker:
      description: The C(network), C(bridge) and C(subnet) of Docker.
      type: dict
    with:
      description: What it clashes with, C(net), C(source), C(dev), C(via), C(table) and C(detail).
      type: dict
    explain:
      description: The clash in one sentence.
      type: str
clashes_total:
  description: How many there were.
  returned: always
  type: int
remaining:
  description: What still clashes now or, in check mode, would. As RV(clashes).
  returned: always
  type: list
  elements: dict
remaining_total:
  description: How many there are.
  returned: always
  type: int
ignored:
  description: What O(ignore) set aside. As RV(clashes).
  returned: always
  type: list
  elements: dict
plan:
  description: The keys of C(daemon_json) to set, whether to C(restart), the C(networks) to move, and the address of C(docker0).
  returned: always
  type: dict
docker:
  description: The C(state), C(version), C(service) and C(config_file) of Docker, and C(docker0_before) and C(docker0_after).
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
  description: What was looked at after the restart, each with C(what), C(wanted), C(found) and C(ok).
  returned: always
  type: list
  elements: dict
backup_file:
  description: The copy of the old C(daemon.json) on the target.
  returned: always
  type: str
  sample: /etc/docker/daemon.json.rebridge-20260101T120000Z
phases:
  description: How long each phase took, C(what) and C(seconds), and the C(steps) of a restart of Docker.
  returned: when something was done
  type: list
  elements: dict
schema:
  description: The version of this result. Fields are added, never renamed.
  returned: always
  type: int
  sample: 1
avoid_inventory:
  description: What O(avoid_inventory) came to.
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
      description: Hosts whose facts are not known.
      type: list
      elements: str
"""
