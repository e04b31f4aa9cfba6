// The bell counts along while its page is looked at. A page that is hidden lets go of its connection: browsers have six for a site.
(() => {
  "use strict";
  const bell = document.getElementById("bell");
  if (!bell || !window.EventSource) return;
  const PATIENCE = 3000; // most pages are left again before that
  let source = null, timer = 0, shown = bell.textContent.trim(), newest = Number(bell.dataset.newest);

  const show = (text) => {
    if (text === shown) return;
    shown = text;
    bell.querySelector(".ct").textContent = text;
    bell.setAttribute("aria-label", text ? `${bell.dataset.word}, ${bell.dataset.waiting} ${text}` : bell.dataset.word);
  };

  const open = () => {
    timer = 0;
    if (source || document.hidden) return;
    source = new EventSource(bell.dataset.live);
    source.addEventListener("unread", (e) => {
      const told = JSON.parse(e.data);
      show(told.unread === 0 ? "" : told.unread < 100 ? String(told.unread) : "99+");
      if (told.newest <= newest) return;
      newest = told.newest;
      document.body.dispatchEvent(new CustomEvent("notified"));
    });
    source.addEventListener("over", close); // signed out: the next page says so
  };
  const close = () => {
    clearTimeout(timer);
    timer = 0;
    source?.close();
    source = null;
  };
  const follow = () => {
    if (document.hidden) close();
    else if (!source && !timer) timer = setTimeout(open, PATIENCE);
  };
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", close);
  addEventListener("pageshow", follow);
  follow();
})();
