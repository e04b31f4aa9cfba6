// A small editor over a textarea that holds HTML. The textarea stays what is sent; the server makes safe whatever comes.
(() => {
  "use strict";
  const zh = document.documentElement.lang.startsWith("zh");
  const say = (a, b) => (zh ? a : b);
  const BUTTONS = [
    ["bold", "B", say("加粗", "Bold")], ["italic", "I", say("斜体", "Italic")], ["underline", "U", say("下划线", "Underline")],
    ["h3", "H", say("标题", "Heading")], ["insertUnorderedList", "•", say("列表", "List")], ["insertOrderedList", "1.", say("编号列表", "Numbered list")],
    ["blockquote", "“", say("引用", "Quote")], ["link", say("链接", "Link"), say("链接", "Link")], ["removeFormat", say("清除", "Plain"), say("清除格式", "Clear the format")],
  ];

  function act(area, name) {
    area.focus();
    if (name === "link") {
      const address = window.prompt(say("网址(http 或 https)", "Web address (http or https)"), "https://");
      if (address && /^https?:\/\/\S+$/i.test(address)) document.execCommand("createLink", false, address);
    } else if (name === "h3" || name === "blockquote") {
      const is = document.queryCommandValue("formatBlock").toLowerCase() === name;
      document.execCommand("formatBlock", false, is ? "p" : name);
    } else {
      document.execCommand(name, false);
      if (name === "removeFormat") document.execCommand("formatBlock", false, "p");
    }
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function edit(source) {
    if (source.dataset.editing) return;
    source.dataset.editing = "1";
    const box = document.createElement("div"), bar = document.createElement("div"), area = document.createElement("div");
    box.className = "richbox";
    bar.className = "richbar";
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", say("格式", "Format"));
    for (const [name, sign, title] of BUTTONS) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", title, textContent: sign, tabIndex: bar.childElementCount ? -1 : 0 });
      button.setAttribute("aria-label", title);
      button.addEventListener("mousedown", (e) => e.preventDefault());
      button.addEventListener("click", () => act(area, name));
      bar.append(button);
    }
    bar.addEventListener("keydown", (e) => {  // one stop for Tab, arrows between the buttons
      const all = [...bar.children], step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
      all.forEach((b) => { b.tabIndex = b === next ? 0 : -1; });
      next.focus();
    });
    area.className = "form-control rich" + (source.classList.contains("bad") ? " bad" : "");
    area.contentEditable = "true";
    area.setAttribute("role", "textbox");
    area.setAttribute("aria-multiline", "true");
    area.setAttribute("aria-label", source.dataset.rich);
    for (const name of ["aria-describedby", "aria-invalid"]) if (source.hasAttribute(name)) area.setAttribute(name, source.getAttribute(name));
    show(source, area);
    document.execCommand("defaultParagraphSeparator", false, "p");
    area.addEventListener("input", (e) => {
      e.stopPropagation();
      source.value = area.textContent.trim() ? area.innerHTML : "";
      source.dispatchEvent(new Event("input", { bubbles: true }));
    });
    area.addEventListener("blur", () => source.dispatchEvent(new Event("change", { bubbles: true })));
    area.addEventListener("paste", (e) => {  // what comes from elsewhere comes as words
      e.preventDefault();
      document.execCommand("insertText", false, e.clipboardData.getData("text/plain"));
    });
    source.addEventListener("focus", () => area.focus());  // the summary of errors leads here
    source.form?.addEventListener("recalled", () => show(source, area), true);
    box.append(bar, area);
    source.after(box);
    source.classList.add("vh");
    source.tabIndex = -1;
  }

  // The document that is parsed here runs nothing; only the tags the server keeps are taken over.
  const KEPT = new Set(["P", "BR", "H3", "H4", "STRONG", "EM", "B", "I", "U", "S", "UL", "OL", "LI", "BLOCKQUOTE", "CODE", "PRE", "A", "HR"]);
  function show(source, area) {
    const made = new DOMParser().parseFromString(source.value, "text/html").body;
    area.replaceChildren(...[...made.childNodes].map(copied).filter(Boolean));
    if (!area.firstChild) {  // what is typed first is a paragraph too
      const first = document.createElement("p");
      first.append(document.createElement("br"));
      area.append(first);
    }
  }
  function copied(node) {
    if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
    if (node.nodeType !== Node.ELEMENT_NODE || ["SCRIPT", "STYLE"].includes(node.tagName)) return null;
    const made = KEPT.has(node.tagName) ? document.createElement(node.tagName) : document.createDocumentFragment();
    if (node.tagName === "A" && /^(https?:|mailto:)/i.test(node.getAttribute("href") || "")) made.href = node.getAttribute("href");
    made.append(...[...node.childNodes].map(copied).filter(Boolean));
    return made;
  }

  const all = () => document.querySelectorAll("textarea[data-rich]").forEach(edit);
  all();
  document.addEventListener("htmx:after:swap", all);
})();
