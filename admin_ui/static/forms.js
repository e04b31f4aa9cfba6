// Forms that follow their rules while they are filled in, and the picker of referenced records.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);

  // The live form. A request goes out a moment after typing, and when a changed field is left; an answer to older input is dropped.
  // A form that was drawn anew keeps its place in the page, so everything here is found by attributes at the time of the event.
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
    ctx.request.body?.set?.("_wrong", [...form.querySelectorAll("[aria-invalid=true]")].map((i) => i.dataset.ref || i.name).join(" "));
    left = "";
    if (form.dataset.step) { ctx.request.body?.set?.("_step", form.dataset.step); delete form.dataset.step; }
  });
  // What was half typed into a date field is not lost without a word.
  document.addEventListener("submit", (e) => {
    const bad = [...e.target.elements].find((i) => i.validity?.badInput);
    if (bad) { e.preventDefault(); e.stopPropagation(); bad.reportValidity(); }
  }, true);

  // The outline, the summary and the bar below count what is still wrong, as the fields stand now.
  const parts = (form) => [...form.querySelectorAll(":scope > fieldset.fs, :scope > fieldset.sf")];
  const present = (part) => part.matches(".sf") || !!part.querySelector(".fw:not([hidden])");
  const wrong = (part) => part.querySelectorAll(".err").length;
  const links = (form) => [...(form.parentElement.querySelector("[data-outline]")?.querySelectorAll("a") || [])];
  function count(form) {
    const all = parts(form);
    links(form).forEach((a, i) => {
      if (!all[i]) return;
      a.hidden = !present(all[i]);
      const box = a.querySelector("[data-wrong]");
      if (box) box.textContent = wrong(all[i]) || "";
    });
    const lines = [...form.querySelectorAll("[data-sum] li")];
    if (!lines.length) return;
    for (const line of lines) {
      const link = line.querySelector("a[data-field]"), input = link && document.getElementById(link.dataset.field);
      line.hidden = !!link && !input?.closest(".fw")?.querySelector(".err");
    }
    const left = lines.filter((l) => !l.hidden).length;
    form.querySelectorAll("[data-sum]").forEach((box) => { box.hidden = !left; });
    form.querySelectorAll("[data-left]").forEach((box) => { box.textContent = left; });
    form.querySelectorAll("[data-next-wrong]").forEach((box) => { box.hidden = !left; });
  }
  const goto = (box) => {
    const input = box?.querySelector("input:not([type=hidden]), select, textarea");
    if (!input) return;
    reveal(input);
    input.focus({ preventScroll: true });
    box.scrollIntoView({ block: "center" });
  };

  // Tabs and steps: one section at a time. Without this script all of them stand below each other.
  const paged = (form) => form.dataset.layout === "tabs" || form.dataset.layout === "steps";
  const current = (form) => parts(form).findIndex((p) => !p.classList.contains("off"));
  function show(form, index) {
    const all = parts(form), outline = links(form);
    all.forEach((part, i) => { part.classList.toggle("off", i !== index); part.classList.toggle("on", i === index); });
    outline.forEach((a, i) => {
      if (form.dataset.layout === "tabs") a.setAttribute("aria-selected", String(i === index));
      if (i === index) a.setAttribute("aria-current", form.dataset.layout === "steps" ? "step" : "true"); else a.removeAttribute("aria-current");
      a.classList.toggle("done", form.dataset.layout === "steps" && i < index);
    });
    if (form.dataset.layout !== "steps") return;
    const shown = all.filter(present), at = shown.indexOf(all[index]);
    const line = form.querySelector("[data-step-at]");
    line.hidden = false;
    line.querySelector("[data-at]").textContent = at + 1;
    line.querySelector("[data-of]").textContent = shown.length;
    form.querySelector("[data-step-back]").hidden = at <= 0;
    form.querySelector("[data-step-next]").hidden = at >= shown.length - 1;
    form.querySelector("[data-save]").hidden = at < shown.length - 1 && !form.hasAttribute("data-existing");
  }
  function reveal(input) {
    const part = input.closest("fieldset.fs, fieldset.sf"), form = part?.form;
    if (form && paged(form) && part.classList.contains("off")) show(form, parts(form).indexOf(part));
  }
  function move(form, by) {
    const all = parts(form);
    for (let i = current(form) + by; i >= 0 && i < all.length; i += by) if (present(all[i])) {
      show(form, i);
      window.scrollTo({ top: 0 });
      all[i].querySelector("input:not([type=hidden]), select, textarea")?.focus({ preventScroll: true });
      return;
    }
  }
  const next = (form) => { form.dataset.step = parts(form)[current(form)].dataset.part; ask(form, 0); };
  function begin(form) {
    count(form);
    if (!paged(form)) return;
    const all = parts(form), outline = links(form), tabs = form.dataset.layout === "tabs";
    if (tabs) {
      const list = outline[0]?.parentElement;
      list?.setAttribute("role", "tablist");
      outline.forEach((a, i) => { a.setAttribute("role", "tab"); a.id = "t-" + all[i].id; a.setAttribute("aria-controls", all[i].id); all[i].setAttribute("role", "tabpanel"); all[i].setAttribute("aria-labelledby", a.id); });
    }
    const asked = all.findIndex((p) => location.hash === "#" + p.id), bad = all.findIndex((p) => wrong(p));
    show(form, Math.max(0, bad >= 0 ? bad : asked >= 0 ? asked : all.findIndex(present)));
  }
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-layout]").forEach(begin));
  document.addEventListener("htmx:after:swap", () => document.querySelectorAll("form[data-layout]").forEach((form) => {
    count(form);
    const said = form.querySelector("[name=_shape][data-step]");
    if (!said) return;
    const part = parts(form).find((p) => p.dataset.part === said.dataset.step), bad = Number(said.dataset.wrong);
    said.removeAttribute("data-step");
    if (bad) goto(part.querySelector(".fw:has(.err)")); else if (part === parts(form)[current(form)]) move(form, 1);
  }));
  document.addEventListener("click", (e) => {
    const to = e.target.closest("[data-outline] a");
    const form = to && to.closest(".f10")?.querySelector("form[data-layout]");
    if (form && paged(form)) {
      e.preventDefault();
      const i = links(form).indexOf(to);
      if (form.dataset.layout === "steps" && i > current(form)) { next(form); return; } // a step ahead is reached through the ones before it
      show(form, i);
      history.replaceState(history.state, "", to.hash);
    }
    const link = e.target.closest("a[data-field]"), input = link && document.getElementById(link.dataset.field);
    if (input) reveal(input);
    const button = e.target.closest("[data-step-next], [data-step-back], [data-next-wrong]");
    if (!button?.form) return;
    if (button.matches("[data-step-next]")) next(button.form);
    else if (button.matches("[data-step-back]")) move(button.form, -1);
    else {
      const boxes = [...button.form.querySelectorAll(".fw:not([hidden])")].filter((b) => b.querySelector(".err"));
      const at = boxes.findIndex((b) => b.contains(button.form.lastWrong));
      const box = boxes[(at + 1) % boxes.length];
      button.form.lastWrong = box?.querySelector("input, select, textarea");
      goto(box);
    }
  }, true);
  document.addEventListener("keydown", (e) => {
    if (!e.target.matches?.("[role=tab]") || !["ArrowLeft", "ArrowRight"].includes(e.key)) return;
    const tabs = [...e.target.parentElement.querySelectorAll("[role=tab]:not([hidden])")];
    const to = tabs[(tabs.indexOf(e.target) + (e.key === "ArrowRight" ? 1 : tabs.length - 1)) % tabs.length];
    to.focus();
    to.click();
  });
  // Enter in a step goes on to the next one; only the last step saves.
  document.addEventListener("submit", (e) => {
    if (e.target.dataset?.layout === "steps" && e.submitter?.matches("[data-save]") && e.submitter.hidden) { e.preventDefault(); e.stopImmediatePropagation(); next(e.target); }
  }, true);

  // The outline beside a long form shows the section one is in.
  const sections = [...document.querySelectorAll(".lay-page fieldset.fs, .lay-page fieldset.sf")];
  if (sections.length && "IntersectionObserver" in window) {
    const seen = new IntersectionObserver((found) => {
      const top = found.filter((f) => f.isIntersecting)[0];
      if (!top) return;
      document.querySelectorAll(".f10 .ol a").forEach((a) => { if (a.hash === "#" + top.target.id) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current"); });
    }, { rootMargin: "-64px 0px -70% 0px" });
    sections.forEach((s) => seen.observe(s));
  }

  // The picker: type, arrows and Enter or a click. The hidden input holds the id, or what was typed when nothing is chosen.
  const found = (input) => input.closest(".refpick").querySelector(".found");
  const hidden = (input) => input.closest(".refpick").querySelector("[data-id-of]");
  const open = (input, yes) => { found(input).hidden = !yes; input.setAttribute("aria-expanded", String(yes)); if (!yes) input.removeAttribute("aria-activedescendant"); };
  const seek = (input, wait) => { clearTimeout(input.seeking); input.seeking = setTimeout(() => { if (document.activeElement === input) { open(input, true); input.dispatchEvent(new CustomEvent("seek")); } }, wait); };
  const choices = (input) => [...found(input).querySelectorAll("[data-choose], [data-quick]")];
  function choose(input, item) {
    if (item.dataset.quick) { makeNew(input, item.dataset.quick); return; }
    hidden(input).value = item.dataset.id;
    input.value = input.dataset.shown = item.dataset.name;
    open(input, false);
    input.form?.dispatchEvent(new CustomEvent("chosen"));
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
    const item = e.target.closest("[data-choose], [data-quick]");
    if (!item) return;
    e.preventDefault();
    const input = item.closest(".refpick").querySelector("[data-ref]");
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

  // A record that is not there yet is made in a dialog and comes back chosen.
  const dialog = () => document.getElementById("quick");
  function makeNew(input, url) {
    open(input, false);
    const box = dialog();
    if (!box) return;
    box.opener = input;
    const typed = hidden(input).value && input.value !== input.dataset.shown ? input.value : "";
    htmx.ajax("GET", url + "?name=" + encodeURIComponent(typed), { target: "#quick-body", swap: "innerHTML" });
    box.showModal();
  }
  document.addEventListener("htmx:after:swap", () => {
    const box = dialog();
    if (!box?.open) return;
    const done = box.querySelector("[data-quick-done]");
    if (done) {
      const input = document.getElementById(box.opener.id);
      choose(input, { dataset: { id: done.dataset.id, name: done.dataset.name } });
      done.remove();
      box.close();
      input.focus();
      setTimeout(() => open(input, false), 50);
      return;
    }
    if (!box.contains(document.activeElement) || document.activeElement === box) (box.querySelector("[aria-invalid=true]") || box.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
  });
  document.addEventListener("submit", (e) => {
    if (!e.target.matches?.("[data-quick-form]")) return;
    e.preventDefault(); // the button sends it
    if (e.submitter !== e.target.querySelector("[data-quick-save]")) e.target.querySelector("[data-quick-save]")?.click();
  });
})();
