// The expression editor: rows, text and words are three views of one expression. The server reads and writes all of them; here is only what is on the screen.
(() => {
  "use strict";
  const dialog = document.getElementById("xp");
  if (!dialog) return;
  const $ = (id) => document.getElementById(id);
  const words = JSON.parse($("xp-dictionary").textContent);
  const state = { path: "", input: null, names: new Map(), operators: new Map(), functions: [], group: null, tab: "rows", record: "", isRule: true, seen: 0 };
  const COMPARED = new Set(["contains", "starts_with", "ends_with", "between", "has", "has_any", "has_all", "has_none", "in_last_days", "in_next_days", "days_ago_more"]);

  function make(tag, attributes = {}, ...inner) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
      else if (value === true) element.setAttribute(key, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...inner);
    return element;
  }
  const icon = (name) => {
    const like = document.querySelector(".xp-open use, .btn use");
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("viewBox", "0 0 24 24");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", like.getAttribute("href").replace(/#.*/, "#" + name));
    svg.append(use);
    return svg;
  };

  // -- The tree as it is edited: every group is {join, negated, parts}, every row {field, operator, value, negated}.

  function edited(tree) {
    if (tree.not) return { ...edited(tree.not), negated: true };
    for (const join of ["all", "any"]) if (tree[join]) return { join, negated: false, parts: tree[join].map(edited) };
    return { field: tree.field, operator: tree.operator, value: tree.value, negated: false };
  }
  function written(part) {
    const inner = part.join ? { [part.join]: part.parts.map(written) } : { field: part.field, operator: part.operator, ...(part.value === undefined ? {} : { value: part.value }) };
    return part.negated ? { not: inner } : inner;
  }
  const rooted = (tree) => { const part = edited(tree); return part.join && !part.negated ? part : { join: "all", negated: false, parts: [part] }; };
  const fits = (field) => [...state.operators.values()].filter((o) => o.types.includes(state.names.get(field)?.type));
  const blank = (operator) => ({ none: undefined, days: 30, two: ["", ""], many: [], one: "" })[state.operators.get(operator)?.takes];
  function row() {
    const field = [...state.names.keys()][0];
    const operator = fits(field)[0]?.key;
    return { field, operator, value: blank(operator), negated: false };
  }
  function complete(part) {
    if (part.join) return part.parts.every(complete);
    const takes = state.operators.get(part.operator)?.takes, value = part.value;
    if (takes === "none") return true;
    return Array.isArray(value) ? value.length > 0 && value.every((v) => v !== "") : value !== "" && value !== undefined;
  }

  // -- Talking to the server: the last question wins.

  let waiting = 0;
  async function ask(more) {
    const mine = ++state.seen;
    const body = new URLSearchParams(new FormData($("doc")));
    body.set("expression.path", state.path);
    if (state.record) body.set("expression.record", state.record);
    for (const [key, value] of Object.entries(more)) body.set("expression." + key, value);
    try {
      const answer = await fetch(dialog.dataset.url, { method: "POST", body, headers: { accept: "application/json", "HX-Request": "true" } });
      if (mine !== state.seen) return null;
      if (!answer.ok || !answer.headers.get("content-type")?.includes("json")) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        problems([{ message: page.body.textContent.trim().replace(/\s+/g, " ") || words.failed, hint: "", severity: "error" }]);
        return null;
      }
      return await answer.json();
    } catch {
      problems([{ message: words.failed, hint: "", severity: "error" }]);
      return null;
    }
  }
  const later = (run, time = 250) => { clearTimeout(waiting); waiting = setTimeout(run, time); };

  // -- Rows

  function draw() {
    const panel = $("xp-rows");
    const at = panel.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    panel.replaceChildren(state.group ? group(state.group, null, "0") : make("p", { class: "m1" }, words.empty), ...(state.group ? [] : [adders(null)]));
    if (at) panel.querySelector(`[data-at="${CSS.escape(at)}"]`)?.focus();
    say();
  }
  function changed(redraw = true) {
    if (redraw) draw(); else say();
    later(async () => {
      if (!state.group || !state.group.parts.length) { $("xp-input").value = ""; problems([]); return; }
      if (!complete(state.group)) return;
      const found = await ask({ tree: JSON.stringify(written(state.group)) });
      if (!found) return;
      if (found.text) $("xp-input").value = found.text;
      problems(found.problems);
      trial(found.trial);
    });
  }
  function adders(parts) {
    const add = (part) => { if (parts) parts.push(part); else state.group = { join: "all", negated: false, parts: [part] }; changed(); };
    return make("div", { class: "row0 xp-add" },
      make("button", { type: "button", class: "btn q", on: { click: () => add(row()) } }, icon("plus"), words.add),
      make("button", { type: "button", class: "btn q", on: { click: () => add({ join: "any", negated: false, parts: [row(), row()] }) } }, icon("plus"), words.group));
  }
  function remover(parts, part) {
    return make("button", { type: "button", class: "btn q", "aria-label": words.remove, title: words.remove, on: { click: () => {
      if (parts) parts.splice(parts.indexOf(part), 1); else state.group = null;
      if (state.group && !state.group.parts.length) state.group = null;
      changed();
    } } }, icon("trash"));
  }
  function group(it, parts, at) {
    const join = make("select", { class: "form-select fit", "data-at": at + "j", "aria-label": words.group, on: { change: (e) => { [it.join, it.negated] = [e.target.value.replace("!", ""), e.target.value.startsWith("!")]; changed(); } } });
    for (const [value, label] of [["all", words.all], ["any", words.any], ["!all", `${words.not}: ${words.all}`], ["!any", `${words.not}: ${words.any}`]]) {
      if (value.startsWith("!") && !it.negated && !parts) continue;
      join.append(make("option", { value, selected: value === (it.negated ? "!" : "") + it.join }, label));
    }
    const box = make("fieldset", { class: "xp-group" }, make("legend", { class: "vh" }, words.group), make("div", { class: "row0" }, join, make("span", { class: "sp" }), ...(parts ? [remover(parts, it)] : [])));
    it.parts.forEach((part, n) => box.append(part.join ? group(part, it.parts, `${at}.${n}`) : line(part, it, `${at}.${n}`, n)));
    box.append(adders(it.parts));
    return box;
  }
  function line(it, holder, at, n) {
    const known = state.names.get(it.field);
    const field = make("select", { class: "form-select", "data-at": at + "f", "aria-label": words.field, on: { change: (e) => {
      it.field = e.target.value;
      if (!fits(it.field).some((o) => o.key === it.operator)) it.operator = fits(it.field)[0]?.key;
      it.value = blank(it.operator);
      changed();
    } } });
    const heaps = { [words.own]: [], [words.of]: [] };
    for (const name of state.names.values()) heaps[name.name.includes(".") ? words.of : words.own].push(name);
    for (const [label, names] of Object.entries(heaps)) {
      if (!names.length) continue;
      const heap = make("optgroup", { label });
      for (const name of names) heap.append(make("option", { value: name.name, selected: name.name === it.field }, name.title === name.name ? name.name : `${name.title} ${name.name.includes(".") ? "(" + name.name.split(".")[0] + ")" : ""}`.trim()));
      field.append(heap);
    }
    const operator = make("select", { class: "form-select", "data-at": at + "o", "aria-label": words.operator, on: { change: (e) => {
      const before = state.operators.get(it.operator)?.takes;
      it.operator = e.target.value;
      if (state.operators.get(it.operator).takes !== before) it.value = blank(it.operator);
      changed();
    } } });
    for (const o of fits(it.field)) operator.append(make("option", { value: o.key, selected: o.key === it.operator }, o.title));
    const value = make("div", { class: "xp-value" }, ...values(it, known, at));
    const negate = COMPARED.has(it.operator) || it.negated
      ? [make("label", { class: "sm m1 xp-not" }, make("input", { type: "checkbox", class: "form-check-input", checked: it.negated, "data-at": at + "n", on: { change: (e) => { it.negated = e.target.checked; changed(); } } }), " " + words.negate)]
      : [];
    return make("div", { class: "xp-line" }, make("span", { class: "sm m2 xp-join" }, n ? words[holder.join === "all" ? "and" : "or"] : ""), field, operator, value, make("span", { class: "row0" }, ...negate, remover(holder.parts, it)));
  }
  function values(it, known, at) {
    const takes = state.operators.get(it.operator)?.takes;
    if (!known || takes === "none") return [];
    if (takes === "days") return [number(it.value, at, (v) => { it.value = v; }), make("span", { class: "sm m2" }, words.days)];
    if (takes === "many") return known.options.length ? [choices(it, known)] : [make("input", { class: "form-control", "data-at": at + "v", "aria-label": words.value, placeholder: words.separated, value: (it.value || []).map(plain).join(", "), on: { input: (e) => { it.value = e.target.value.split(/[,，]/).map((v) => v.trim()).filter(Boolean).map((v) => typed(v, known)); changed(false); } } })];
    if (takes === "two") return [0, 1].flatMap((n) => [...(n ? [make("span", { class: "sm m2" }, words.to)] : []), ...one(it.value?.[n] ?? "", known, `${at}v${n}`, (v) => { it.value = [...(it.value || ["", ""])]; it.value[n] = v; })]);
    return one(it.value, known, at + "v", (v) => { it.value = v; });
  }
  // One value: written out, another field, or (for dates) days from today.
  function one(value, known, at, put) {
    const mode = value && typeof value === "object" ? ("today" in value ? "today" : "other") : "literal";
    const dates = known.type === "date" || known.type === "datetime";
    const rivals = [...state.names.values()].filter((n) => n.name !== known.name && (n.type === known.type || (dates && (n.type === "date" || n.type === "datetime")) || (isNumber(n) && isNumber(known))));
    const modes = [["literal", words.literal], ...(dates ? [["today", words.today]] : []), ...(rivals.length && known.type !== "list" ? [["other", words.other]] : [])];
    const shown = [];
    if (modes.length > 1) {
      const how = make("select", { class: "form-select fit xp-how", "data-at": at + "h", "aria-label": words.value, on: { change: (e) => { put({ literal: "", today: { today: 0 }, other: { name: rivals[0]?.name } }[e.target.value]); changed(); } } });
      for (const [key, label] of modes) how.append(make("option", { value: key, selected: key === mode }, label));
      shown.push(how);
    }
    if (mode === "other") {
      const other = make("select", { class: "form-select", "data-at": at, "aria-label": words.other, on: { change: (e) => { put({ name: e.target.value }); changed(false); } } });
      for (const n of rivals) other.append(make("option", { value: n.name, selected: n.name === value.name }, n.title));
      return [...shown, other];
    }
    if (mode === "today") return [...shown, number(value.today, at, (v) => put({ today: v }), true)];
    if (known.options.length) {
      const choice = make("select", { class: "form-select", "data-at": at, "aria-label": words.value, on: { change: (e) => { put(e.target.value); changed(false); } } }, make("option", { value: "" }, words.choose));
      for (const [key, title] of known.options) choice.append(make("option", { value: key, selected: key === value }, title));
      return [...shown, choice];
    }
    const input = make("input", { class: "form-control", "data-at": at, "aria-label": words.value, autocomplete: "off", type: dates ? "date" : "text", inputmode: isNumber(known) ? "decimal" : null, value: plain(value), on: { input: (e) => { put(typed(e.target.value, known)); changed(false); } } });
    return [...shown, input, ...(known.unit ? [make("span", { class: "sm m2" }, known.unit)] : [])];
  }
  function number(value, at, put, signed = false) {
    return make("input", { class: "form-control xp-days", type: "number", step: "1", min: signed ? null : "0", "data-at": at + "v", "aria-label": words.days, value: value ?? "", on: { input: (e) => { put(e.target.value === "" ? "" : Number(e.target.value)); changed(false); } } });
  }
  function choices(it, known) {
    const box = make("div", { class: "xp-choices" });
    for (const [key, title] of known.options) box.append(make("label", { class: "sm" }, make("input", { type: "checkbox", class: "form-check-input", checked: (it.value || []).includes(key), on: { change: (e) => { it.value = known.options.map((o) => o[0]).filter((k) => (k === key ? e.target.checked : (it.value || []).includes(k))); changed(false); } } }), " " + title));
    return box;
  }
  const isNumber = (known) => known.type === "integer" || known.type === "number";
  const typed = (text, known) => (isNumber(known) && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
  const plain = (value) => (value === undefined || value === null || typeof value === "object" ? "" : String(value));

  // -- In words

  function told(part, top = true) {
    if (part.join) {
      const inner = part.parts.map((p) => told(p, false)).join(` ${words[part.join === "all" ? "and" : "or"]} `);
      return (part.negated ? words.not + " " : "") + (top && !part.negated ? inner : `(${inner})`);
    }
    const known = state.names.get(part.field), operator = state.operators.get(part.operator);
    const title = (v) => (v && typeof v === "object" ? ("today" in v ? `${words.today} ${v.today}` : state.names.get(v.name)?.title ?? v.name) : known?.options.find((o) => o[0] === v)?.[1] ?? plain(v));
    const value = operator?.takes === "none" ? "" : operator?.takes === "two" ? (part.value || []).map(title).join(` ${words.to} `) : Array.isArray(part.value) ? part.value.map(title).join(", ") : title(part.value);
    return [part.negated ? words.not : "", known?.title ?? part.field, operator?.title ?? part.operator, value, operator?.takes === "days" ? words.days : ""].filter((w) => w !== "").join(" ");
  }
  function say() { $("xp-say").textContent = state.isRule && state.group ? told(state.group) : ""; }

  // -- Text

  function problems(list) {
    const text = $("xp-input").value;
    $("xp-problems").replaceChildren(...list.map((p) => {
      const item = make("div", { class: "fp " + p.severity });
      if (Number.isInteger(p.start) && p.end > p.start && state.tab === "text") item.append(make("u", { class: "mono" }, text.slice(p.start, p.end)), " ");
      item.append(p.message, ...(p.hint ? [make("span", { class: "m1" }, " " + p.hint)] : []));
      return item;
    }));
    $("xp-apply").disabled = list.some((p) => p.severity === "error");
    $("xp-input").toggleAttribute("aria-invalid", list.some((p) => p.severity === "error"));
  }
  async function read(more = {}) {
    const found = await ask({ text: $("xp-input").value, ...more });
    if (!found) return null;
    state.isRule = found.boolean;
    problems(found.problems);
    trial(found.trial);
    if (found.ok && found.tree) state.group = rooted(found.tree);
    else if (!$("xp-input").value.trim()) state.group = null;
    state.odd = found.ok && found.tree === null ? found.odd : null;
    say();
    return found;
  }
  function tab(name) {
    state.tab = name;
    for (const key of ["rows", "text"]) {
      $("xp-" + key).hidden = key !== name;
      const button = $("xp-tab-" + key);
      button.setAttribute("aria-selected", String(key === name));
      button.tabIndex = key === name ? 0 : -1;
      if (key === name) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
    }
    if (name === "rows") {
      if (state.odd) $("xp-rows").replaceChildren(make("p", { class: "m1" }, words.odd, make("u", { class: "mono" }, $("xp-input").value.slice(state.odd.start, state.odd.end)), " — " + state.odd.reason));
      else draw();
    }
  }

  // Completion: the word before the caret, among names, titles, functions and what other products call them.
  function before() {
    const input = $("xp-input"), head = input.value.slice(0, input.selectionStart);
    return /[\p{L}\p{N}_.]*$/u.exec(head)[0];
  }
  function suggest() {
    const word = before().toLowerCase(), list = $("xp-words");
    const found = word.length < 1 ? [] : [
      ...[...state.names.values()].filter((n) => n.name.toLowerCase().includes(word) || n.title.toLowerCase().includes(word)).map((n) => ({ insert: n.name, title: n.title, note: n.type })),
      ...state.functions.filter((f) => f.name.includes(word) || f.aliases.some((a) => a.toLowerCase().includes(word))).map((f) => ({ insert: f.name + "(", title: f.signature, note: f.doc })),
    ].filter((s) => s.insert !== before()).sort((a, b) => b.insert.toLowerCase().startsWith(word) - a.insert.toLowerCase().startsWith(word) || a.insert.length - b.insert.length).slice(0, 8);
    list.replaceChildren(...found.map((s, n) => make("li", { role: "option", id: "xp-word-" + n, "aria-selected": String(n === 0), "data-insert": s.insert, title: s.note, on: { mousedown: (e) => { e.preventDefault(); insert(s.insert); } } }, make("code", {}, s.insert.replace(/\($/, "()")), " ", make("span", { class: "m1" }, s.title), " ", make("span", { class: "m2 sm" }, s.note))));
    list.hidden = !found.length;
    if (found.length) $("xp-input").setAttribute("aria-activedescendant", "xp-word-0"); else $("xp-input").removeAttribute("aria-activedescendant");
  }
  function insert(text) {
    const input = $("xp-input"), start = input.selectionStart - before().length;
    input.setRangeText(text, start, input.selectionStart, "end");
    $("xp-words").hidden = true;
    input.focus();
    later(() => read());
  }
  $("xp-input").addEventListener("input", () => { suggest(); later(() => read()); });
  $("xp-input").addEventListener("blur", () => { $("xp-words").hidden = true; });
  $("xp-input").addEventListener("keydown", (event) => {
    const list = $("xp-words");
    if (list.hidden) return;
    const items = [...list.children], at = items.findIndex((i) => i.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") { list.hidden = true; event.preventDefault(); event.stopPropagation(); }
    else if (event.key === "Tab" || event.key === "Enter") { event.preventDefault(); insert(items[at].dataset.insert); }
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = (at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length;
      items.forEach((item, n) => item.setAttribute("aria-selected", String(n === next)));
      $("xp-input").setAttribute("aria-activedescendant", items[next].id);
    }
  });

  // -- On a record

  function trial(found) {
    const box = $("xp-trial");
    if (!found) { box.replaceChildren(); return; }
    if (found.refused) { box.replaceChildren(make("p", { class: "bad" }, found.refused)); return; }
    const verdict = "met" in found ? words[found.met === true ? "met" : found.met === false ? "unmet" : "unknown"] : found.value;
    box.replaceChildren(
      make("p", {}, make("b", {}, found.name), " ", make("span", { class: "tag" + (found.met === true ? " ok" : found.met === false ? " no" : "") }, verdict), ...(found.sentence ? [make("span", { class: "m1" }, " " + found.sentence)] : [])),
      ...(found.nearest?.length ? [make("p", { class: "sm" }, make("span", { class: "m2" }, words.nearest + " "), found.nearest.join("; "))] : []),
      make("table", { class: "table d flush" }, make("tbody", {}, ...found.lines.map((l) => make("tr", {}, make("td", {}, make("code", { style: `--d:${l.depth}` }, l.text)), make("td", { class: "n" }, l.value), make("td", { class: "sm m2" }, l.cause))))));
  }
  $("xp-search").addEventListener("input", () => later(async () => {
    const found = await ask({ text: $("xp-input").value, search: $("xp-search").value });
    if (!found) return;
    $("xp-found").replaceChildren(...(found.records.length ? found.records.map((r) => make("li", {}, make("button", { type: "button", class: "btn q", on: { click: () => { state.record = String(r.id); $("xp-found").replaceChildren(); $("xp-search").value = r.name; read(); } } }, r.name))) : [make("li", { class: "m2 sm" }, words.none)]));
  }));
  $("xp-search").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); $("xp-found").querySelector("button")?.click(); } });

  // -- Opening and closing

  async function open(button) {
    const input = [...document.getElementsByName(button.dataset.xp)].find((i) => i.form?.id === "doc");
    Object.assign(state, { path: button.dataset.xp, input, group: null, odd: null, record: "", opener: button });
    $("xp-title").textContent = button.getAttribute("aria-label").replace(/^[^:]*: /, "");
    $("xp-input").value = input.value;
    $("xp-search").value = "";
    $("xp-found").replaceChildren();
    trial(null);
    problems([]);
    $("xp-rows").replaceChildren();
    dialog.showModal();
    const found = await read({ names: "1" });
    if (!found) { tab("text"); return; }
    state.names = new Map(found.names.map((n) => [n.name, n]));
    state.operators = new Map(found.operators.map((o) => [o.key, o]));
    state.functions = found.functions;
    $("xp-try").hidden = !found.can_try;
    $("xp-tab-rows").disabled = !found.boolean;
    tab(found.boolean && !state.odd && (found.ok || !input.value.trim()) ? "rows" : "text");
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".xp-open");
    if (button) open(button);
  });
  dialog.querySelectorAll("[data-tab]").forEach((button) => button.addEventListener("click", async () => {
    clearTimeout(waiting);
    if (button.dataset.tab === "rows") await read();
    tab(button.dataset.tab);
    if (button.dataset.tab === "text") $("xp-input").focus();
  }));
  $("xp-apply").addEventListener("click", () => {
    state.input.value = $("xp-input").value;
    state.input.dispatchEvent(new Event("input", { bubbles: true }));
    dialog.close();
  });
  dialog.addEventListener("close", () => state.opener?.focus());
})();
