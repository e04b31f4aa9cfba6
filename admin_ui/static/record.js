// The page of a record: its essence stays in view, the records beside it in the list, comments with mentions.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);

  // The header in one line, when the header itself is out of view.
  const stick = $("[data-stick]"), head = $("[data-head]");
  if (stick && head && "IntersectionObserver" in window) {
    new IntersectionObserver(([seen]) => { stick.hidden = seen.isIntersecting || seen.boundingClientRect.top > 0; }, { rootMargin: "-48px 0px 0px" }).observe(head);
    $("[data-top]", stick)?.addEventListener("click", (e) => { e.preventDefault(); scrollTo({ top: 0 }); $("#main")?.focus({ preventScroll: true }); });
  }

  // Records beside this one in the list one came from (app.js keeps what was on it).
  const bar = $("[data-beside]");
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem("beside") || "null"); } catch { kept = null; }
  const at = kept?.paths ? kept.paths.indexOf(location.pathname) : -1;
  const tab = new URLSearchParams(location.search).get("tab");
  if (bar && at >= 0) {
    const lead = (link, path) => { if (path) link.href = path + (tab ? "?tab=" + encodeURIComponent(tab) : ""); else { link.setAttribute("aria-disabled", "true"); link.setAttribute("role", "link"); } };
    lead($("[data-previous]", bar), kept.paths[at - 1]);
    lead($("[data-following]", bar), kept.paths[at + 1]);
    $("[data-list]", bar).href = kept.url;
    $("[data-place]", bar).textContent = `${at + 1} / ${kept.paths.length}`;
    bar.hidden = false;
    document.addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea, select")) return;
      const link = e.code === "BracketLeft" ? $("[data-previous]", bar) : e.code === "BracketRight" ? $("[data-following]", bar) : null;
      if (link?.href) { e.preventDefault(); location.assign(link.href); }
    });
  }

  // Mentions: "@" opens a list of people; arrows, Enter or Tab choose, Escape closes it.
  const AT = /(?:^|[^\w.@-])@([^\s@]{0,40})$/;
  const listOf = (area) => document.getElementById(area.getAttribute("aria-controls"));
  const close = (area) => { const list = listOf(area); if (list) { list.hidden = true; list.replaceChildren(); } area.removeAttribute("aria-activedescendant"); };
  const options = (area) => [...listOf(area).querySelectorAll("[data-username]")];
  function mark(area, items, chosen) {
    items.forEach((i) => i.setAttribute("aria-selected", String(i === chosen)));
    if (!chosen) { area.removeAttribute("aria-activedescendant"); return; }
    chosen.id ||= "p" + Math.random().toString(36).slice(2);
    area.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }
  async function offer(area) {
    const typed = AT.exec(area.value.slice(0, area.selectionStart));
    if (!typed) { close(area); return; }
    const asked = (area.asked = (area.asked || 0) + 1);
    let answer;
    try { answer = await fetch(area.dataset.mention + "?q=" + encodeURIComponent(typed[1])); } catch { return; }
    if (!answer.ok || asked !== area.asked) return;
    const list = listOf(area);
    list.innerHTML = await answer.text(); // our own template, escaped there
    if (asked !== area.asked || document.activeElement !== area) return;
    list.hidden = false;
    mark(area, options(area), options(area)[0]);
    list.scrollIntoView({ block: "nearest" });
  }
  function choose(area, item) {
    const caret = area.selectionStart, typed = AT.exec(area.value.slice(0, caret));
    if (!typed) { close(area); return; }
    const start = caret - typed[1].length;
    area.setRangeText(item.dataset.username + " ", start, caret, "end");
    area.asked = (area.asked || 0) + 1;
    close(area);
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
  document.addEventListener("input", (e) => {
    const area = e.target;
    if (!area.dataset?.mention) return;
    clearTimeout(area.offering);
    area.offering = setTimeout(() => offer(area), AT.test(area.value.slice(0, area.selectionStart)) ? 120 : 0);
  });
  document.addEventListener("keydown", (e) => {
    const area = e.target;
    if (!area.dataset?.mention || !listOf(area) || listOf(area).hidden) return;
    const items = options(area), now = items.findIndex((i) => i.getAttribute("aria-selected") === "true");
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); mark(area, items, items[(now + (e.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]); }
    else if ((e.key === "Enter" || e.key === "Tab") && now >= 0 && !e.ctrlKey && !e.metaKey) { e.preventDefault(); choose(area, items[now]); }
    else if (e.key === "Escape") { e.stopPropagation(); close(area); }
  }, true);
  document.addEventListener("mousedown", (e) => {
    const item = e.target.closest("[data-username]"), list = item?.closest("[role=listbox]");
    const area = list && $(`[aria-controls="${CSS.escape(list.id)}"]`);
    if (area) { e.preventDefault(); choose(area, item); }
  });
  document.addEventListener("focusout", (e) => { if (e.target.dataset?.mention) setTimeout(() => { if (document.activeElement !== e.target) close(e.target); }, 150); });

  // What was typed stays in this tab until it is posted.
  const keptAs = (form) => form?.dataset.kept;
  document.addEventListener("input", (e) => {
    const form = e.target.form;
    if (keptAs(form)) try { if (e.target.value) sessionStorage.setItem(form.dataset.kept, e.target.value); else sessionStorage.removeItem(form.dataset.kept); } catch { return; }
  });
  const say = $("form[data-kept] textarea");
  if (say && !say.value) say.value = sessionStorage.getItem(say.form.dataset.kept) || "";
  document.addEventListener("htmx:after:request", (e) => {
    const form = e.detail?.ctx?.sourceElement;
    if (keptAs(form) && e.detail.ctx.response?.status === 200) sessionStorage.removeItem(form.dataset.kept);
  });

  // Mentions that come into view are read.
  const pending = new Map();
  let sending = 0;
  function send() {
    for (const [url, ids] of pending) fetch(url, { method: "POST", body: new URLSearchParams({ ids: ids.join(",") }), keepalive: true }).catch(() => {});
    pending.clear();
  }
  const looked = "IntersectionObserver" in window ? new IntersectionObserver((found) => {
    for (const f of found) {
      if (!f.isIntersecting) continue;
      looked.unobserve(f.target);
      const { seen: url, unread: id } = f.target.dataset;
      pending.set(url, [...(pending.get(url) || []), id]);
      clearTimeout(sending);
      sending = setTimeout(send, 400);
    }
  }, { threshold: 0.5 }) : null;
  const watch = () => {
    document.querySelectorAll("[data-unread]:not([data-watched])").forEach((c) => { c.dataset.watched = "1"; looked?.observe(c); });
    const area = $("[data-focus-now]");
    if (area) { area.removeAttribute("data-focus-now"); area.focus(); area.setSelectionRange(area.value.length, area.value.length); }
  };
  watch();
  document.addEventListener("htmx:after:swap", watch);
})();
