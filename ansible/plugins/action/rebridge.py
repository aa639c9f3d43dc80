# SPDX-License-Identifier: MIT OR Apache-2.0
"""Brings the binary for the target's architecture to the target, once, and runs it there as the module."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.rebridge.docker.plugins.plugin_utils import fleet

# The output of `uname -sm`, and the file in plugins/modules. Two underscores hide the file from ansible-doc.
BINARIES = {"Linux x86_64": "__rebridge_linux_x86_64", "Linux aarch64": "__rebridge_linux_aarch64"}
# The copy on the target. Only root may write there; the script below verifies that before it runs anything.
FOLDER = "/var/cache/rebridge"
# Linux limits one argument of a command to 128 KiB; quoting for sh and sudo needs room.
MOST_INLINE = 48 * 1024
# Exit codes of the script itself; rebridge uses 0 to 5.
NEEDS = 93
CANNOT = 94

# safe: only root can have written the copy, or swapped a folder on the way to it. whole: its checksum is right.
SAFE = r"""
safe() { [ -z "$(find / /var /var/cache "$@" -maxdepth 0 \( ! -user 0 -o -perm /022 -o -type l \) 2>&1)" ]; }
whole() { echo "$sum  $1" | sha256sum -c >/dev/null 2>&1; }
"""
FIND = r"""
case "$(uname -sm)" in
%(cases)s
*) sum= ;;
esac
copy=%(folder)s/rebridge-$sum
if [ -z "$sum" ] || ! safe %(folder)s "$copy" || ! whole "$copy"; then
    echo "REBRIDGE-NEEDS $(id -u) $(uname -sm)"
    exit %(needs)d
fi
"""
INSTALL = r"""
umask 077
sum=%(sum)s copy=%(folder)s/rebridge-%(sum)s
[ "$(id -u)" = 0 ] && safe || exit %(cannot)d
[ -d %(folder)s ] || mkdir %(folder)s || exit %(cannot)d
safe %(folder)s && new=$(mktemp -p %(folder)s) || exit %(cannot)d
if ! { cat %(source)s >"$new" && whole "$new" && chmod 700 "$new" && mv -f "$new" "$copy"; }; then
    rm -f "$new"
    exit %(cannot)d
