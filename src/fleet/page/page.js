// The table of hosts, the range, and what to take away.

const data = JSON.parse(document.getElementById("data").textContent);
const fleet = data.fleet;
const SHARED = ["pools", "clashes", "hides", "plan", "wanted", "unseen", "version"];
const STATES = { present: "clashes now", latent: "may clash later", clear: "clear" };
const DOES = { pools: "pools", docker0: "docker0", networks: "networks", remove: "unused networks", blocked: "blocked" };
const AT_ONCE = 100;

const hosts = data.hosts.map((row) => {
  const host = { ...row };
  for (const key of SHARED) host[key] = data.shared[row[key]];
  return host;
});
const byId = (id) => document.getElementById(id);
const poolName = (pool) => `${pool.base} in /${pool.size}s`;
const first = (list, most) => list.slice(0, most).join(", ") + (list.length > most ? ` and ${list.length - most} more` : "");

function over(host) {
  const now = host.hides.find((one) => one.network != null);
  const clash = host.clashes[0];
  const hides = now || (clash ? null : host.hides[0]);
  const all = host.clashes.length + host.clashes_more + host.hides.length;
  const said = hides ? `${hides.range} hides ${hides.first[0] || "others"}` : clash ? clash.over : "";
  return all > 1 ? `${said}; ${all - 1} more` : said;
}

function planName(host) {
  return host.plan.does.map((does) => DOES[does]).join(", ") || "nothing";
}

function networkOrder(text) {
  const bytes = (text || "").split("/")[0].split(".");
  return bytes.length === 4 ? bytes.reduce((sum, byte) => sum * 256 + Number(byte), 0) : -1;
}

const COLUMNS = [
  { title: "Host", text: (host) => host.name, key: (host) => host.name },
  { title: "State", text: (host) => STATES[host.state], key: (host) => ["present", "latent", "clear"].indexOf(host.state) },
  { title: "Over", text: over, key: over },
  { title: "Plan", text: planName, key: planName },
  { title: "docker0", text: (host) => host.docker0 || "none", key: (host) => networkOrder(host.docker0) },
  { title: "Then", text: (host) => host.plan.docker0 || "stays", key: (host) => networkOrder(host.plan.docker0) },
  { title: "Docker", text: (host) => host.version || host.docker, key: (host) => host.version || "" },
];
if (hosts.some((host) => host.group)) {
  COLUMNS.splice(1, 0, { title: "Group", text: (host) => host.group || "", key: (host) => host.group || "" });
}

const view = { sort: 1, down: false, search: "", state: "", plan: "", group: "", part: null, rows: [], drawn: 0 };
view.sort = COLUMNS.findIndex((column) => column.title === "State");

hosts.forEach((host, place) => {
  host.place = place;
  const words = [host.name, host.group, host.docker0, host.plan.docker0, STATES[host.state], planName(host),
    ...host.clashes.flatMap((clash) => [clash.over, clash.subnet, clash.net]),
    ...host.hides.flatMap((one) => [one.range, ...one.first])];
  host.words = words.filter(Boolean).join(" ").toLowerCase();
});

function matches(host) {
  return (!view.state || host.state === view.state)
    && (!view.plan || (view.plan === "nothing" ? !host.plan.does.length : host.plan.does.includes(view.plan)))
    && (!view.group || host.group === view.group)
    && (!view.part || view.part.hosts.has(host.place))
    && view.search.split(/\s+/).every((word) => host.words.includes(word));
}

function compare(one, other) {
  const { key } = COLUMNS[view.sort];
  const [a, b] = [key(one), key(other)];
  const order = typeof a === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return (view.down ? -order : order) || one.place - other.place;
}

function refresh() {
  view.rows = hosts.filter(matches).sort(compare);
  view.drawn = 0;
  byId("rows").replaceChildren();
  byId("shown").textContent = `${counted(view.rows.length, "host", "hosts")} of ${hosts.length}`;
  byId("part-filter").hidden = !view.part;
  if (view.part) byId("part-filter").textContent = `Only ${view.part.name} ✕`;
  for (const button of byId("tiles").children) {
    button.setAttribute("aria-pressed", String(button.value === view.state));
  }
  [...byId("head").children].forEach((cell, at) => {
    const order = view.down ? "descending" : "ascending";
    cell.setAttribute("aria-sort", at === view.sort ? order : "none");
  });
  draw(AT_ONCE);
}

