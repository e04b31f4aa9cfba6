// The document editor: keeps opened parts open when the server redraws the form, and shows problems at their inputs.
(() => {
  "use strict";
  const opened = new Set();
  document.addEventListener("toggle", (event) => {
    const part = event.target;
    if (part.id && part.matches(".fm details")) part.open ? opened.add(part.id) : opened.delete(part.id);
  }, true);

  // Another year of a calendar: asked for by the one request that follows what is typed, so that two never answer each other away.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-year]");
    if (!button) return;
    document.querySelector("#doc [name=year]").value = button.dataset.year;
    document.getElementById("doc").dispatchEvent(new Event("change"));
  });

  function reopen() {
    for (const id of opened) {
      const part = document.getElementById(id);
      if (part && !part.open) part.open = true;
    }
  }

  // A problem names a JSON pointer: the input of that name, or the nearest part that holds it.
  function place(path) {
    for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
      const names = [at, at + "~", at + "/zh_CN"];
      for (const name of names) {
        const input = document.querySelector(`#doc [name="${CSS.escape(name)}"]:not([type=hidden])`);
        if (input) return input;
      }
      const part = at && document.querySelector(`#doc [data-path="${CSS.escape(at)}"]`);
      if (part) return part;
      if (!at) return null;
    }
  }

  function show() {
    document.querySelectorAll("#doc .fp").forEach((slot) => slot.remove());
    document.querySelectorAll("#doc [aria-invalid]").forEach((input) => { input.removeAttribute("aria-invalid"); input.classList.remove("bad"); });
    document.querySelectorAll("#problems [data-path]").forEach((item) => {
      const input = place(item.dataset.path);
      if (!input || !input.name) return;
      if (item.dataset.severity === "error") { input.setAttribute("aria-invalid", "true"); input.classList.add("bad"); }
      const slot = document.createElement("div");
      slot.className = "fp " + item.dataset.severity;
      const start = Number(item.dataset.start), end = Number(item.dataset.end);
      if (item.dataset.start && end > start) {
        const mark = document.createElement("u");
        mark.textContent = input.value.slice(start, end);
        mark.className = "mono";
        slot.append(mark, " ");
      }
      slot.append(item.querySelector(".msg").textContent);
      input.closest(".pair, div").after(slot);
    });
  }

  // A link in the problem list goes to the input, opening what hides it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#problems a[data-go]");
    if (!link) return;
    const input = place(link.dataset.go);
    if (!input) return;
    event.preventDefault();
    for (let part = input.parentElement; part; part = part.parentElement) if (part.matches("details")) part.open = true;
    input.scrollIntoView({ block: "center" });
    (input.name ? input : input.querySelector("input, select, textarea, summary"))?.focus();
  });

  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("htmx:after:swap", () => { reopen(); show(); });
  // A schema is read from a file into the text, where it can be looked at before it is sent.
  document.addEventListener("change", async (e) => {
    const into = e.target.dataset?.readInto && document.getElementById(e.target.dataset.readInto), file = e.target.files?.[0];
    if (!into || !file) return;
    into.value = await file.text();
    into.dispatchEvent(new Event("input", { bubbles: true }));
    const title = document.querySelector("[name=title]"), key = document.querySelector("[name=key]");
    if (title && key && !title.value && !key.value) key.value = file.name.split(".")[0].toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 36);
  });
})();
