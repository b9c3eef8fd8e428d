// The points as a table: sorted by any column, filtered by words, rows selected by a box.
const tableColumns = () => columns.filter((c) => points.length === 1 ? false : varying(c));

function ordered() {
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const list = visible().filter((point) => {
    if (!words.length) return true;
    point.words ??= [point.name, point.group, point.reason, ...columns.map((c) => shown(value(point, c), c.kind))].join(" ").toLowerCase();
    return words.every((word) => point.words.includes(word));
  });
  const column = byKey(state.sort);
  if (!column) return list;
  const sign = state.down ? -1 : 1;
  return list.sort((a, b) => {
    const [u, v] = [value(a, column), value(b, column)];
    if (u === null || v === null) return (u === null) - (v === null);  // what is not known stands last
    return sign * (typeof u === "number" && typeof v === "number" ? u - v : String(u).localeCompare(String(v))) || a.index - b.index;
  });
}
function drawTable() {
  const shownColumns = tableColumns().filter((c) => c.key !== "design" && c.key !== "name"), list = ordered();
  const x = byKey(state.x), y = byKey(state.y);
  const best = new Set(x && y && x.goal && y.goal && points.length > 2 ? fronts(x, y).flat() : []);
  const head = (column, title) => {
    const on = state.sort === column;
    return el("th", { scope: "col", class: !byKey(column) || byKey(column).kind === "text" ? "text" : null, "aria-sort": on ? (state.down ? "descending" : "ascending") : null },
      el("button", { type: "button", onclick: () => { state.down = on ? !state.down : false; state.sort = column; changed("sort"); } }, `${title}${on ? (state.down ? " ↓" : " ↑") : ""}`));
  };
  const first = byKey("design") ? "design" : null;
  const rows = list.slice(0, state.limit).map((point) => {
    const on = state.selected.includes(point);
    const box = el("input", { type: "checkbox", checked: on, "aria-label": `select ${point.name}`, onclick: (event) => { event.stopPropagation(); toggle(point); } });
    const mark = best.has(point) ? el("span", { class: "front-dot", title: "on the front of the plot" }, "●") : null;
    return el("tr", { class: on ? "on" : point.reason ? "off" : null, onclick: () => toggle(point) },
      el("td", { title: point.reason || point.name }, el("span", { class: "pick" }, box, el("span", {}, alone || problemColumns.length ? point.group : point.name), mark)),
      ...shownColumns.map((c) => cell(point, c)));
  });
  const held = document.activeElement && document.activeElement.closest("#table") ? document.activeElement.getAttribute("aria-label") || document.activeElement.textContent.replace(/ [↑↓]$/, "") : null;
  const count = list.length === points.length ? "" : `${list.length} of ${points.length} points`;
  $("table").replaceChildren(el("table", {},
    el("thead", {}, el("tr", {}, first && (alone || problemColumns.length) ? head(first, "design") : el("th", { scope: "col", class: "text" }, "point"), ...shownColumns.map((c) => head(c.key, c.title)))),
    el("tbody", {}, ...rows)));
  if (held !== null) {  // what had the focus has been drawn anew
    const again = [...$("table").querySelectorAll("input, button")].find((n) => (n.getAttribute("aria-label") || n.textContent.replace(/ [↑↓]$/, "")) === held);
    if (again) again.focus({ preventScroll: true });
  }
  const rest = list.length - state.limit;
  $("more").replaceChildren(el("span", {}, count),
    rest > 0 ? el("button", { type: "button", onclick: () => { state.limit *= 4; drawTable(); } }, `Show more (${rest} left)`) : "");
}
function cell(point, column) {
  const v = value(point, column), text = shown(v, column.kind);
  if (column.key === "bottleneck" && point.reason) return el("td", { class: "text" }, point.reason);
  if (column.kind === "share" && typeof v === "number") {
    const full = `${Math.max(0, Math.min(100, 100 * v)).toFixed(1)}%`;
    return el("td", {}, el("span", { class: "share", style: `background:linear-gradient(90deg,var(--bar) ${full},transparent ${full})` }, text));
  }
  return el("td", { class: column.kind === "text" ? "text" : null, title: typeof v === "number" ? String(v) : null }, text);
}
function drawTableControls() {
  $("table-controls").replaceChildren(
    el("input", { type: "search", placeholder: "Filter: words", "aria-label": "filter the points by words", value: state.filter,
      oninput: (event) => { state.filter = event.target.value; state.limit = 50; drawTable(); } }),
    el("button", { type: "button", onclick: (event) => copy(csv(), event.target) }, "Copy as CSV"));
}
function csv() {
  const quote = (v) => v === null ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v);
  return [columns.map((c) => quote(c.key)).join(","), ...ordered().map((p) => p.row.map(quote).join(","))].join("\n") + "\n";
}
async function copy(text, button) {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = el("textarea", { style: "position:fixed;opacity:0" }, text);
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
  }
  const before = button.dataset.label || button.textContent;
  button.dataset.label = before;
  button.textContent = done ? "Copied" : "Cannot copy here";
  say(button.textContent);
  setTimeout(() => { button.textContent = before; }, 1500);
}
