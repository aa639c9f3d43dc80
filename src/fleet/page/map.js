"use strict";
// The map: squares of private space. What comes from hosts is only ever set as text.

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

function counted(number, one, more) {
  return `${number} ${number === 1 ? one : more}`;
}

// "0-7,9" as numbers.
function expand(runs) {
  const places = [];
  for (const run of runs.split(",").filter(Boolean)) {
    const [first, last] = run.split("-").map(Number);
    for (let place = first; place <= (last ?? first); place += 1) places.push(place);
  }
  return places;
}

function address(number) {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

function partName(block, at) {
  const [base] = block.net.split("/");
  const first = base.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return `${address(first + at * 2 ** (32 - block.prefix))}/${block.prefix}`;
}

class FleetMap {
  constructor(data, hosts, choose) {
    this.sets = data.map.sets.map(expand);
    this.groups = data.fleet.groups;
    this.hosts = hosts;
    this.choose = choose;
    this.panel = document.getElementById("part");
    this.explain("Nothing is chosen.", []);
    document.getElementById("map").append(...data.map.blocks.map((block) => this.block(block)));
  }

  block(block) {
    const grid = element("div", { class: "grid", role: "group", "aria-label": `${block.net} in /${block.prefix}s` });
    const parts = new Map(block.parts.map((part) => [part.at, part]));
    for (let at = 0; at < block.count; at += 1) grid.append(this.cell(block, at, parts.get(at)));
    const first = grid.querySelector("button");
    if (first) first.tabIndex = 0;
    grid.addEventListener("keydown", (event) => this.move(grid, event));
    return element("div", { class: "block" }, element("h3", {}, `${block.net} in /${block.prefix}s`), grid);
  }

  cell(block, at, part) {
    if (!part) return element("span", { class: "cell" });
    const needing = part.need == null ? 0 : this.sets[part.need].length;
    const share = needing / Math.max(1, this.hosts.length);
    const level = share > 0.5 ? "many" : share > 0.1 ? "some" : "few";
    const docker = part.docker != null;
    const chosen = part.groups.length > 0;
    const sign = docker && needing ? "!" : chosen ? "R" : docker ? "D" : part.pool != null ? "·" : "";
    const kinds = ["cell", needing && `need ${level}`, docker && "docker", chosen && "range", part.pool != null && "pool"];
    const name = partName(block, at);
    const cell = element("button", {
      type: "button", class: kinds.filter(Boolean).join(" "), tabindex: -1, "data-at": at,
      "aria-label": `${name}: ${this.summary(part)}`, "aria-describedby": "part",
    }, sign);
    for (const event of ["focus", "mouseenter"]) cell.addEventListener(event, () => this.show(name, part));
    cell.addEventListener("click", () => { this.show(name, part); this.choose(name, this.everybody(part)); });
    return cell;
  }

  summary(part) {
    const count = (set) => (set == null ? 0 : this.sets[set].length);
    const said = [];
    if (count(part.need)) said.push(`${counted(count(part.need), "host needs", "hosts need")} something there`);
    if (count(part.docker)) said.push(`Docker of ${counted(count(part.docker), "host", "hosts")} is there`);
    if (count(part.pool)) said.push(`Docker of ${counted(count(part.pool), "host", "hosts")} may go there`);
    if (part.groups.length) said.push("the range for Docker");
    return said.join("; ");
  }

  everybody(part) {
    const sets = [part.need, part.docker].filter((set) => set != null);
    const all = sets.length ? sets : [part.pool].filter((set) => set != null);
    return new Set(all.flatMap((set) => this.sets[set]));
  }

  names(title, set) {
    if (set == null) return null;
    const places = this.sets[set];
    const names = places.slice(0, 24).map((place) => this.hosts[place].name).join(", ");
    const more = places.length > 24 ? ` and ${places.length - 24} more` : "";
    return `${title} (${places.length}): ${names}${more}`;
  }

  show(name, part) {
    const lines = [this.names("Need something there", part.need)];
    if (part.nets.length) {
      lines.push(`What: ${part.nets.map(([net, hosts]) => `${net} (${counted(hosts, "host", "hosts")})`).join(", ")}`);
    }
    lines.push(this.names("Docker is there", part.docker), this.names("Docker may go there", part.pool));
    for (const place of part.groups) lines.push(`The range for ${counted(this.groups[place].clear_on, "host", "hosts")}`);
    this.explain(name, lines.filter(Boolean));
  }

  explain(title, lines) {
    this.panel.replaceChildren(element("p", {}, element("strong", {}, title)), ...lines.map((line) => element("p", {}, line)));
  }

  // Arrow keys go to the next square that has something, in that direction.
  move(grid, event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 16, ArrowUp: -16 };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const cells = [...grid.children];
    for (let at = cells.indexOf(event.target) + step; at >= 0 && at < cells.length; at += step) {
      if (cells[at].tagName !== "BUTTON") continue;
      event.target.tabIndex = -1;
      cells[at].tabIndex = 0;
      cells[at].focus();
      return;
    }
  }
}
