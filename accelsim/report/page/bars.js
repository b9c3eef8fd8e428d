// Breakdowns as stacked bars: cycles by unit, energy, what buffers hold, what moves.
const sum = (parts) => Object.values(parts).reduce((a, b) => a + b, 0);
const CAUSES = { data: "waits for data", slot: "waits for room in a buffer", order: "waits for its turn", port: "waits for a port" };
const detailed = () => state.selected.filter((point) => point.detail);

// A name if there is room for it in that share of a bar, else what it is for, else nothing.
function fitting(name, share) {
  const room = share * (document.querySelector("main").clientWidth - (innerWidth <= 760 ? 190 : 290));
  return [name, subject(name)].find((words) => words.length * 7.2 + 6 < room) || "";
}
function segment(name, size, whole, style, words) {
  const node = el("span", { class: style.class, style: `flex:${size} 1 0${style.fill ? `;${paint(style)}` : ""}` },
    style.class ? (fitting(name, size / whole) ? el("b", {}, name) : "") : fitting(name, size / whole));
  return tip.on(node, name, words);
}
function bar(label, parts, whole, share, value, title, mark) {
  const words = parts.map((p) => `${p.name} ${percent(p.size, whole)}`).join(", ");
  return el("div", { class: mark ? "row marked" : "row" }, el("span", { class: "label", title: title || label }, mark || "", label),
    el("div", { class: "track" }, el("div", { class: "bar", role: "img", "aria-label": `${label}: ${words}`, style: `width:${100 * share}%` },
      ...parts.filter((p) => p.size > 0).map((p) => segment(p.name, p.size, whole / share, p.style, p.words)))),
    el("span", { class: "value" }, value));
}
function heading(point, text) {
  return el("h3", {}, symbol(groupNumber(point)), el("span", {}, point.name), el("small", {}, text));
}
function drawCycles() {
  const list = detailed(), longest = most(list.map((p) => p.detail.figures.cycles));
  $("cycles").hidden = !list.length;
  if (!list.length) return;
  $("cycles-controls").replaceChildren(list.length > 1 ? scaleSwitch() : "");
  $("cycles-bars").replaceChildren(...list.map((point) => {
    const f = point.detail.figures, share = state.scale === "share" || !longest ? 1 : f.cycles / longest;
    const units = Object.keys(f.busy_cycles).map((unit) => {
      const parts = Object.entries(f.busy_cycles[unit]).map(([name, n]) => ({
        name, size: n, style: look(name), words: [["busy", `${shown(n, "count")} cycles`], ["of the time", percent(n, f.cycles)]] }));
      for (const [cause, n] of Object.entries(f.stall_cycles[unit] || {})) parts.push({
        name: cause, size: n, style: { class: `stall ${cause}` }, words: [[CAUSES[cause] || cause, `${shown(n, "count")} cycles`], ["of the time", percent(n, f.cycles)]] });
      const idle = f.idle_cycles[unit];
      if (idle > 0) parts.push({ name: "idle", size: idle, style: { class: "idle" }, words: [["idle", `${shown(idle, "count")} cycles`], ["of the time", percent(idle, f.cycles)]] });
      return bar(unit, parts, f.cycles, share, percent(sum(f.busy_cycles[unit]), f.cycles));
    });
    if (f.stages) units.unshift(bar("stages", f.stages.map((stage, n) => ({ name: stage.name, size: stage.cycles, style: { fill: `var(--g${n % GREYS})`, ink: `var(--gi${n % GREYS})` },
      words: [["stage", `${shown(stage.cycles, "count")} cycles`], ["of the time", percent(stage.cycles, f.cycles)]] })), f.cycles, share, ""));
    return el("div", { class: "group" }, heading(point, `${shown(f.cycles, "count")} cycles, ${shown(f.seconds, "time")}`), ...units);
  }), legendOf(list));
}
function swatches(names) {
  return names.map((name) => el("span", {}, el("i", { class: "swatch", style: paint(look(name)) }), name));
}
function legendOf(list) {
  const names = [...new Set(list.flatMap((p) => Object.values(p.detail.figures.busy_cycles).flatMap((parts) => Object.keys(parts))))].filter((name) => einsums.has(name));
  const causes = [...new Set(list.flatMap((p) => Object.values(p.detail.figures.stall_cycles).flatMap((parts) => Object.keys(parts).filter((c) => parts[c]))))];
  return el("div", { class: "legend" }, ...swatches(names),
    ...causes.map((cause) => el("span", {}, el("i", { class: `swatch stall ${cause}` }), CAUSES[cause] || cause)));
}
const scaleSwitch = () => switches("scale", [["share", "share"], ["absolute", "absolute"]], state.scale, (v) => { state.scale = v; changed("selection"); });

