// The first look: which axes, which points; then whatever changes is drawn again.
function lead() {
  if (byKey("front")) return studied();
  const time = byKey("seconds") || byKey("cycles");
  if (!time) return `${points.length} points.`;
  const known = points.filter((p) => typeof value(p, time) === "number");
  const failed = points.filter((p) => p.reason).length;
  const also = failed ? ` ${failed} cannot run.` : "";
  if (points.length === 1) {
    const energy = byKey("energy_pj"), share = byKey("bound_share"), v = (c) => c && value(points[0], c);
    return `${points[0].name} takes ${shown(v(time), time.kind)}${v(byKey("cycles")) ? ` (${shown(v(byKey("cycles")), "count")} cycles)` : ""}`
      + `${v(energy) ? ` and ${shown(v(energy), "energy")}` : ""}${v(share) ? `, ${shown(1 / v(share), "number")} times its roofline bound` : ""}.`;
  }
  if (!known.length) return `${points.length} points.${also}`;
  const last = problemColumns.length ? problem(known[known.length - 1]) : "";
  const rivals = known.filter((p) => problem(p) === last || !problemColumns.length).sort((a, b) => value(a, time) - value(b, time));
  const [best, worst] = [rivals[0], rivals[rivals.length - 1]];
  const times = value(best, time) ? value(worst, time) / value(best, time) : 1;
  const where = last ? ` at ${last}${problemColumns[problemColumns.length - 1].key === "length" ? " tokens" : ""}` : "";
  const called = (p) => (rivals.filter((other) => other.group === p.group).length > 1 ? p.name : p.group);
  return rivals.length > 1 ? `Of ${points.length} points, ${called(best)} is the fastest${where}: ${shown(value(best, time), time.kind)}, ${digits(times, 3)} times as fast as ${called(worst)}.${also}` : `${points.length} points.${also}`;
}
function studied() {
  const known = points.filter((p) => !p.reason), failed = points.length - known.length;
  const best = known.filter((p) => value(p, byKey("front")) === "yes");
  const parts = data.objectives.map(({ key, goal }) => {
    const column = byKey(key), able = known.filter((p) => typeof value(p, column) === "number");
    if (!column || !able.length) return null;
    const first = able.reduce((a, b) => ((goal === "more" ? value(b, column) > value(a, column) : value(b, column) < value(a, column)) ? b : a));
    return `${goal === "more" ? "most" : "least"} ${column.title} ${shown(value(first, column), column.kind)} (${first.name})`;
  }).filter(Boolean);
  return `${best.length} of ${known.length} points are on the front: ${parts.join(", ")}.${failed ? ` ${failed} more cannot run or miss a constraint.` : ""}`;
}
function begin() {
  const has = (key) => byKey(key) && varying(byKey(key)) && byKey(key).kind !== "text";
  const goals = numeric.filter((c) => c.goal && varying(c)).map((c) => c.key);
  const [first, second] = data.objectives.map((one) => one.key).filter(has);
  state.x = first || ["seconds", "cycles"].find(has) || goals[0] || null;
  state.y = second || ["energy_pj", "area_um2"].find((key) => has(key) && key !== state.x) || goals.find((key) => key !== state.x) || null;
  const wide = (key) => { const v = points.map((p) => value(p, byKey(key))).filter((n) => n > 0); return most(v) / least(v) > 30; };
  if (state.x && state.y) { state.logX = wide(state.x); state.logY = wide(state.y); }
  state.group = ["design", "arch", "cascade"].find((key) => groupColumns.some((c) => c.key === key)) || (groupColumns[0] || {}).key || "";
  const rich = points.filter((p) => p.detail).sort((a, b) => (b.detail.views.length > 0) - (a.detail.views.length > 0) || a.index - b.index), last = rich.length ? problem(rich[rich.length - 1]) : "";
  const drawn = rich.some((p) => p.detail.views.length), begin = rich.filter((p) => problem(p) === last && (!drawn || p.detail.views.length)).slice(0, MOST_SELECTED);
  state.selected = begin.length ? begin : points.slice(0, 1);
  const time = byKey("seconds") || numeric[0];
  state.active = [...state.selected].sort((a, b) => (value(a, time) ?? Infinity) - (value(b, time) ?? Infinity))[0];
  if (points.length > 20 && state.x) state.sort = state.x;
  $("lead").textContent = lead();
  const same = columns.filter((c) => !varying(c) && value(points[0], c) !== null && (points.length > 1 || c.key !== "bottleneck"));
  $("same").replaceChildren(...same.map((c) => el("div", {}, el("dt", {}, c.title), el("dd", {}, shown(value(points[0], c), c.kind)))));
  $("points").hidden = points.length === 1;
  $("trade").hidden = !(state.x && state.y);
}
function drawAll(what) {
  const all = what.has("all");
  if ((all || what.has("axes")) && !$("trade").hidden) { drawAxes(); drawScatter(); }
  else if (what.has("selection") && scatter.rings) drawRings(scatter.at.length > 400 ? 3 : 6.5);
  if (points.length > 1) { if (all) drawTableControls(); drawTable(); }
  if (all || what.has("selection") || what.has("axes")) {
    drawChosen(); drawCycles(); drawEnergy(); drawWhy(); drawTimeline(); drawMemory(); drawSpec(); drawNotes();
  }
}
begin();
listeners.push(drawAll);
changed("all");
window.scatterPlaces = () => scatter.at.map(({ x, y }) => ({ x, y }));  // for tests
let drawn = innerWidth, waiting = 0;
addEventListener("resize", () => {
  if (innerWidth === drawn) return;
  drawn = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(() => { if (!$("trade").hidden) drawScatter(); drawCycles(); drawEnergy(); drawMemory(); drawTimeline(); }, 120);
});
