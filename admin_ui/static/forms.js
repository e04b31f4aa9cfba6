// Forms that follow their rules while they are filled in, and the picker of referenced records.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);

  // The live form. A request goes out a moment after typing, and when a changed field is left; an answer to older input is dropped.
  const live = (target) => target.form?.matches?.("form[data-live]") ? target.form : null;
  const ask = (form, wait) => { clearTimeout(form.asking); form.asking = setTimeout(() => form.dispatchEvent(new CustomEvent("live")), wait); };
  let left = "";
  let entered = "";
  document.addEventListener("focusin", (e) => { entered = e.target.value; });
  document.addEventListener("input", (e) => { const form = live(e.target); if (form && e.target.name && !e.target.dataset.ref) ask(form, 350); });
  document.addEventListener("change", (e) => { const form = live(e.target); if (form && e.target.name && !e.target.dataset.ref) ask(form, 30); });
  document.addEventListener("focusout", (e) => {
    const form = live(e.target);
    if (!form || !e.target.name) return;
    const name = e.target.dataset.ref || e.target.name;
    if (e.target.value !== entered || e.target.getAttribute("aria-invalid")) { left = name; ask(form, 30); }
  });
  document.addEventListener("recalled", (e) => ask(e.target, 0), true);
  document.addEventListener("htmx:config:request", (e) => {
    const ctx = e.detail.ctx, form = ctx.sourceElement;
    if (!form?.matches?.("form[data-live]")) return;
    const at = document.activeElement;
    ctx.request.body?.set?.("_focus", at?.form === form ? at.dataset.ref || at.name || "" : "");
    ctx.request.body?.set?.("_left", left);
    left = "";
  });
  // What was half typed into a date field is not lost without a word.
  document.addEventListener("submit", (e) => {
    const bad = [...e.target.elements].find((i) => i.validity?.badInput);
    if (bad) { e.preventDefault(); e.stopPropagation(); bad.reportValidity(); }
  }, true);
  // The outline beside the form shows the section one is in.
  const sections = [...document.querySelectorAll(".f10 fieldset.fs")];
  if (sections.length && "IntersectionObserver" in window) {
    const seen = new IntersectionObserver((found) => {
      const top = found.filter((f) => f.isIntersecting)[0];
      if (!top) return;
      document.querySelectorAll(".f10 .ol a").forEach((a) => a.toggleAttribute("aria-current", a.hash === "#" + top.target.id));
      document.querySelectorAll(".f10 .ol a[aria-current]").forEach((a) => a.setAttribute("aria-current", "true"));
    }, { rootMargin: "-64px 0px -70% 0px" });
    sections.forEach((s) => seen.observe(s));
  }

  // The picker: type, arrows and Enter or a click. The hidden input holds the id, or what was typed when nothing is chosen.
  const found = (input) => input.closest(".refpick").querySelector(".found");
  const hidden = (input) => document.getElementById("r-" + input.dataset.ref);
  const open = (input, yes) => { found(input).hidden = !yes; input.setAttribute("aria-expanded", String(yes)); if (!yes) input.removeAttribute("aria-activedescendant"); };
  const seek = (input, wait) => { clearTimeout(input.seeking); input.seeking = setTimeout(() => { if (document.activeElement === input) { open(input, true); input.dispatchEvent(new CustomEvent("seek")); } }, wait); };
  const choices = (input) => [...found(input).querySelectorAll("[data-choose]")];
  function choose(input, item) {
    hidden(input).value = item.dataset.id;
    input.value = input.dataset.shown = item.dataset.name;
    open(input, false);
    if (input.form) { left = input.dataset.ref; const form = live(input); if (form) ask(form, 0); }
  }
  document.addEventListener("input", (e) => {
    if (!e.target.dataset?.ref) return;
    hidden(e.target).value = e.target.value.trim();
    seek(e.target, 200);
  });
  document.addEventListener("focusin", (e) => { if (e.target.dataset?.ref) seek(e.target, 0); });
  document.addEventListener("focusout", (e) => { if (e.target.dataset?.ref) setTimeout(() => { if (document.activeElement !== e.target) open(e.target, false); }, 150); });
  document.addEventListener("mousedown", (e) => {
    const item = e.target.closest("[data-choose]");
    if (!item) return;
    e.preventDefault();
    const input = $(`[data-ref="${CSS.escape(item.dataset.choose)}"]`);
    if (input) choose(input, item);
  });
  document.addEventListener("keydown", (e) => {
    const input = e.target;
    if (!input.dataset?.ref) return;
    const items = choices(input), at = items.findIndex((i) => i.getAttribute("aria-selected") === "true");
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (found(input).hidden) { seek(input, 0); return; }
      const next = items[Math.max(0, Math.min(items.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))];
      items.forEach((i) => i.setAttribute("aria-selected", String(i === next)));
      if (next) { next.id ||= "o" + Math.random().toString(36).slice(2); input.setAttribute("aria-activedescendant", next.id); next.scrollIntoView({ block: "nearest" }); }
    } else if (e.key === "Enter" && at >= 0 && !found(input).hidden) { e.preventDefault(); choose(input, items[at]); }
    else if (e.key === "Escape" && !found(input).hidden) { e.stopPropagation(); open(input, false); }
  });
})();
