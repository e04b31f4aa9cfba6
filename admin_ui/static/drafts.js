// What was typed is never lost. A form with data-draft keeps its values on the server a moment after each change, and in this tab until the
// server has them: the tab may crash, the session end, the line break.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const key = (form) => "draft:" + form.dataset.draft;
  const fields = (form) => [...form.elements].filter((i) => i.name && i.type !== "password" && i.type !== "file" && (i.type !== "hidden" || i.hasAttribute("data-id-of")));
  const values = (form) => fields(form).map((i) => [i.name, i.type === "checkbox" || i.type === "radio" ? [i.value, i.checked] : i.value]);
  const store = (name, value) => { try { if (value === null) sessionStorage.removeItem(name); else sessionStorage.setItem(name, value); } catch { /* a private window may have none */ } };
  const stored = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };
  const say = (text) => { const box = $("[data-draft-said]"); if (box) { box.textContent = text; box.hidden = false; } };
  const undecided = () => $("[data-kept]"); // an older draft is offered: it is not written over before one has said what shall become of it

  function changed(form) {
    form.dataset.dirty = "1";
    clearTimeout(form.keeping);
    form.keeping = setTimeout(() => store(key(form), JSON.stringify(values(form))), 300);
    clearTimeout(form.sending);
    form.sending = setTimeout(() => send(form), 1200);
  }

  async function send(form) {
    clearTimeout(form.sending);
    if (!form.dataset.draftUrl || !form.dataset.dirty || undecided()) return;
    delete form.dataset.dirty;
    const body = new URLSearchParams([...new FormData(form)].filter(([, v]) => typeof v === "string"));
    form.inflight = fetch(form.dataset.draftUrl, { method: "POST", body, headers: { "HX-Request": "true" }, keepalive: String(body).length < 60000 });
    try {
      const answer = await form.inflight;
      if (answer.ok) {
        clearTimeout(form.keeping);
        store(key(form), null);
        say(form.dataset.saidKept + " " + new Date().toTimeString().slice(0, 5));
      } else say(answer.status === 401 ? form.dataset.saidOut : form.dataset.saidTab);
    } catch { say(form.dataset.saidTab); }
    form.inflight = null;
  }

  const drafted = (e) => (e.target.form?.dataset.draft ? e.target.form : null);
  document.addEventListener("input", (e) => { const form = drafted(e); if (form) changed(form); });
  document.addEventListener("change", (e) => { const form = drafted(e); if (form) changed(form); });
  document.addEventListener("chosen", (e) => { if (e.target.dataset?.draft) changed(e.target); }, true);
  const flush = () => document.querySelectorAll("form[data-draft][data-dirty]").forEach((form) => { store(key(form), JSON.stringify(values(form))); send(form); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") flush(); });

  // A draft on its way arrives before the form is saved, so that it cannot come after and stay.
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (form.dataset?.draftDrop) store("draft:" + form.dataset.draftDrop, null);
    if (!form.dataset?.draft || e.defaultPrevented) return;
    clearTimeout(form.sending);
    clearTimeout(form.keeping);
    delete form.dataset.dirty;
    store(key(form), JSON.stringify(values(form)));
    store("draft-sent", key(form));
    if (form.inflight) {
      const button = e.submitter;
      e.preventDefault();
      e.stopImmediatePropagation();
      form.inflight.catch(() => {}).then(() => { form.inflight = null; form.requestSubmit(button || undefined); });
    }
  }, true);

  function recall(form) {
    let kept;
    try { kept = JSON.parse(stored(key(form)) || "null"); } catch { return; }
    const bar = $("[data-recall]", form);
    if (!kept || !bar || form.hasAttribute("data-answered") || JSON.stringify(kept) === JSON.stringify(values(form))) return;
    bar.hidden = false;
    $("[data-recall-yes]", bar).addEventListener("click", () => {
      const inputs = fields(form);
      for (const [name, value] of kept) {
        const input = inputs.find((i) => i.name === name && (!Array.isArray(value) || i.value === value[0]));
        if (!input) continue;
        if (Array.isArray(value)) input.checked = value[1]; else input.value = value;
      }
      bar.hidden = true;
      changed(form);
      form.dispatchEvent(new CustomEvent("recalled"));
    });
    $("[data-recall-no]", bar).addEventListener("click", () => { store(key(form), null); bar.hidden = true; });
  }
  const begin = () => {
    const forms = [...document.querySelectorAll("form[data-draft]")], sent = stored("draft-sent");
    if (!$(".side")) return; // signed out meanwhile: it was not saved
    if (sent && !forms.some((form) => key(form) === sent)) store(sent, null); // it was saved: another page came
    store("draft-sent", null);
    forms.forEach(recall);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
})();