// Rows come as they are scrolled to: ten thousand at once would be slow.
function draw(count) {
  const next = view.rows.slice(view.drawn, view.drawn + count);
  byId("rows").append(...next.map(row));
  view.drawn += next.length;
  const left = view.rows.length - view.drawn;
  byId("more").hidden = left === 0;
  byId("more").textContent = `Show ${Math.min(left, AT_ONCE)} more of ${left}`;
}

function row(host) {
  const made = element("tr", { "data-host": host.place });
  COLUMNS.forEach((column, at) => {
    const text = column.text(host);
    if (at === 0) {
      const open = element("button", { type: "button", class: "open", "aria-expanded": "false" }, text);
      open.addEventListener("click", () => toggle(open, made, host));
      made.append(element("th", { scope: "row" }, open));
    } else {
      const kind = column.title === "State" ? host.state : null;
      made.append(element("td", { "data-title": column.title, class: kind }, text));
    }
  });
  return made;
}

function toggle(open, at, host) {
  const isOpen = open.getAttribute("aria-expanded") === "true";
  open.setAttribute("aria-expanded", String(!isOpen));
  if (isOpen) at.nextSibling.remove();
  else at.after(element("tr", { class: "detail" }, element("td", { colspan: COLUMNS.length }, ...detail(host))));
}

function detail(host) {
  const parts = [];
  if (host.clashes.length) {
    const rows = host.clashes.map((clash) => [
      (clash.kind === "present" ? "now" : "later") + (clash.certainty === "suspected" ? ", suspected" : ""),
      clash.docker, clash.subnet + (clash.subnets > 1 ? " …" : ""), clash.over,
      clash.loser === "host" ? "this host" : "containers",
    ]);
    parts.push(element("h3", {}, "What clashes"), simpleTable(["When", "Docker", "Subnet", "Over", "Who loses"], rows));
    if (host.clashes_more) parts.push(element("p", {}, `and ${host.clashes_more} more`));
  }
  if (host.hides.length) {
    const rows = host.hides.map((one) => [one.network == null ? "later" : "now", one.network || "pools", one.range,
      first(one.first, 5) + (one.addresses > one.first.length ? ` and ${one.addresses - one.first.length} more` : "")]);
    parts.push(element("h3", {}, "Other hosts in its Docker's ranges"), simpleTable(["When", "Docker", "Range", "Hosts"], rows));
  }
  parts.push(element("h3", {}, "Plan"), ...planDetail(host));
  if (host.unseen.length) parts.push(element("h3", {}, "Not seen"), listOf(host.unseen));
  parts.push(element("p", { class: "dim" }, `Facts: ${host.source}${host.taken ? `, taken ${host.taken}` : ""}${host.stale ? " (old)" : ""}`));
  return parts;
}

function planDetail(host) {
  const { plan } = host;
  if (!plan.does.length) return [element("p", {}, "Nothing to do.")];
  const said = [];
  if (plan.docker0) said.push(`docker0 moves to ${plan.docker0}`);
  if (plan.does.includes("pools")) said.push(`Docker gets the pools ${host.pools.map(poolName).join(", ")}`);
  if (plan.restart) said.push("Docker restarts");
  if (plan.networks.length) said.push(`networks to be re-created: ${plan.networks.join(", ")}`);
  if (plan.remove.length) said.push(`networks that nothing uses, to be removed: ${plan.remove.join(", ")}`);
  const parts = [listOf(said)];
  if (plan.blockers.length) {
    parts.push(element("p", {}, "In the way:"), listOf(plan.blockers.map((one) => `${one.what}; ${one.next}`)));
  }
  if (plan.run) parts.push(element("pre", {}, plan.run));
  if (Object.keys(host.wanted).length) {
    parts.push(element("p", {}, "What ought to stand in daemon.json:"), element("pre", {}, JSON.stringify(host.wanted, null, 2)));
  }
  return parts;
}