function drawEnergy() {
  const list = detailed().filter((p) => p.detail.figures.energy_pj && p.detail.figures.energy_pj.total);
  $("energy").hidden = !list.length;
  if (!list.length) return;
  const largest = most(list.map((p) => p.detail.figures.energy_pj.total));
  $("energy-controls").replaceChildren(
    switches("parts", [["by_component", "by component"], ["by_einsum", "by Einsum"]], state.energy, (v) => { state.energy = v; changed("selection"); }),
    list.length > 1 ? scaleSwitch() : "");
  const names = [...new Set(list.flatMap((p) => Object.keys(p.detail.figures.energy_pj[state.energy])))];
  const style = (name) => state.energy === "by_einsum" ? look(name) : { fill: color(names.indexOf(name)), ink: ink(names.indexOf(name)) };
  $("energy-bars").replaceChildren(...list.map((point) => {
    const energy = point.detail.figures.energy_pj, parts = Object.entries(energy[state.energy]).sort((a, b) => b[1] - a[1]);
    const share = state.scale === "share" ? 1 : energy.total / largest;
    return bar(point.name, parts.map(([name, n]) => ({ name, size: n, style: style(name), words: [["energy", shown(n, "energy")], ["of the total", percent(n, energy.total)]] })),
      energy.total, share, shown(energy.total, "energy"), point.name, list.length > 1 ? symbol(groupNumber(point)) : "");
  }), el("div", { class: "legend" }, ...names.map((name) => el("span", {}, el("i", { class: "swatch", style: paint(style(name)) }), name))));
}
function drawMemory() {
  const point = state.active, f = point && point.detail ? point.detail.figures : null;
  $("memory").hidden = !f || !(Object.keys(f.buffers).length || Object.keys(f.traffic_bytes).length);
  if ($("memory").hidden) return;
  const tensors = [...new Set([...Object.values(f.buffers), ...Object.values(f.traffic_bytes)].flatMap((use) => Object.keys(use.by_tensor)))];
  const part = ([name, n], whole) => ({ name, size: n, style: look(name), words: [["bytes", shown(n, "bytes")], ["share", percent(n, whole)]] });
  const buffers = Object.entries(f.buffers).map(([name, use]) => {
    const held = sum(use.by_tensor), whole = Math.max(use.capacity_bytes, held);
    const parts = Object.entries(use.by_tensor).map((entry) => part(entry, whole));
    parts.push({ name: "free", size: whole - held, style: { class: "idle" }, words: [["capacity", shown(use.capacity_bytes, "bytes")], ["peak of all together", shown(use.peak_bytes, "bytes")]] });
    return bar(name, parts, whole, 1, percent(use.peak_bytes, use.capacity_bytes), `peak ${shown(use.peak_bytes, "bytes")} of ${shown(use.capacity_bytes, "bytes")}`);
  });
  const moved = Object.entries(f.traffic_bytes).map(([name, use]) => {
    const whole = sum(use.by_tensor) || 1;
    return bar(name, Object.entries(use.by_tensor).map((entry) => part(entry, whole)), whole, 1, shown(use.read + use.write, "bytes"),
      `read ${shown(use.read, "bytes")}, written ${shown(use.write, "bytes")}`);
  });
  $("memory-bars").replaceChildren(el("div", { class: "two" },
    el("div", {}, el("h3", {}, "Peak of each tensor, of the capacity"), ...buffers), el("div", {}, el("h3", {}, "Bytes moved, by tensor"), ...moved)),
    el("div", { class: "legend" }, ...swatches(tensors)));
}
