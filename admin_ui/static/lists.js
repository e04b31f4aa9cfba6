// Lists: the choice and width of columns, the condition tree. What is shown is always asked of the server by an address.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const listing = () => $("#listing");

  // Show another address in place, as if one had gone there.
  function show(url) {
    history.pushState({}, "", url);
    return htmx.ajax("GET", url, { target: "#listing", swap: "outerHTML" });
  }
  addEventListener("popstate", () => location.reload());

  // The condition tree: the editor gives the text back, the list is asked for with it.
  document.addEventListener("input", (e) => { if (e.target.matches("[data-filter]")) e.target.form.requestSubmit(); });

  // A form of the list sends no empty members.
  document.addEventListener("submit", (e) => {
    if (e.target.method !== "get" || !e.target.closest("#listing, #cols, .seek")) return;
    for (const input of e.target.elements) if (input.name && input.value === "") input.disabled = true;
  });

  // -- The choice of columns: narrowed by a word, moved by buttons or by hand.

  document.addEventListener("input", (e) => {
    const list = e.target.dataset.narrow && $(e.target.dataset.narrow);
    if (!list) return;
    const word = e.target.value.trim().toLowerCase();
    for (const item of list.children) item.hidden = word !== "" && !item.textContent.toLowerCase().includes(word);
  });
  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-shift]");
    if (!button) return;
    const item = button.closest("li"), up = button.dataset.shift === "-1";
    const other = up ? item.previousElementSibling : item.nextElementSibling;
    if (!other || !other.draggable) return;
    if (up) other.before(item); else other.after(item);
    button.focus();
  });
  let carried = null;
  document.addEventListener("dragstart", (e) => { const item = e.target.closest?.("[data-order] > li[draggable]"); if (item) { carried = item; e.dataTransfer.effectAllowed = "move"; } });
  document.addEventListener("dragover", (e) => {
    const over = carried && e.target.closest?.("[data-order] > li[draggable]");
    if (!over) return;
    e.preventDefault();
    all("[data-order] > .over").forEach((i) => i.classList.remove("over"));
    over.classList.add("over");
  });
  document.addEventListener("drop", (e) => {
    const over = carried && e.target.closest?.("[data-order] > li[draggable]");
    if (over && over !== carried) { e.preventDefault(); over.before(carried); }
  });
  document.addEventListener("dragend", () => { carried = null; all("[data-order] > .over").forEach((i) => i.classList.remove("over")); });

  // -- Widths: the right edge of a head is pulled, or moved by the arrow keys.

  const narrowest = 64, widest = 800;
  function size(th, width) {
    const place = [...th.parentElement.children].indexOf(th);
    for (const row of th.closest("table").rows) {
      const cell = row.cells[place];
      if (!cell) continue;
      cell.classList.add("wd");
      cell.style.setProperty("--w", width + "px");
    }
    $(".grip", th)?.setAttribute("aria-valuenow", width);
    stick();
  }
  const within = (width) => Math.round(Math.max(narrowest, Math.min(widest, width)));
  function keep(grip) {
    const widths = all("th[data-column].wd").map((th) => `${th.dataset.column}:${parseInt(th.style.getPropertyValue("--w"), 10)}`);
    const url = new URL(location.href), state = new URLSearchParams(new FormData($("#doc")));
    for (const [name, value] of [...state]) if (!value) state.delete(name);
    state.set("width", widths.join(","));
    url.search = state;
    const name = grip.dataset.grip;
    show(url.pathname + url.search).then(() => $(`[data-grip="${CSS.escape(name)}"]`)?.focus({ preventScroll: true }));
  }
  document.addEventListener("pointerdown", (e) => {
    const grip = e.target.closest?.(".grip");
    if (!grip) return;
    e.preventDefault();
    const th = grip.closest("th"), from = e.clientX, before = th.offsetWidth;
    grip.classList.add("on");
    grip.setPointerCapture(e.pointerId);
    const move = (m) => size(th, within(before + m.clientX - from));
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", (m) => {
      grip.removeEventListener("pointermove", move);
      grip.classList.remove("on");
      if (Math.abs(m.clientX - from) > 2) keep(grip);
    }, { once: true });
  });
  document.addEventListener("keydown", (e) => {
    const grip = e.target.closest?.(".grip");
    if (!grip || !["ArrowLeft", "ArrowRight"].includes(e.key)) return;
    e.preventDefault();
    const th = grip.closest("th");
    size(th, within(th.offsetWidth + (e.key === "ArrowRight" ? 16 : -16)));
    clearTimeout(grip.keeping);
    grip.keeping = setTimeout(() => keep(grip), 500);
  });

  // Columns that stay in view stand beside each other.
  function stick() {
    for (const row of all(".list tr")) {
      let left = 0;
      for (const cell of row.querySelectorAll(":scope > .fz")) { cell.style.setProperty("--x", left + "px"); left += cell.offsetWidth; }
    }
  }
  document.addEventListener("DOMContentLoaded", stick);
  document.addEventListener("htmx:after:swap", stick);

  // -- Choosing rows: the bar with what can be done comes up from below.

  const picks = () => all("[data-pick]");
  let lastPick = null;
  function counted() {
    const bar = $("#bulk");
    if (!bar) return;
    const chosen = picks().filter((p) => p.checked), whole = $("[data-all-value]", bar), every = $("[data-pick-all]"), more = $("[data-all]", bar), one = $("[data-edit-one]", bar);
    picks().forEach((p) => p.closest("tr").classList.toggle("on", p.checked));
    bar.hidden = chosen.length === 0;
    if (whole && chosen.length < picks().length) whole.value = "";
    $("[data-count]", bar).textContent = whole?.value ? more.dataset.many : chosen.length;
    if (every) { every.checked = chosen.length > 0 && chosen.length === picks().length; every.indeterminate = chosen.length > 0 && !every.checked; }
    if (more) more.hidden = Boolean(whole?.value) || chosen.length < picks().length;
    if (one) one.hidden = chosen.length !== 1;
  }
  document.addEventListener("change", (e) => {
    if (e.target.matches("[data-pick-all]")) picks().forEach((p) => { p.checked = e.target.checked; });
    if (e.target.matches("[data-pick], [data-pick-all]")) counted();
  });
  document.addEventListener("click", (e) => {
    const pick = e.target.closest?.("[data-pick]");
    if (pick) { // with Shift everything from the last one on
      const list = picks(), from = list.indexOf(lastPick), to = list.indexOf(pick);
      if (e.shiftKey && from >= 0) list.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((p) => { p.checked = pick.checked; });
      lastPick = pick;
      counted();
    }
    if (e.target.closest?.("[data-unpick]")) { picks().forEach((p) => { p.checked = false; }); if ($("[data-all-value]")) $("[data-all-value]").value = ""; listing().classList.remove("picking"); counted(); }
    if (e.target.closest?.("[data-all]")) { $("[data-all-value]").value = "1"; counted(); }
    const picking = e.target.closest?.("[data-picking]");
    if (picking) { picking.setAttribute("aria-pressed", String(listing().classList.toggle("picking"))); }
    if (e.target.closest?.("[data-edit-one]")) edit(picks().find((p) => p.checked).closest("tr"));
    // The cell of a number beside a tick belongs to the tick, not to the row's link.
    if (e.target.closest?.(".k-pick") && !pick) e.stopPropagation();
  }, true);

  // -- Editing a row in place.

  const query = () => new URLSearchParams([...new FormData($("#doc"))].filter(([, value]) => value)).toString();
  function edit(row, cell = "") {
    if (!row?.dataset.href || !$("[data-row-edit]", row)) return;
    const open = $("tr.edit");
    if (open) {
      if (dirty(open)) { $(".form-control, .form-select", open)?.focus(); open.classList.add("wait"); return; }
      $("[data-row-cancel]", open).click();
    }
    const url = `${row.dataset.href}/row?edit=1&focus=${encodeURIComponent(cell)}&${query()}`;
    htmx.ajax("GET", url, { target: "#" + row.id, swap: "outerHTML" });
  }
  const dirty = (row) => all("input, select, textarea", row).some((i) => i.name && i.type !== "hidden" && (i.matches("select") ? [...i.options].some((o) => o.selected !== o.defaultSelected && (o.selected || o.defaultSelected)) : i.type === "checkbox" || i.type === "radio" ? i.checked !== i.defaultChecked : i.value !== i.defaultValue));
  let after = 0, back = "";
  document.addEventListener("click", (e) => { const pen = e.target.closest?.("[data-row-edit]"); if (pen) edit(pen.closest("tr")); });
  // A click on a cell opens the record a moment later, so that a second one can edit the cell instead.
  let opening = 0;
  document.addEventListener("click", (e) => {
    const cell = e.target.closest?.(".list td[data-cell]");
    if (!cell || e.target.closest("a, button, input, select, label, textarea") || e.ctrlKey || e.metaKey || String(getSelection()) && e.detail < 2) return;
    e.stopPropagation();
    clearTimeout(opening);
    if (e.detail >= 2) { getSelection().empty(); edit(cell.closest("tr"), cell.dataset.cell); }
    else opening = setTimeout(() => location.assign(cell.closest("tr").dataset.href), 260);
  }, true);
  document.addEventListener("keydown", (e) => {
    const row = e.target.closest?.("tr.edit");
    if (!row) return;
    const picker = e.target.dataset.ref && e.target.getAttribute("aria-expanded") === "true";
    const saves = ((e.ctrlKey || e.metaKey) && (e.key === "s" || e.key === "Enter")) || (e.key === "Enter" && !picker && !e.target.matches("textarea, button"));
    if (saves) {
      e.preventDefault();
      e.stopPropagation();
      back = row.id;
      after = (e.ctrlKey || e.metaKey) && e.key === "Enter" ? 1 : 0;
      $("[data-row-save]", row).click();
    } else if (e.key === "Escape" && !picker) { e.preventDefault(); back = row.id; after = 0; $("[data-row-cancel]", row).click(); }
  }, true);
  document.addEventListener("click", (e) => { const button = e.target.closest?.("[data-row-save], [data-row-cancel]"); if (button) back = button.closest("tr").id; }, true);
  document.addEventListener("htmx:after:swap", () => {
    counted();
    const open = $("tr.edit:not([data-seen])");
    if (open) {
      open.dataset.seen = "1";
      const wrong = $("[aria-invalid]", open), first = wrong || document.getElementById(open.dataset.focusOn) || $(".form-control, .form-select, .form-check-input", open);
      const input = first?.matches("input, select, textarea") ? first : first && $("input, select, textarea", first);
      input?.focus();
      if (input?.select && !wrong) try { input.select(); } catch { /* not of every kind */ }
      after = wrong ? 0 : after;
      return;
    }
    if (!back) return;
    const row = document.getElementById(back), next = row?.nextElementSibling;
    back = "";
    if (after && next) { after = 0; edit(next); } else if (row) $("a.nm", row)?.focus({ preventScroll: true });
  });

  // Keys of a list: e edits the row one is at, x chooses it, f goes to its search; a bar's own letters do what they say to the chosen rows, or to the row one is at.
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches?.("input, textarea, select, [contenteditable]") || $("dialog[open]")) return;
    const row = document.activeElement?.closest?.(".list tr[id]");
    if (e.key === "e" && row) { e.preventDefault(); edit(row); }
    else if (e.key === "x" && row) { const pick = $("[data-pick]", row); if (pick) { pick.checked = !pick.checked; counted(); } }
    else if (e.key.length === 1 && $(`#bulk [data-on="${CSS.escape(e.key)}"]`)) {
      const pick = row && !picks().some((p) => p.checked) && $("[data-pick]", row);
      if (pick) { pick.checked = true; counted(); }
      if (!$("#bulk").hidden) { e.preventDefault(); $(`#bulk [data-on="${CSS.escape(e.key)}"]`).click(); }
    } else if (e.key === "f" && $("#q")) { e.preventDefault(); $("#q").focus(); }
  });

  // -- Boards: a card goes to another lane by hand, by its button or by Shift and the arrow keys.

  const board = () => $("[data-board]");
  function move(card, lane, more = {}) {
    const on = board();
    if (!card || lane === undefined || card.closest("[data-lane]")?.dataset.lane === lane && !more.transition) return;
    const url = `${location.pathname}/${card.dataset.card}/move?${on.dataset.query}`;
    landed = card.id;
    htmx.ajax("POST", url, { target: "#listing", swap: "outerHTML", values: { to: lane, version: card.dataset.version, ...more } });
  }
  let landed = "", held = null, asked = null;
  document.addEventListener("dragstart", (e) => { held = e.target.closest?.("[data-card][draggable]") || null; if (held) { e.dataTransfer.effectAllowed = "move"; e.dataTransfer.setData("text/plain", held.id); held.classList.add("held"); } });
  document.addEventListener("dragover", (e) => {
    const lane = held && e.target.closest?.("[data-lane]");
    if (!lane) return;
    e.preventDefault();
    all("[data-lane].over").forEach((l) => l.classList.toggle("over", l === lane));
    lane.classList.add("over");
  });
  document.addEventListener("drop", (e) => {
    const lane = held && e.target.closest?.("[data-lane]");
    if (lane) { e.preventDefault(); move(held, lane.dataset.lane); }
  });
  document.addEventListener("dragend", () => { held?.classList.remove("held"); held = null; all("[data-lane].over").forEach((l) => l.classList.remove("over")); });
  document.addEventListener("click", (e) => {
    const button = e.target.closest?.("[data-card-move]");
    if (button) {
      asked = button.closest("[data-card]");
      const here = asked.closest("[data-lane]").dataset.lane, dialog = $("#move-dialog");
      $("[data-moving]", dialog).textContent = $(".nm", asked).textContent;
      all("[data-move-to]", dialog).forEach((b) => { b.disabled = b.dataset.moveTo === here; });
      dialog.showModal();
    }
    const to = e.target.closest?.("[data-move-to]");
    if (to) { to.closest("dialog").close(); move(asked, to.dataset.moveTo); }
  });
  document.addEventListener("keydown", (e) => {
    const card = e.target.closest?.("[data-card]");
    if (!card || !e.shiftKey || !["ArrowLeft", "ArrowRight"].includes(e.key)) return;
    e.preventDefault();
    const said = $("[data-board-say]");
    if (board().dataset.fixed) { said.textContent = ""; said.textContent = board().dataset.fixed; return; }
    const lanes = all("[data-lane]"), at = lanes.indexOf(card.closest("[data-lane]")), next = lanes[at + (e.key === "ArrowRight" ? 1 : -1)];
    if (next) move(card, next.dataset.lane);
  });
  document.addEventListener("submit", (e) => {
    const form = e.target.closest?.("form[data-ask]");
    if (!form) return;
    e.preventDefault();
    const values = new FormData(form);
    form.closest("dialog").close();
    move(document.getElementById("card-" + form.dataset.cardId), form.dataset.to, { version: form.dataset.at, transition: values.get("transition"), comment: values.get("comment") });
  });
  document.addEventListener("htmx:after:swap", () => {
    const ask = $("dialog[data-open]:not([open])");
    if (ask) ask.showModal();
    if (!landed || !board()) return;
    const card = document.getElementById(landed);
    landed = "";
    if (card && !ask) { $("a.nm", card).focus({ preventScroll: true }); card.scrollIntoView({ block: "nearest", inline: "nearest" }); }
  });

  // -- The card over a row: after a moment over its name, or by the key i. Esc puts it away.

  let soon = 0, shownFor = null;
  const hover = () => $("#hover");
  function away() { clearTimeout(soon); shownFor = null; if (hover()) hover().hidden = true; }
  async function card(link) {
    const row = link.closest("tr[data-href]");
    if (!row) return;
    shownFor = link;
    await htmx.ajax("GET", `${row.dataset.href}/card?${query()}`, { target: "#hover", swap: "innerHTML" });
    if (shownFor !== link || !link.isConnected) return;
    const box = hover(), at = link.getBoundingClientRect();
    box.hidden = false;
    const below = at.bottom + 8 + box.offsetHeight < innerHeight;
    box.style.left = Math.max(8, Math.min(at.right + 12, innerWidth - box.offsetWidth - 8)) + "px";
    box.style.top = (below ? at.bottom + 8 : Math.max(8, at.top - box.offsetHeight - 8)) + "px";
  }
  document.addEventListener("pointerover", (e) => {
    if (e.pointerType !== "mouse") return;
    const link = e.target.closest?.(".list a.nm");
    if (link && link !== shownFor) { away(); soon = setTimeout(() => card(link), 450); }
    else if (!link && !e.target.closest?.("#hover")) { clearTimeout(soon); soon = setTimeout(away, 150); }
    else if (!link) clearTimeout(soon);
  });
  document.addEventListener("scroll", away, true);
  document.addEventListener("keydown", (e) => {
    if (e.key === "Escape") away();
    const link = document.activeElement?.closest?.(".list a.nm");
    if (e.key === "i" && link && !e.ctrlKey && !e.metaKey && !e.altKey) { if (shownFor === link) away(); else card(link); }
    else if (shownFor && (e.key === "j" || e.key === "k")) away();
  });
})();