function simpleTable(titles, rows) {
  const head = element("thead", {}, element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
  return element("table", {}, head, element("tbody", {}, ...body));
}

function listOf(lines) {
  return element("ul", {}, ...lines.map((line) => element("li", {}, line)));
}

function showRange() {
  const parts = [];
  const one = fleet.groups.length === 1 && !fleet.without.length;
  for (const group of fleet.groups) {
    const whose = one ? "all of them; no check finds anything there" : first(group.hosts, 8);
    parts.push(
      element("p", { class: "range-name" }, element("code", {}, group.pools.map(poolName).join(", "))),
      element("p", {}, `Clear on ${counted(group.clear_on, "host", "hosts")}: ${whose}. Why this one: ${group.why}.`),
    );
  }
  if (!fleet.groups.length) parts.push(element("p", {}, "No range is clear on any host."));
  if (fleet.without.length) parts.push(element("p", {}, `No range is clear on ${first(fleet.without, 8)}.`));
  if (fleet.passed.length) {
    const rows = fleet.passed.map((passed) => [passed.range, String(passed.hosts), passed.first, `${passed.net} (${passed.source})`]);
    parts.push(element("h3", {}, "Not taken, though they come first"), simpleTable(["Range", "Hosts there", "Such as", "Needs"], rows));
  }
  if (fleet.in_the_way.length) {
    const rows = fleet.in_the_way.slice(0, 100).map((way) => [way.host, way.pool.base, way.over]);
    parts.push(element("h3", {}, "In the way of one range for all"), simpleTable(["Host", "Range", "Over"], rows));
  }
  byId("range").append(...parts);
}

function options(select, title, entries) {
  select.append(element("option", { value: "" }, title), ...entries.map(([value, text]) => element("option", { value }, text)));
}

function showTiles() {
  const tiles = [["", hosts.length, "hosts"], ...Object.entries(STATES).map(([state, text]) => [state, fleet.counts[state], text])];
  for (const [state, number, text] of tiles) {
    const tile = element("button", { type: "button", value: state, "aria-pressed": "false" },
      element("strong", { class: state || null }, String(number)), text);
    tile.addEventListener("click", () => { byId("state").value = state; view.state = state; refresh(); });
    byId("tiles").append(tile);
  }
}

function showHead() {
  COLUMNS.forEach((column, at) => {
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () => {
      view.down = view.sort === at && !view.down;
      view.sort = at;
      refresh();
    });
    byId("head").append(element("th", { scope: "col", "aria-sort": "none" }, button));
  });
}

// A cell that begins like a formula is one to a spreadsheet.
function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function csv() {
  const titles = [...COLUMNS.map((column) => column.title), "Facts taken", "Command"];
  const lines = view.rows.map((host) => [...COLUMNS.map((column) => column.text(host)), host.taken || "", host.plan.run || ""]);
  return [titles, ...lines].map((line) => line.map((cell) => csvCell(String(cell))).join(",")).join("\r\n") + "\r\n";
}

function asJson() {
  const plain = hosts.map(({ place, words, ...host }) => host);
  return `${JSON.stringify({ ...fleet, hosts: plain }, null, 2)}\n`;
}

function takeAway(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function start() {
  if (fleet.options.length) byId("options").textContent = `, with ${fleet.options.join(" ")}`;
  if (fleet.warnings.length) {
    byId("warnings").hidden = false;
    byId("warning-list").append(...fleet.warnings.map((line) => element("li", {}, line)));
  }
  showRange();
  showTiles();
  showHead();
  options(byId("state"), "any", Object.entries(STATES));
  options(byId("plan"), "any", [["nothing", "nothing to do"], ...Object.entries(DOES)]);
  const groups = [...new Set(hosts.map((host) => host.group).filter(Boolean))].sort();
  byId("group-label").hidden = !groups.length;
  options(byId("group"), "any", groups.map((group) => [group, group]));
  for (const id of ["state", "plan", "group"]) {
    byId(id).addEventListener("change", () => { view[id] = byId(id).value; refresh(); });
  }
  byId("search").addEventListener("input", () => { view.search = byId("search").value.trim().toLowerCase(); refresh(); });
  byId("part-filter").addEventListener("click", () => { view.part = null; refresh(); });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => {
    Object.assign(view, { search: "", state: "", plan: "", group: "", part: null });
    refresh();
  });
  byId("more").addEventListener("click", () => draw(AT_ONCE));
  byId("csv").addEventListener("click", () => takeAway("fleet.csv", "text/csv", csv()));
  byId("json").addEventListener("click", () => takeAway("fleet.json", "application/json", asJson()));
  window.addEventListener("beforeprint", () => draw(view.rows.length));
  new IntersectionObserver((seen) => {
    if (seen.some((one) => one.isIntersecting) && !byId("more").hidden) draw(AT_ONCE);
  }, { rootMargin: "400px" }).observe(byId("more"));
  new FleetMap(data, hosts, (name, places) => { view.part = { name, hosts: places }; refresh(); });
  refresh();
}

start();
