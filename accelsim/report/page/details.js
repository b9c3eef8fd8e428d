// The selected points as chips; of the active one: the reasons, the texts to copy, the assumptions.
function drawChosen() {
  $("chosen").replaceChildren(...(points.length > 1 && state.selected.length ? [el("span", {}, "Selected:"), ...state.selected.map((point) =>
    el("span", { class: point === state.active ? "chip active" : "chip" },
      el("button", { type: "button", "aria-pressed": String(point === state.active), title: "show its timeline, reasons and spec", onclick: () => activate(point) }, symbol(groupNumber(point)), el("span", {}, point.name)),
      el("button", { type: "button", class: "drop", "aria-label": `take ${point.name} out`, onclick: () => toggle(point) }, "×")))] : []));
}
function drawWhy() {
  const point = state.active, detail = point && point.detail;
  $("why").hidden = !point || !(detail || point.reason);
  if ($("why").hidden) return;
  $("why-title").textContent = points.length > 1 ? `What holds ${point.name} up` : "What holds it up";
  if (!detail) { $("why-body").replaceChildren(el("p", { class: "pace" }, `It cannot run: ${point.reason}`)); return; }
  const [pace, ...rest] = detail.words;
  $("why-body").replaceChildren(el("p", { class: "pace" }, pace), el("ul", {}, ...rest.map((text) => el("li", {}, text))));
}
function drawSpec() {
  const point = state.active, texts = point && point.detail ? point.detail.texts : [];
  $("spec").hidden = !texts.length;
  $("spec-body").replaceChildren(...texts.map(({ title, text }) => {
    const short = text.split("\n").length < 12;
    const head = el("div", { class: "bar-head" }, short ? el("h3", {}, title) : "", el("button", { type: "button", onclick: (event) => copy(text, event.target) }, "Copy"));
    const body = el("div", { class: "text" }, head, el("pre", { tabindex: "0", "aria-label": title }, text));
    return short ? body : el("details", { class: "text" }, el("summary", {}, title), body);
  }));
}
function drawNotes() {
  const figures = state.active && state.active.detail ? state.active.detail.figures : null;
  const notes = [...(figures ? figures.assumptions : []), ...data.notes];
  $("notes").hidden = !notes.length;
  $("notes-body").replaceChildren(el("ul", {}, ...notes.map((note) => el("li", {}, note))));
}
