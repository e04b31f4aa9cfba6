// Rows inside a form: added by the server, moved and removed here. A removed row stays in the form until it is saved, so that it can be brought back.
(() => {
  "use strict";
  const set = (at) => at.closest("[data-rowset]");
  const list = (box) => box.querySelector("ol.rows");
  const shown = (box) => [...list(box).children].filter((r) => !r.classList.contains("gone"));
  const touched = (row) => row.dispatchEvent(new Event("input", { bubbles: true }));
  function changed(box, row) {
    count(box);
    const input = row.querySelector("[data-gone]");
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function count(box) {
    const add = box.querySelector("[data-add]");
    if (add) add.disabled = shown(box).length >= Number(box.dataset.most);
  }
  function gone(row, yes) {
    row.classList.toggle("gone", yes);
    row.querySelector("[data-gone]").value = yes ? "1" : "";
    changed(set(row), row);
  }
  function place(row) {
    const box = set(row);
    box.querySelector("[data-say]").textContent = box.dataset.said.replace("{}", shown(box).indexOf(row) + 1);
  }
  function move(row, by) {
    const rows = shown(set(row)), other = rows[rows.indexOf(row) + by];
    if (!other) return;
    if (by < 0) other.before(row); else other.after(row);
    place(row);
    touched(row.querySelector("[data-gone]"));
  }

  document.addEventListener("click", (e) => {
    const row = e.target.closest("[data-rw]");
    if (!row) return;
    if (e.target.closest("[data-remove]")) {
      gone(row, true);
      row.querySelector("[data-restore]").focus();
    } else if (e.target.closest("[data-restore]")) {
      gone(row, false);
      row.querySelector("[data-remove]").focus();
    } else {
      const step = e.target.closest("[data-move]");
      if (step) { move(row, Number(step.dataset.move)); step.focus(); }
    }
  });
  document.addEventListener("keydown", (e) => {
    const row = e.target.closest?.("[data-rw]");
    if (!row || (e.key !== "ArrowUp" && e.key !== "ArrowDown") || e.ctrlKey || e.metaKey) return;
    if (!e.target.closest("[data-grip]") && !(e.altKey && row.querySelector("[data-grip]"))) return;
    e.preventDefault();
    move(row, e.key === "ArrowUp" ? -1 : 1);
    e.target.focus();
  });

  // Dragging by the grip: the row goes where the pointer is, among its own.
  let held = null;
  document.addEventListener("pointerdown", (e) => {
    const grip = e.target.closest("[data-grip]");
    if (!grip || e.button) return;
    held = grip.closest("[data-rw]");
    held.classList.add("held");
    grip.setPointerCapture(e.pointerId);
  });
  document.addEventListener("pointermove", (e) => {
    if (!held) return;
    for (const other of shown(set(held))) {
      if (other === held) continue;
      const at = other.getBoundingClientRect(), middle = at.top + at.height / 2;
      const before = held.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_PRECEDING;
      if (before && e.clientY < middle) { other.before(held); return; }
      if (!before && e.clientY > middle) { other.after(held); }
    }
  });
  const drop = () => {
    if (!held) return;
    held.classList.remove("held");
    place(held);
    touched(held.querySelector("[data-gone]"));
    held = null;
  };
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, drop);

  // The first input of a new row has the cursor as soon as it is there.
  let asked = null;
  document.addEventListener("click", (e) => { const add = e.target.closest("[data-add]"); if (add) asked = set(add); });
  const watch = new MutationObserver((found) => {
    for (const { target, addedNodes } of found) {
      const box = set(target), row = [...addedNodes].find((n) => n.matches?.("[data-rw]"));
      if (!row || box !== asked) continue;
      asked = null;
      count(box);
      row.querySelector(".rf input:not([type=hidden]), .rf select, .rf textarea")?.focus();
    }
  });
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-rowset] ol.rows").forEach((ol) => { watch.observe(ol, { childList: true }); count(set(ol)); }));
})();
