// Files in a form: chosen, dropped or pasted, sent one by one with a bar that moves; what comes back is the file's line.
// XMLHttpRequest, because fetch (and htmx with it) does not tell how much has gone out.
(() => {
  "use strict";
  const $ = (selector, from) => from.querySelector(selector);
  const boxOf = (target) => target.closest?.("[data-files]");
  const lines = (box) => $(".fls", box);
  const saying = (box, what, name) => box.dataset[what].replace("{name}", () => name);
  const say = (box, text) => { $(".file-said", box).textContent = text; };
  // The live form asks what the rules say now; the number of files may count.
  const changed = (box) => $('input[type="hidden"]', box).dispatchEvent(new Event("change", { bubbles: true }));

  function wrong(box, text) {
    const line = document.createElement("li");
    line.className = "fl bad";
    const words = document.createElement("span");
    words.setAttribute("role", "alert");
    words.textContent = text;
    const button = document.createElement("button");
    button.type = "button"; button.className = "ib"; button.dataset.fileRemove = ""; button.textContent = "×";
    button.setAttribute("aria-label", box.dataset.stop);
    line.append(words, button);
    lines(box).append(line);
  }

  function send(box, file) {
    if (!file.name) return;
    if (file.size > Number(box.dataset.limit)) { wrong(box, saying(box, "tooBig", file.name)); return; }
    const most = Number(box.dataset.most);
    if (most === 1) lines(box).replaceChildren(); // one file: a new one takes the place of the old
    else if (lines(box).querySelectorAll(".fl:not(.bad)").length >= most) { wrong(box, saying(box, "tooMany", file.name)); return; }
    const line = document.createElement("li");
    line.className = "fl up";
    const name = document.createElement("span");
    name.textContent = file.name;
    const bar = document.createElement("progress");
    bar.max = 1; bar.value = 0; bar.setAttribute("aria-label", file.name);
    const stop = document.createElement("button");
    stop.type = "button"; stop.className = "ib"; stop.textContent = "×"; stop.setAttribute("aria-label", `${box.dataset.stop} ${file.name}`);
    line.append(name, bar, stop);
    lines(box).append(line);
    const request = new XMLHttpRequest();
    stop.addEventListener("click", () => { request.abort(); line.remove(); $('input[type="file"]', box).focus(); });
    request.open("POST", `${box.dataset.upload}?as=${encodeURIComponent(box.dataset.files)}`);
    request.setRequestHeader("HX-Request", "true");
    request.upload.addEventListener("progress", (e) => { if (e.lengthComputable) bar.value = e.loaded / e.total; });
    request.addEventListener("error", () => { line.remove(); wrong(box, saying(box, "broken", file.name)); });
    request.addEventListener("load", () => {
      const answer = new DOMParser().parseFromString(request.responseText, "text/html").body;
      const home = request.getResponseHeader("HX-Redirect");
      if (home) { location.assign(home); return; }
      const made = $("li.fl", answer);
      if (request.status === 200 && made) { line.replaceWith(made); say(box, saying(box, "done", file.name)); changed(box); return; }
      line.remove();
      const told = $(".note > div", answer) || answer;
      wrong(box, [...told.childNodes].map((n) => n.textContent.trim()).filter(Boolean).join(" ") || saying(box, "broken", file.name));
    });
    const body = new FormData();
    body.append("file", file, file.name);
    request.send(body);
  }
  const all = (box, files) => { for (const file of files) send(box, file); };

  document.addEventListener("change", (e) => {
    const box = e.target.type === "file" && boxOf(e.target);
    if (!box) return;
    all(box, [...e.target.files]);
    e.target.value = ""; // the same file can be chosen again
  });
  document.addEventListener("click", (e) => {
    const button = e.target.closest("[data-file-remove]");
    const box = button && boxOf(button);
    if (!box) return;
    const line = button.closest("li"), next = line.nextElementSibling || line.previousElementSibling;
    line.remove();
    ($("button", next || box) || $('input[type="file"]', box)).focus();
    changed(box);
  });
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (e) => {
    const box = boxOf(e.target);
    if (!box || !e.dataTransfer?.types.includes("Files")) return;
    e.preventDefault();
    box.classList.add("over");
  });
  document.addEventListener("dragleave", (e) => { const box = boxOf(e.target); if (box && !box.contains(e.relatedTarget)) box.classList.remove("over"); });
  document.addEventListener("drop", (e) => {
    const box = boxOf(e.target);
    if (!box || !e.dataTransfer?.files.length) return;
    e.preventDefault();
    box.classList.remove("over");
    all(box, e.dataTransfer.files);
  });
  document.addEventListener("paste", (e) => {
    const box = boxOf(e.target);
    if (box && e.clipboardData?.files.length) { e.preventDefault(); all(box, e.clipboardData.files); }
  });
  // A form is not saved without the files that are still on their way.
  document.addEventListener("submit", (e) => {
    const busy = $(".fl.up", e.target);
    if (busy) { e.preventDefault(); e.stopPropagation(); const box = boxOf(busy); say(box, box.dataset.waiting); busy.scrollIntoView({ block: "center" }); }
  }, true);
})();