fi
for old in %(folder)s/rebridge-*; do [ "$old" = "$copy" ] || rm -f "$old"; done
safe %(folder)s "$copy" && whole "$copy" || exit %(cannot)d
"""


class ActionModule(ActionBase):
    """The action plugin of rebridge.docker.rebridge."""

    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        try:
            args, notes, extra = self._arguments(task_vars)
            folder = self._folder(args)
            result.update(self._answer(args, task_vars))
            if folder:
                self._keep(folder, result)
            if notes:
                result["warnings"] = notes + list(result.get("warnings") or [])
            result.update(extra)
            # The module never saw these options.
            shown = (result.get("invocation") or {}).get("module_args")
            if isinstance(shown, dict):
                for name in ("avoid_files", "avoid_inventory", "executable", "folder"):
                    if name in self._task.args:
                        shown[name] = self._task.args[name]
        finally:
            if not self._task.async_val:
                self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    # --- the options that only the controller can resolve

    def _arguments(self, task_vars):
        args = dict(self._task.args)
        for name in ("avoid_named", "facts_named"):
            if name in args:
                raise AnsibleActionFail("%s is not an option; use avoid or folder" % name)
        records, notes, extra = [], [], {}
        for name in self._names(args.pop("avoid_files", None)):
            records.append({"name": name, "text": self._read(name)})
        wanted = args.pop("avoid_inventory", None)
        strict = wanted == "strict"
        try:
            wanted = strict or wanted is not None and boolean(wanted)
        except TypeError as error:
            raise AnsibleActionFail("avoid_inventory: %s; the choices are true, false and strict" % error) from error
        if wanted:
            found, notes, extra = self._inventory(task_vars)
            if strict and notes:
                raise AnsibleActionFail("%s. Nothing was touched, because avoid_inventory is strict" % notes[0])
            records += found
        if records:
            args["avoid_named"] = records
        return args, notes, extra

    @staticmethod
    def _names(value):
        if value is None:
            return []
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
            raise AnsibleActionFail("avoid_files: %r is not a list of files" % (value,))
        return [item.strip() for item in items if item.strip()]

    def _read(self, name):
        """A file on the controller: found as `copy` finds its src, and decrypted if it is vaulted."""
        try:
            path = self._loader.get_real_file(self._find_needle("files", name), decrypt=True)
            with open(path, encoding="utf-8") as file:
                return file.read()
        except (AnsibleError, OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail("avoid_files: cannot read %s on the controller: %s" % (name, error)) from error

    def _inventory(self, task_vars):
        batch = ",".join(task_vars.get("ansible_play_batch") or [])
        hosts = fleet.survey(task_vars["hostvars"], task_vars["groups"]["all"], C.DEFAULT_LOCAL_TMP, "%s %s" % (self._task._uuid, batch))
        own = self._task.delegate_to or task_vars.get("inventory_hostname")
        records, number, without = fleet.declared(hosts, own)
        notes = []
        if without:
            shown = ", ".join(without[:5]) + (" and %d more" % (len(without) - 5) if len(without) > 5 else "")
            notes.append(
                "avoid_inventory: %d of %d hosts have no facts (%s); gather the facts of all hosts first"
                % (len(without), len(hosts), shown)
            )
        return records, notes, {"avoid_inventory": {"hosts": len(hosts), "networks": number, "without_facts": without}}

    # --- the folder of a fleet, on the controller

    def _folder(self, args):
        """Puts the facts in the folder into the args, for a binary that may run elsewhere."""
        folder = args.pop("folder", None)
        if (args.get("state") == "fleet") != bool(folder):
            raise AnsibleActionFail("folder and state: fleet go together; the facts of the hosts are in FOLDER/facts")
        if not folder:
            return None
        folder = os.path.abspath(os.path.expanduser(folder))
        facts = os.path.join(folder, "facts")
        try:
            names = sorted(name for name in os.listdir(facts) if name.endswith(".json"))
            texts = [self._text(os.path.join(facts, name)) for name in names]
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleActionFail("folder: cannot read the facts on the controller: %s" % error) from error
        args["facts_named"] = [{"name": name, "text": text} for name, text in zip(names, texts)]
        return folder

    @staticmethod
    def _text(path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    @staticmethod
    def _keep(folder, result):
        """Writes the answer into the folder. What stays in the result is short enough for a log."""
        page, answer = result.pop("page", None), result.get("fleet")
        if page is None or answer is None:
            return
        for name, text in (("fleet.html", page), ("fleet.json", json.dumps(answer, indent=2) + "\n")):
            there = os.path.join(folder, name)
            try:
                with open(there + ".new", "w", encoding="utf-8") as file:
                    file.write(text)
                os.replace(there + ".new", there)
            except OSError as error:
                raise AnsibleActionFail("folder: cannot write %s on the controller: %s" % (there, error)) from error
        for long in ("hosts", "unread", "passed", "in_the_way"):
            answer.pop(long, None)

    # --- the target

    def _answer(self, args, task_vars):
        if self._task.async_val:
            # Ansible's async wrapper starts the module, so Ansible itself must bring it.
            said = self._low_level_execute_command("uname -sm")["stdout"].split()
            return self._by_core(" ".join(said[-2:]), args, task_vars)
        executable = args.pop("executable", None)
        if executable:
            return self._installed(executable, args)
        self._own_binaries()
        ran = self._call(SAFE + FIND % self._words(cases=self._cases()), '"$copy"', args)
        needs = re.search(r"REBRIDGE-NEEDS (\d+) (\S+ \S+)", ran["stdout"]) if ran["rc"] == NEEDS else None
        if needs:
            uid, machine = needs.groups()
            self._file_for(machine)
            if uid != "0":
                return self._by_core(machine, args, task_vars)
            ran = self._bring(machine, args)
        if ran["rc"] in (CANNOT, 126, 127):
            # /var is read-only or noexec, or there is no sha256sum. Ansible's own way needs none of that.
            machine = needs.group(2) if needs else " ".join(self._low_level_execute_command("uname -sm")["stdout"].split()[-2:])
            return self._by_core(machine, args, task_vars)
        return self._object(ran)

    def _bring(self, machine, args):
        tmp = self._make_tmp_path()
        path = self._file_for(machine)
        there = self._connection._shell.join_path(tmp, "rebridge")
        self._transfer_file(path, there)
        script = INSTALL % self._words(sum=self._checksum(path), source=self._connection._shell.quote(there))
        return self._call(SAFE + script, '"$copy"', args)

    def _installed(self, executable, args):
        if not isinstance(executable, str) or not executable.startswith("/"):
            raise AnsibleActionFail("executable: give the absolute path of rebridge on the target, not %r" % (executable,))
        quoted = self._connection._shell.quote(executable)
        ran = self._call("", quoted, args)
        if ran["rc"] in (126, 127):
            raise AnsibleActionFail("executable: %s cannot be run on the target: %s" % (executable, self._said(ran)))
        return self._object(ran)

    def _call(self, script, program, args):
        """Runs the script, then the program with the args. One trip is enough if the args are short and not secret."""
        args = dict(args, **{
            "_ansible_check_mode": bool(self._task.check_mode),
            "_ansible_diff": bool(self._task.diff),
            "_ansible_no_log": bool(self._task.no_log),
        })
        # sh and sudo would each quote a quote again, and the text would grow.
        text = json.dumps(args, default=str).replace("'", "\\u0027")
        environment = self._compute_environment_string()
        if len(text) <= MOST_INLINE and not self._task.no_log:
            end = "ARGS_" + secrets.token_hex(8)
            call = "%s %s /dev/stdin <<'%s'\n%s\n%s\n" % (environment, program, end, text, end)
        else:
            tmp = self._connection._shell.tmpdir or self._make_tmp_path()
            there = self._connection._shell.join_path(tmp, "args")
            self._transfer_data(there, text)
            if self._is_become_unprivileged():
                self._fixup_perms2([tmp, there], execute=False)
            call = "%s %s %s\n" % (environment, program, self._connection._shell.quote(there))
        # Ansible appends a word to the command; the braces keep it away from the end of the here-document.
        return self._low_level_execute_command("{\n%s\n%s}" % (script, call))

    def _by_core(self, machine, args, task_vars):
        """Lets Ansible bring the module itself, on every call."""
        args = dict(args)
        if args.pop("executable", None):
            raise AnsibleActionFail("executable does not work with async; remove one of the two")
        self._own_binaries()
        self._file_for(machine)
        ran = self._execute_module(
            module_name="rebridge.docker." + BINARIES[machine],
            module_args=args,
            task_vars=task_vars,
            wrap_async=bool(self._task.async_val) and not self._connection.has_native_async,
        )
        return self._explained(ran)

    def _explained(self, ran):
        """Ansible's words for a binary that did not start do not say why."""
        if not ran.get("failed") or "outcome" in ran or ran.get("rc") not in (126, 127):
            return ran
        said = self._said({"stderr": ran.get("module_stdout") or "", "stdout": ran.get("module_stderr") or ""})
        why = "the target may not run the binary where Ansible puts it (%s). If that is a noexec file system, set ansible_remote_tmp to "
        why += "a folder on another one, or install rebridge and name it with executable"
        if self._task.async_val:
            why = "async needs Python on the target, for Ansible's own wrapper (%s); leave async out"
        return dict(ran, changed=False, msg=(why % said) + ". Nothing was touched")

    @staticmethod
    def _object(ran):
        text = ran["stdout"]
        begin, end = text.find("{"), text.rfind("}")
        try:
            found = json.loads(text[begin : end + 1]) if begin >= 0 else None
        except ValueError:
            found = None
        if isinstance(found, dict) and "failed" in found:
            return found
        return {
            "failed": True,
            "changed": False,
            "msg": "rebridge gave no answer (exit %s): %s. It may have changed the host: run it again with state: checked, which "
            "changes nothing and reports the state" % (ran["rc"], ActionModule._said(ran)),
            "module_stdout": text,
            "module_stderr": ran["stderr"],
        }

    @staticmethod
    def _said(ran):
        return (ran["stderr"] or ran["stdout"]).strip()[-500:] or "no output"

    # --- the binaries of the collection

    @staticmethod
    def _path(name):
        return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "modules", name)

    def _own_binaries(self):
        if not any(os.path.exists(self._path(name)) for name in BINARIES.values()):
            raise AnsibleActionFail(
                "this copy of the collection comes from the source and has no binaries; install the tarball of `make "
                "collection`, or name a rebridge on the target with executable"
            )

    def _file_for(self, machine):
        name = BINARIES.get(machine)
        if name is None or not os.path.exists(self._path(name)):
            shipped = ", ".join(sorted(there for there, file in BINARIES.items() if os.path.exists(self._path(file))))
            raise AnsibleActionFail(
                "no binary for %s, the target's `uname -sm`; this collection has binaries for %s. Build rebridge there and "
                "name it with executable" % (machine or "an unknown system", shipped)
            )
        return self._path(name)

    def _cases(self):
        there = {machine: self._path(name) for machine, name in BINARIES.items() if os.path.exists(self._path(name))}
        return "\n".join('"%s") sum=%s ;;' % (machine, self._checksum(path)) for machine, path in there.items())

    @staticmethod
    def _checksum(path):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    @staticmethod
    def _words(**words):
        return dict(words, folder=FOLDER, needs=NEEDS, cannot=CANNOT)
