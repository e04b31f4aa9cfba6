// The little that HTML cannot do alone: theme, menus, keys, notes. No inline handlers anywhere: behaviour hangs on data- attributes.
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const cookie = (name) => (document.cookie.split("; ").find((c) => c.startsWith(name + "=")) || "").split("=")[1] || "";

  // Theme: the cookie, else what the device prefers. This file is loaded before the body, so nothing flashes.
  const theme = () => { root.dataset.bsTheme = cookie("weatherglass_theme") || (dark.matches ? "dark" : "light"); };
  theme();
  dark.addEventListener("change", theme);

  const $ = (selector, from = document) => from.querySelector(selector);
  const typing = (e) => e.target.matches("input, textarea, select, [contenteditable]");

  document.addEventListener("click", (e) => {
    const at = e.target;
    if (at.closest("[data-theme-switch]")) {
      const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
      document.cookie = `weatherglass_theme=${next};path=/;max-age=31536000;samesite=lax`;
      theme();
    }
    const dismiss = at.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(dismiss.dataset.dismiss)?.remove();
    if (at.closest("[data-more]")) { e.preventDefault(); $(".side").classList.toggle("open"); }
    const opener = at.closest("[data-dialog]");
    if (opener) $("#" + opener.dataset.dialog)?.showModal();
    if (at.closest("[data-close]")) at.closest("dialog")?.close();
    if (at.closest("[data-print]")) print();
    const copy = at.closest("[data-copy]");
    if (copy) {
      const input = document.getElementById(copy.dataset.copy), word = $("span", copy);
      input.select();
      (navigator.clipboard?.writeText(input.value) || Promise.reject()).catch(() => document.execCommand("copy")).then(() => { if (word) word.textContent = copy.dataset.copied; });
    }
    for (const open of document.querySelectorAll("details[data-menu][open]")) if (!open.contains(at)) open.open = false;
    // Which rows there were is kept, so that the page of one can lead to those beside it.
    const list = at.closest("[data-rows], .cards0");
    if (list) {
      const paths = [...list.querySelectorAll("a[data-row], li > a[href]")].map((a) => a.pathname);
      try { sessionStorage.setItem("beside", JSON.stringify({ url: location.pathname + location.search, paths: [...new Set(paths)] })); } catch { /* no storage, no neighbours */ }
    }
    // A row is as good as its link; text can still be selected and links inside work as links.
    const row = at.closest("[data-href]");
    if (row && !at.closest("a, button, input, select, label, summary, textarea") && !String(getSelection())) {
      if (e.ctrlKey || e.metaKey) open(row.dataset.href); else location.assign(row.dataset.href);
    }
  });

  document.addEventListener("change", (e) => {
    if (e.target.closest("[data-submit]")) e.target.form?.requestSubmit();
  });

  document.addEventListener("submit", (e) => {
    const question = e.target.dataset.confirm || e.submitter?.dataset.confirm;
    if (question && !confirm(question)) { e.preventDefault(); return; }
    if (!e.defaultPrevented && e.target.method === "post" && !e.target.hasAttribute("hx-post")) {
      if (e.target.dataset.sent) e.preventDefault(); // twice pressed is once sent
      e.target.dataset.sent = "1";
      setTimeout(() => delete e.target.dataset.sent, 4000);
    }
  });

  // Keys: / search, g then a letter to go, j k rows, e edit, mod+s and mod+enter the form's button, ? help.
  let going = 0;
  document.addEventListener("keydown", (e) => {
    const mod = e.ctrlKey || e.metaKey;
    if (mod && (e.key === "s" || e.key === "Enter")) {
      const form = e.target.form || e.target.closest?.("form") || $("form[data-main]");
      if (form && form.method === "post") { e.preventDefault(); form.requestSubmit(); }
      return;
    }
    if (e.key === "Escape") {
      for (const open of document.querySelectorAll("details[data-menu][open]")) { open.open = false; $("summary", open)?.focus(); }
      if (e.target.matches(".find input")) e.target.blur();
    }
    if (mod || e.altKey || typing(e)) return;
    if (going && Date.now() - going < 1500) {
      going = 0;
      const link = $(`.side [data-key="${CSS.escape(e.key)}"]`);
      if (link) { e.preventDefault(); location.assign(link.href); }
      return;
    }
    if (e.key === "/") { e.preventDefault(); $(".find input")?.focus(); }
    else if (e.key === "g") going = Date.now();
    else if (e.key === "?") $("#keys")?.showModal();
    else if (e.key === "e") $("[data-edit]")?.click();
    else if (e.key === "n") $("[data-new]")?.click();
    else if (e.key === "j" || e.key === "k") step(e.key === "j" ? 1 : -1);
  });

  function step(by) {
    const links = [...document.querySelectorAll("[data-rows] a[data-row]")];
    const at = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
  }

  // A request that fails leaves the page as it is and says so.
  const note = (text) => {
    const box = document.createElement("div");
    box.className = "note bad";
    box.setAttribute("role", "alert");
    box.append(text);
    $("#notes")?.append(box);
    setTimeout(() => box.remove(), 8000);
  };
  document.addEventListener("htmx:error", () => note(root.dataset.offline));
  document.addEventListener("htmx:after:request", (e) => {
    if (e.detail?.ctx?.response?.status >= 500) note(root.dataset.failed);
  });
  document.addEventListener("htmx:before:request", () => $("#progress")?.classList.add("on"));
  for (const name of ["htmx:after:request", "htmx:error"]) document.addEventListener(name, () => $("#progress")?.classList.remove("on"));

  document.addEventListener("DOMContentLoaded", () => {
    for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.parentElement.scrollLeft = tab.offsetLeft - 40; // on the phone it may lie beyond the edge
    const first = $("[data-focus]");
    if (first) first.focus();
    if (location.hash.length > 1) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.focus?.();
  });

  // A link in the list of problems puts the cursor into its field.
  document.addEventListener("click", (e) => {
    const link = e.target.closest("a[data-field]");
    const input = link && document.getElementById(link.dataset.field);
    if (input) { e.preventDefault(); input.focus({ preventScroll: true }); input.scrollIntoView({ block: "center" }); }
  });
})();
