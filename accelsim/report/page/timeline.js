// What each unit does over time, and below it, on the same axis, what the buffers hold.
const line = { from: 0, to: 1, key: null };

function drawTimeline() {
  const point = state.active, views = point && point.detail ? point.detail.views : [];
  $("time").hidden = !views.length;
  if (!views.length) return;
  const view = views[Math.min(state.view, views.length - 1)], key = `${point.index}.${state.view}`;
  if (line.key !== key) { line.key = key; homeView(view); }
  const phases = new Set(views.map((v) => v.phase)).size > 1;
  $("time-controls").replaceChildren(
    choice("show", views.map((v, n) => [String(n), phases ? `${v.name}: ${v.phase}` : v.name]), String(state.view), (v) => { state.view = Number(v); drawTimeline(); }),
    el("button", { type: "button", "aria-label": "zoom in", onclick: () => zoomLine(view, .5) }, "+"),
    el("button", { type: "button", "aria-label": "zoom out", onclick: () => zoomLine(view, 2) }, "−"),
    el("button", { type: "button", onclick: () => { homeView(view); paintTimeline(view, point); } }, "reset"));
  paintTimeline(view, point);
}
function homeView(view) {
  const length = view.last - view.first;
  if (!view.marked) { line.from = 0; line.to = length; return; }
  const [begin, end] = view.marked.map((t) => t - view.first), margin = (end - begin) * .3;
  line.from = Math.max(0, begin - margin);
  line.to = Math.min(length, end + margin);
}
function zoomLine(view, by) {
  const middle = (line.from + line.to) / 2, half = Math.max((line.to - line.from) * by / 2, view.per_cycle * 2);
  moveLine(view, middle - half, middle + half);
}
function moveLine(view, from, to) {
  const length = view.last - view.first, span = Math.min(length, to - from);
  line.from = Math.max(0, Math.min(length - span, from));
  line.to = line.from + span;
  paintTimeline(view, state.active);
}
function paintTimeline(view, point) {
  const host = $("timeline"), width = Math.max(280, host.clientWidth), narrow = width < 560;
  const left = narrow ? 4 : 92, right = 8, lane = 30, gap = narrow ? 24 : 8, buffers = Object.entries(view.held);
  const rows = view.units.map((unit, n) => [unit, n]).filter(([, n]) => view.slices.some((s) => s[0] === n));
  const high = 96, top = 26, lanes = top + rows.length * (lane + gap), height = lanes + 30 + buffers.length * (high + 44);
  const at = (t) => left + (t - line.from) / (line.to - line.from) * (width - left - right);
  const cycles = (t) => t / view.per_cycle;
  const held = document.activeElement && document.activeElement.closest && document.activeElement.closest("#timeline svg");
  const root = svg("svg", { class: "pan", viewBox: `0 0 ${width} ${height}`, height, tabindex: "0", role: "group",
    "aria-label": `Timeline of ${point.name}, ${view.name}: arrow keys move, plus and minus zoom` });
  const clip = svg("clipPath", { id: "stage" }, svg("rect", { x: left, y: 0, width: width - left - right, height }));
  const stage = svg("g", { "clip-path": "url(#stage)" });
  root.append(clip);
  if (view.marked) {
    const [x1, x2] = view.marked.map((t) => at(t - view.first));
    stage.append(svg("rect", { class: "period", x: x1, y: top - 6, width: x2 - x1, height: height - top }),
      ...[x1, x2].map((x) => svg("line", { class: "period-edge", x1: x, x2: x, y1: top - 6, y2: height })));
    const words = `${shown(cycles(view.marked[1] - view.marked[0]), "count")} cycles`;
    root.append(svg("text", { class: "period-text", x: Math.max(left + 2, Math.min(width - 90, (Math.max(x1, left) + Math.min(x2, width)) / 2)), y: 14, "text-anchor": "middle" }, words));
  }
  const critical = new Set(point.detail.figures.bottleneck.circuit.map((step) => step.replace(/^.*: /, "")));
  rows.forEach(([unit, n], row) => {
    const y = top + row * (lane + gap) + (narrow ? 16 : 0);
    stage.append(svg("rect", { class: "lane", x: left, y, width: width - left - right, height: lane }));
    root.append(svg("text", { x: narrow ? left : left - 8, y: narrow ? y - 4 : y + lane / 2 + 4, "text-anchor": narrow ? "start" : "end" }, unit));
    for (const slice of view.slices) if (slice[0] === n) drawSlice(stage, view, slice, at, y, lane, [left, width - right], critical);
  });
  const axis = lanes + (narrow ? 0 : 4);
  for (const v of ticksOf(cycles(line.from + view.first), cycles(line.to + view.first), false, narrow ? 4 : 9)) {
    const x = at(v * view.per_cycle - view.first);
    if (x < left - 1 || x > width - right + 1) continue;
    root.append(svg("line", { class: "axis", x1: x, x2: x, y1: axis - 4, y2: axis + 2 }), svg("text", { x, y: axis + 16, "text-anchor": "middle" }, shown(v, "count")));
  }
  buffers.forEach(([name, use], n) => drawHeld(root, stage, view, point, name, use, at, axis + 54 + n * (high + 44), high, left, width - right));
  root.insertBefore(stage, root.children[1] || null);
  root.addEventListener("keydown", (event) => {
    const span = line.to - line.from;
    const act = { ArrowLeft: () => moveLine(view, line.from - span * .2, line.to - span * .2), ArrowRight: () => moveLine(view, line.from + span * .2, line.to + span * .2),
      "+": () => zoomLine(view, .5), "=": () => zoomLine(view, .5), "-": () => zoomLine(view, 2), 0: () => { homeView(view); paintTimeline(view, point); } }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  root.addEventListener("pointerdown", (event) => dragLine(event, root, view, width - left - right));
  root.addEventListener("wheel", (event) => { if (event.ctrlKey) { event.preventDefault(); zoomLine(view, event.deltaY < 0 ? .8 : 1.25); } }, { passive: false });
  host.replaceChildren(root);
  if (held) root.focus({ preventScroll: true });
  $("time-note").textContent = view.marked
    ? `One steady period of ${view.phase.split(" + ").length > 3 ? "the loop nest" : view.phase}${view.repeats ? `, about ${view.repeats.toLocaleString("en-US")} of them in the run` : ""}; cycles from the start. Drag, or use the keys, to look around.`
    : "Cycles from the start. Drag, or use the keys, to look around.";
}
function drawSlice(stage, view, [, task, begin, ticks, place, why], at, y, lane, edges, critical) {
  const x1 = at(begin), x2 = at(begin + ticks), name = view.tasks[task], style = look(name);
  const box = svg("rect", { class: style.hatched || name.includes(" ") ? "slice pale" : "slice", x: x1, y, width: Math.max(1, x2 - x1), height: lane, rx: 2, fill: style.fill });
  stage.append(tip.on(box, name, [["cycles", shown(ticks / view.per_cycle, "count")], ["from", shown((begin + view.first) / view.per_cycle, "count")],
    [view.loops.join(" "), place.replaceAll(".", " ")], ["follows", view.why[why]]]));
  if (critical.has(name)) stage.append(svg("line", { class: "critical", x1: x1 + 1, x2: x2 - 1, y1: y + lane - 1, y2: y + lane - 1 }));
  const from = Math.max(x1, edges[0]), room = Math.min(x2, edges[1]) - from, words = name.length * 7 + 6 > room ? subject(name) : name;
  if (room > words.length * 7 + 6) stage.append(svg("text", { class: "slice-text", x: from + room / 2, y: y + lane / 2 + 4, "text-anchor": "middle", style: `fill:${style.ink}` }, words));
}
function drawHeld(root, stage, view, point, name, use, at, y, high, left, right) {
  const capacity = (point.detail.figures.buffers[name] || {}).capacity_bytes || 0, length = view.last - view.first;
  const totals = use.levels.map(([, ...sizes]) => sizes.reduce((a, b) => a + b, 0)), peak = most([...totals, 1]);
  const top = peak > capacity * .3 ? Math.max(peak, capacity) : peak * 1.15, to = (bytes) => y + high - bytes / top * high;
  root.append(svg("text", { class: "title", x: left, y: y - 8 }, `${name} holds`), svg("text", { x: right, y: y - 8, "text-anchor": "end" },
    `at most ${shown(peak, "bytes")} here${capacity ? ` of ${shown(capacity, "bytes")}` : ""}`));
  root.append(svg("path", { class: "axis", fill: "none", d: `M${left},${y + high}H${right}` }));
  if (capacity && capacity <= top) root.append(svg("line", { class: "capacity", x1: left, x2: right, y1: to(capacity), y2: to(capacity) }));
  const below = use.levels.map(() => 0);
  use.tensors.forEach((tensor, k) => {
    let upper = "", lower = "";
    use.levels.forEach((level, n) => {
      const from = at(n === 0 ? 0 : level[0]), until = at(n + 1 < use.levels.length ? use.levels[n + 1][0] : length);
      const low = to(below[n]), up = to(below[n] + level[k + 1]);
      below[n] += level[k + 1];
      upper += `${n ? "L" : "M"}${from.toFixed(1)},${up.toFixed(1)}H${until.toFixed(1)}`;
      lower = `L${until.toFixed(1)},${low.toFixed(1)}H${from.toFixed(1)}${lower}`;
    });
    stage.append(tip.on(svg("path", { d: `${upper}${lower}Z`, fill: look(tensor).fill, "fill-opacity": .88 }), `${tensor} in ${name}`,
      [["most here", shown(most(use.levels.map((level) => level[k + 1])), "bytes")]]));
  });
  // Names where a tensor's share is high enough to carry one.
  let base = 0;
  const now = use.levels.reduce((found, level) => (level[0] <= (line.from + line.to) / 2 ? level : found), use.levels[0]);
  use.tensors.forEach((tensor, k) => {
    const size = now[k + 1];
    if (size / top * high > 15) stage.append(svg("text", { class: "slice-text", x: left + 6, y: to(base + size / 2) + 4, style: `fill:${look(tensor).ink}` }, `${tensor} ${shown(size, "bytes")}`));
    base += size;
  });
}
function dragLine(event, root, view, width) {
  if (event.button) return;
  const from = line.from, to = line.to, x = event.clientX, zoom = root.getBoundingClientRect().width / root.viewBox.baseVal.width;
  const move = (e) => {
    const shift = (e.clientX - x) / zoom / width * (to - from);
    if (Math.abs(e.clientX - x) > 2) moveLine(view, from - shift, to - shift);
  };
  const end = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", end); removeEventListener("pointercancel", end); };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}
