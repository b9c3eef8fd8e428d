// The trade-off: one mark a point, a front for each problem, hover, selection, keyboard.
const scatter = { at: [], cursor: -1, hovered: null };

function ticksOf(low, high, log, wanted) {
  const found = [];
  if (log) {
    const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high));
    const step = Math.max(1, Math.ceil((to - from) / wanted));
    const fine = to - from <= 2 ? [1, 2, 5] : [1];
    for (let e = from; e <= to; e += step) for (const m of fine) {
      const v = m * 10 ** e;
      if (v >= low * .999 && v <= high * 1.001) found.push(v);
    }
    if (found.length >= 2) return found;
    found.length = 0;
  }
  const raw = (high - low) / wanted || 1, size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= raw);
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) found.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return found;
}
function scaleOf(values, log, from, to) {
  let low = least(values), high = most(values);
  if (log) { const wide = high / low > 1.02 ? 1.12 : 1.5; low /= wide; high *= wide; }
  else { const pad = (high - low) * .06 || Math.abs(high) * .1 || 1; low = low >= 0 ? Math.max(0, low - pad) : low - pad; high += pad; }
  const f = log ? Math.log10 : (v) => v;
  const at = (v) => from + (f(v) - f(low)) / (f(high) - f(low)) * (to - from);
  return { at, low, high, log };
}
function drawScatter() {
  const host = $("scatter"), x = byKey(state.x), y = byKey(state.y);
  const list = visible().filter((p) => typeof value(p, x) === "number" && typeof value(p, y) === "number");
  const width = Math.max(280, host.clientWidth), height = Math.round(Math.min(460, Math.max(300, width * .5)));
  const room = { left: 84, right: 14, top: 26, bottom: 46 };
  if (!list.length) { host.replaceChildren(el("p", { class: "hint" }, "No point has both figures.")); return; }
  const xs = list.map((p) => value(p, x)), ys = list.map((p) => value(p, y));
  const logX = state.logX && least(xs) > 0, logY = state.logY && least(ys) > 0;
  const sx = scaleOf(xs, logX, room.left, width - room.right), sy = scaleOf(ys, logY, height - room.bottom, room.top);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, tabindex: "0", role: "group",
    "aria-label": `${y.title} against ${x.title}, ${list.length} points`, "aria-describedby": "scatter-help" });
  for (const v of ticksOf(sx.low, sx.high, logX, width < 520 ? 4 : 8)) {
    root.append(svg("line", { class: "grid", x1: sx.at(v), x2: sx.at(v), y1: room.top, y2: height - room.bottom }),
      svg("text", { x: sx.at(v), y: height - room.bottom + 18, "text-anchor": "middle" }, shown(v, x.kind)));
  }
  for (const v of ticksOf(sy.low, sy.high, logY, 6)) {
    root.append(svg("line", { class: "grid", x1: room.left, x2: width - room.right, y1: sy.at(v), y2: sy.at(v) }),
      svg("text", { x: room.left - 8, y: sy.at(v) + 4, "text-anchor": "end" }, shown(v, y.kind)));
  }
  root.append(svg("path", { class: "axis", fill: "none", d: `M${room.left},${room.top}V${height - room.bottom}H${width - room.right}` }),
    svg("text", { class: "title", x: 4, y: 14 }, `${y.title}${y.goal ? `, ${y.goal} is better` : ""}`),
    svg("text", { class: "title", x: width - room.right, y: height - 8, "text-anchor": "end" }, `${x.title}${x.goal ? `, ${x.goal} is better` : ""}`));
  if (x.goal && y.goal) for (const best of fronts(x, y)) {
    if (best.length > 1) root.append(svg("path", { class: "front", d: best.map((p, n) => `${n ? "L" : "M"}${sx.at(value(p, x))},${sy.at(value(p, y))}`).join("") }));
  }
  // One path for each group keeps thousands of points quick.
  const radius = list.length > 400 ? 3 : list.length > 80 ? 4.5 : 6.5, names = groups();
  scatter.at = list.map((point) => ({ point, x: sx.at(value(point, x)), y: sy.at(value(point, y)) }));
  const paths = new Map();
  for (const { point, x: px, y: py } of scatter.at) {
    const n = names.indexOf(groupOf(point));
    const shape = SHAPES[n % SHAPES.length](radius).replace(/^M(-?[\d.e-]+),(-?[\d.e-]+)/, (_, a, b) => `M${(px + +a).toFixed(2)},${(py + +b).toFixed(2)}`);
    paths.set(n, (paths.get(n) || "") + shape);
  }
  for (const [n, d] of paths) root.append(svg("path", { class: "mark", d, fill: color(n), "fill-opacity": list.length > 400 ? .75 : .95 }));
  scatter.rings = svg("g", {});
  scatter.hover = svg("circle", { class: "hover", r: radius + 5, visibility: "hidden" });
  root.append(scatter.rings, scatter.hover);
  root.addEventListener("pointermove", (event) => hoverAt(nearest(root, event, width), event.clientX, event.clientY));
  root.addEventListener("pointerleave", () => hoverAt(null));
  root.addEventListener("click", (event) => { const found = nearest(root, event, width); if (found) toggle(found.point); });
  root.addEventListener("keydown", (event) => stepScatter(event, root, width));
  root.addEventListener("blur", () => hoverAt(null));
  host.replaceChildren(root, names.length > 1 ? el("div", { class: "legend" }, ...names.map((name, n) => el("span", {}, symbol(n), name))) : "");
  drawRings(radius);
}
function drawRings(radius = 6.5) {
  scatter.rings.replaceChildren(...scatter.at.filter(({ point }) => state.selected.includes(point))
    .map(({ x, y }) => svg("circle", { class: "ring", cx: x, cy: y, r: radius + 3.5 })));
}
function nearest(root, event, width) {
  const box = root.getBoundingClientRect(), zoom = box.width / width;
  const px = (event.clientX - box.left) / zoom, py = (event.clientY - box.top) / zoom;
  let best = null, nearer = (event.pointerType === "touch" ? 34 : 22) ** 2;
  for (const item of scatter.at) {
    const distance = (item.x - px) ** 2 + (item.y - py) ** 2;
    if (distance < nearer) { nearer = distance; best = item; }
  }
  return best;
}
function hoverAt(item, x, y) {
  scatter.hovered = item;
  if (!item) { scatter.hover.setAttribute("visibility", "hidden"); tip.hide(); return; }
  scatter.hover.setAttribute("cx", item.x);
  scatter.hover.setAttribute("cy", item.y);
  scatter.hover.setAttribute("visibility", "visible");
  tip.show(x, y, item.point.name, summary(item.point));
}
function summary(point) {
  const keys = [state.x, state.y, "seconds", "cycles", "energy_pj", "area_um2", "speedup", ...columns.filter(varying).map((c) => c.key)];
  return [...new Set(keys)].map(byKey).filter((c) => c && value(point, c) !== null && c.key !== "design").slice(0, 8)
    .map((c) => [c.title, shown(value(point, c), c.kind)]);
}
function stepScatter(event, root, width) {
  const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (move) {
    event.preventDefault();
    const order = scatter.at.map((_, n) => n).sort((a, b) => scatter.at[a].x - scatter.at[b].x || scatter.at[b].y - scatter.at[a].y);
    const now = order.indexOf(scatter.cursor);
    scatter.cursor = order[now < 0 ? (move > 0 ? 0 : order.length - 1) : (now + move + order.length) % order.length];
    const item = scatter.at[scatter.cursor], box = root.getBoundingClientRect(), zoom = box.width / width;
    hoverAt(item, box.left + item.x * zoom, box.top + item.y * zoom);
    say(`${item.point.name}: ${summary(item.point).slice(0, 2).map((pair) => pair.join(" ")).join(", ")}`);
  } else if ((event.key === "Enter" || event.key === " ") && scatter.at[scatter.cursor]) {
    event.preventDefault();
    toggle(scatter.at[scatter.cursor].point);
  } else if (event.key === "Escape") hoverAt(null);
}
function drawAxes() {
  const axes = numeric.filter(varying).map((c) => [c.key, c.title]);
  const set = (key) => (v) => { state[key] = v; drawAxes(); changed("axes"); };
  $("axes").replaceChildren(
    choice("across", axes, state.x, set("x")), check("log", state.logX, set("logX")),
    choice("up", axes, state.y, set("y")), check("log", state.logY, set("logY")),
    groupColumns.length > 1 ? choice("colour", groupColumns.map((c) => [c.key, c.title]), state.group, set("group")) : null,
    problemColumns.length ? choice("only", [["", "all"], ...[...new Set(points.map(problem))].map((p) => [p, p])], state.problem, set("problem")) : "");
}
