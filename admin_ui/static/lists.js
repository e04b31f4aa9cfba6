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
})();
